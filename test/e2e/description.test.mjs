/** The served API descriptions: valid by the official schema, usable by a client, and readable as a page. */
import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { pathToFileURL } from 'node:url';

import asyncapi from '@asyncapi/specs';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import openapiTS, { astToString } from 'openapi-typescript';
import { parse } from 'yaml';

import { assertAccessible, DESKTOP, launch, openContext, PHONE, saveScreenshot } from './browser.mjs';
import { scenario, variations } from './harness.mjs';
import { run } from './process.mjs';

const require = createRequire(import.meta.url);
const COMPILER = { strict: true, exactOptionalPropertyTypes: true, target: 'es2022', module: 'nodenext', lib: ['es2022', 'dom'], types: [] };

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

async function served(node, name) {
  const answer = await fetch(`${node.address}/${name}`, { headers: { origin: 'https://www.example.com' } });
  assert.equal(answer.headers.get('access-control-allow-origin'), '*', name);
  assert.equal(answer.headers.get('content-type'), 'application/yaml', name);
  return answer.text();
}

describe('the descriptions', { concurrency: 2 }, () => {
  scenario('asyncapi.yaml is valid by the official AsyncAPI 3.0 schema', async (sandbox) => {
    const description = parse(await served(await sandbox.demo(), 'asyncapi.yaml'));
    const ajv = formats(new Ajv({ strict: false, allErrors: true }));
    const validate = ajv.compile(asyncapi.schemasWithoutId['3.0.0']);
    validate(description);
    assert.deepEqual(validate.errors, null);
    delete description.channels.socket.messages.code.$ref;
    description.channels.socket.messages.code.contents = {};
    assert.equal(validate(description), false, 'the schema takes anything');
  });

  scenario('a client with types generated from openapi.yaml compiles and logs a user in', async (sandbox) => {
    const demo = await sandbox.demo();
    const types = astToString(await openapiTS(await served(demo, 'openapi.yaml'), { silent: true }));
    await writeFile(join(sandbox.dir, 'package.json'), '{"type":"module"}');
    await writeFile(join(sandbox.dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER, files: ['client.ts'] }));
    await writeFile(join(sandbox.dir, 'openapi.d.ts'), types);
    await copyFile(join(import.meta.dirname, 'client/client.ts'), join(sandbox.dir, 'client.ts'));
    const { stdout } = await run(process.execPath, [require.resolve('typescript/bin/tsc')],
      { cwd: sandbox.dir, seconds: 60, mayFail: true });
    assert.equal(stdout, '', 'what the compiler says');

    const { Site } = await import(pathToFileURL(join(sandbox.dir, 'client.js')).href);
    assert.deepEqual(await new Site(demo.address, 'demo', demo.secret).login({ id: 'u1', nickname: 'Una' }),
      { seen: ['waiting', 'scanned', 'confirmed'], id: 'u1', nickname: 'Una' });
  }, { seconds: 90 });

  for (const colorScheme of variations(['light', 'dark'])) {
    scenario(`axe finds no serious violation in /docs, ${colorScheme}`, async (sandbox) => {
      const demo = await sandbox.demo();
      const page = await (await openContext(sandbox, browser, { ...DESKTOP, colorScheme, reducedMotion: 'reduce' })).newPage();
      await page.goto(`${demo.address}/docs`);
      await saveScreenshot(page, `docs-${colorScheme}`);
      await assertAccessible(page, 'docs');
    }, { seconds: 120 }); // it is a long page
  }

  scenario('/docs fits the width of a phone', async (sandbox) => {
    const demo = await sandbox.demo();
    const page = await (await openContext(sandbox, browser, PHONE)).newPage();
    await page.goto(`${demo.address}/docs`);
    await saveScreenshot(page, 'docs-phone');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `the page is ${wide} pixels too wide`);
  });

  scenario('/docs lists every operation, error and message, has valid links, and works with the keyboard', async (sandbox) => {
    const demo = await sandbox.demo();
    const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    await page.goto(`${demo.address}/docs`);
    const rest = parse(await served(demo, 'openapi.yaml'));
    const text = await page.locator('main').innerText();
    for (const [path, item] of Object.entries(rest.paths)) {
      assert.ok(text.includes(path), path);
      for (const operation of Object.values(item)) if (operation.operationId) await page.locator(`[id="${operation.operationId}"]`).waitFor();
    }
    for (const { code, message } of rest['x-errors']) assert.ok(text.includes(`${code}`) && text.includes(message), message);
    for (const [name, schema] of Object.entries(rest.components.schemas)) {
      const section = page.locator(`section[aria-labelledby="schema-${name}"]`);
      for (const field of Object.keys(schema.properties ?? {})) assert.ok((await section.innerText()).includes(field), `${name}.${field}`);
    }
    for (const code of ['1012', '4404', '4408']) assert.ok(text.includes(code), code);
    const lost = await page.evaluate(() => [...document.querySelectorAll('a[href^="#"]')].map((link) => link.hash.slice(1)).filter((id) => !document.getElementById(id)));
    assert.deepEqual(lost, [], 'links that lead nowhere');
    const twice = await page.evaluate(() => [...document.querySelectorAll('[id]')].map(({ id }) => id).filter((id, i, all) => all.indexOf(id) !== i));
    assert.deepEqual(twice, [], 'ids that stand twice');

    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter'); // skips the contents
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'content');
  });

  scenario('the served descriptions equal the files in the source', async (sandbox) => {
    const demo = await sandbox.demo();
    for (const name of ['openapi.yaml', 'asyncapi.yaml']) {
      assert.equal(await served(demo, name), await readFile(join(import.meta.dirname, '../../web', name), 'utf8'));
    }
  });
});
