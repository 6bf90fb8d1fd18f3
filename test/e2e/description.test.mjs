/** The served API descriptions: valid by the official schema, usable by a client, and linked from /docs. */
import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { pathToFileURL } from 'node:url';

import asyncapi from '@asyncapi/specs';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { transform } from 'esbuild';
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
  }, { seconds: 90, testAllOnly: true });

  for (const colorScheme of variations(['light', 'dark'])) {
    scenario(`axe finds no serious violation in /docs, ${colorScheme}`, async (sandbox) => {
      const demo = await sandbox.demo();
      const page = await (await openContext(sandbox, browser, { ...DESKTOP, colorScheme, reducedMotion: 'reduce' })).newPage();
      await page.goto(`${demo.address}/docs`);
      await saveScreenshot(page, `docs-${colorScheme}`);
      await assertAccessible(page, 'docs'); // 6,500 elements: 5 s of work for axe
    }, { seconds: 60 });
  }

  scenario('/docs fits the width of a phone', async (sandbox) => {
    const demo = await sandbox.demo();
    const page = await (await openContext(sandbox, browser, PHONE)).newPage();
    await page.goto(`${demo.address}/docs`);
    await saveScreenshot(page, 'docs-phone');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `the page is ${wide} pixels too wide`);
  });

  scenario('/docs links to both descriptions, and loads nothing from other servers', async (sandbox) => {
    const demo = await sandbox.demo();
    const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    const requested = [];
    page.on('request', (request) => requested.push(new URL(request.url()).origin));
    await page.goto(`${demo.address}/docs`);
    assert.ok(requested.length > 1, `${requested}`);
    assert.deepEqual([...new Set(requested)], [new URL(demo.address).origin]);
    const links = await page.evaluate(() => [...document.querySelectorAll('a')].map(({ href }) => href));
    for (const name of ['openapi.yaml', 'asyncapi.yaml']) assert.ok(links.includes(`${demo.address}/${name}`), name);
  });

  scenario('/docs finds entries, shows samples in one language, and copies them; with the keyboard', async (sandbox) => {
    const demo = await sandbox.demo();
    const context = await openContext(sandbox, browser, { ...DESKTOP, permissions: ['clipboard-read', 'clipboard-write'] });
    const page = await context.newPage();
    await page.goto(`${demo.address}/docs`);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type('exchange the ticket');
    await page.getByRole('heading', { name: 'Exchange the ticket for the user, once.' }).waitFor();
    assert.equal(await page.getByRole('heading', { name: 'Create a code.' }).isVisible(), false);
    assert.match(await page.getByRole('status').innerText(), /^[1-9] of \d+ entries$/);
    await assertAccessible(page, 'docs, search');
    await page.getByRole('searchbox').fill('');
    const gene = page.locator('#gene');
    await gene.getByRole('button', { name: 'Go', exact: true }).press('Enter');
    await page.locator('#check').getByText('http.NewRequestWithContext').waitFor(); // in all samples
    await gene.getByRole('button', { name: 'curl' }).press('Enter');
    await gene.getByRole('button', { name: 'Copy' }).press('Enter');
    await gene.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const command = copied.replace('https://scan.example.com', demo.address).replace('shop', 'demo');
    const { stdout } = await run('/bin/sh', ['-c', command]);
    assert.equal(JSON.parse(stdout).code, 200, `${command}\n${stdout}`);
  }, { seconds: 60 });

  scenario('the samples in JavaScript are valid', async (sandbox) => {
    const demo = await sandbox.demo();
    const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    await page.goto(`${demo.address}/docs`);
    const samples = await page.locator('figure[data-lang="JavaScript"] code').allTextContents();
    assert.ok(samples.length > 10);
    for (const text of samples) await transform(text, { format: 'esm' }); // fails where it does not parse
    await assert.rejects(transform(`${samples[0]}\n)`, { format: 'esm' }), 'the parser takes anything');
  });

  scenario('the served descriptions equal the files in the source', async (sandbox) => {
    const demo = await sandbox.demo();
    for (const name of ['openapi.yaml', 'asyncapi.yaml']) {
      assert.equal(await served(demo, name), await readFile(join(import.meta.dirname, '../../web', name), 'utf8'));
    }
  });
});
