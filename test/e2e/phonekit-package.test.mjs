/** The package @scanlogin/phone, packed and installed as an app would: types, bundle, vectors, and the guide. */
import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from 'node:test';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';

import { scenario, variations } from './harness.mjs';
import { compile, openReplay, readVectors, useKit } from './phonekit.mjs';
import { run } from './process.mjs';

const STRICT = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, target: 'es2022', types: [] };

const installed = useKit();
const { kitOf, refusal } = installed;

describe('the package', { concurrency: 2 }, () => {
  scenario('contains the built files only, and depends on nothing', async () => {
    assert.deepEqual(installed.project.packed.filter((path) => !/^(dist\/[\w-]+\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(path)), []);
    const { dependencies, peerDependencies } = JSON.parse(await readFile(join(installed.project.dir, 'node_modules/@scanlogin/phone/package.json'), 'utf8'));
    assert.deepEqual([dependencies, peerDependencies], [undefined, undefined]);
  });

  for (const [name, lib, module] of variations([['in an app', ['es2022', 'dom'], 'nodenext'], ['without the types of the DOM, as in React Native', ['es2022'], 'esnext']])) {
    scenario(`compiles in strict mode ${name}`, async () => {
      const file = `consumer-${module}.ts`;
      await copyFile(join(import.meta.dirname, 'phone/consumer.ts'), join(installed.project.dir, file));
      const settings = { ...STRICT, lib, module, moduleResolution: module === 'nodenext' ? 'nodenext' : 'bundler' };
      await writeFile(join(installed.project.dir, `tsconfig-${module}.json`), JSON.stringify({ compilerOptions: settings, files: [file] }));
      assert.equal(await compile(installed.project.dir, '-p', `tsconfig-${module}.json`), '', 'what the compiler says');
    }, { seconds: 120 });
  }

  scenario('is bundled for old web views, and the bundle runs', async () => {
    const entry = join(installed.project.dir, 'bundled.ts');
    const outfile = join(installed.project.dir, 'bundle.mjs');
    await writeFile(entry, `import { PhoneKit } from '@scanlogin/phone';
      const kit = new PhoneKit({ server: 'https://scan.example.com', token: () => '' });
      console.log(kit.read('https://scan.example.com/s/${'x'.repeat(30)}').kind);`);
    const { warnings } = await build({ entryPoints: [entry], bundle: true, format: 'esm', target: 'es2020', platform: 'browser', outfile, minify: true });
    assert.deepEqual(warnings, []);
    assert.equal((await run(process.execPath, [outfile])).stdout, 'link\n');
  });

  scenario('makes text safe to show as the engine classifies characters', async () => {
    const hidden = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc]/u;
    const wrong = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      const character = String.fromCodePoint(point);
      const shown = installed.phone.displayText(`a${character}b`);
      if (shown !== (/\s/.test(character) && character !== '\ufeff' ? 'a b' : hidden.test(character) ? 'ab' : `a${character}b`)) wrong.push(point.toString(16));
    }
    assert.deepEqual(wrong, []);
    assert.equal(installed.phone.displayText('  a\n\u202eb  '), 'a b');
    assert.equal(installed.phone.displayText('𝕒𝕓𝕔𝕕', 3), '𝕒𝕓…');
  });
});

describe('docs/phone.md', { concurrency: 2 }, () => {
  const guide = () => readFile(join(import.meta.dirname, '../../docs/phone.md'), 'utf8');

  scenario('its TypeScript compiles in strict mode', async () => {
    const blocks = [...(await guide()).matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code);
    assert.ok(blocks.length > 0);
    const files = await Promise.all(blocks.map(async (code, i) => {
      await writeFile(join(installed.project.dir, `guide-${i}.ts`), code);
      return `guide-${i}.ts`;
    }));
    const settings = { ...STRICT, lib: ['es2022', 'dom'], module: 'nodenext', noEmit: true };
    await writeFile(join(installed.project.dir, 'tsconfig-guide.json'), JSON.stringify({ compilerOptions: settings, files }));
    assert.equal(await compile(installed.project.dir, '-p', 'tsconfig-guide.json'), '', 'what the compiler says');
  }, { seconds: 120 });

  scenario('its table of errors has the advice of the package', async () => {
    const { ADVICE } = await import(pathToFileURL(join(installed.project.dir, 'node_modules/@scanlogin/phone/dist/advice.js')).href);
    const rows = [...(await guide()).matchAll(/^\| `([a-z-]+)` \| .* \| ([a-z-]+) \| (.*) \| (.*) \|$/gm)];
    const table = Object.fromEntries(rows.map(([, kind, next, en, zh]) => [kind, { next, en, zh }]));
    assert.deepEqual(table, { ...ADVICE });
  });
});

describe('the vectors', { concurrency: 2 }, () => {
  const read = (app, text) => {
    try {
      return { want: { ...app.read(text) } };
    } catch (error) {
      return { error: error.kind };
    }
  };

  for (const file of ['payloads.json', 'links.json']) {
    scenario(`${file}: each text is read as expected`, async () => {
      const { pins, cases } = await readVectors(file);
      assert.ok(cases.length > 50);
      for (const { name, text, pins: own = pins, ...expected } of cases) {
        const app = kitOf('https://scan.example.com', { linkOrigins: own.origins, appLinks: own.appLinks, pool: own.pool });
        const opened = { read: (url) => app.openLink(url).afterUserAgreed() };
        assert.deepEqual(read(file === 'links.json' ? opened : app, text), expected, name);
      }
    });
  }

  scenario('consents.json: each answer to a scan is read as expected', async (sandbox) => {
    const replay = await openReplay(sandbox);
    const app = kitOf(replay.address, { totalTimeout: 0 });
    for (const { name, answer, want, error } of (await readVectors('consents.json')).cases) {
      replay.answers.push(answer);
      const result = app.scan(app.read('0123456789abcdefghijABCDEFGHIJ'));
      if (error) await refusal(result, error);
      else assert.deepEqual((await result).scan, want, name);
    }
  });

  scenario('errors.json: each refusal of a scan and of a decision is read as expected', async (sandbox) => {
    const replay = await openReplay(sandbox);
    const app = kitOf(replay.address, { totalTimeout: 0 });
    const { cases: [{ answer: success }] } = await readVectors('consents.json');
    const code = app.read(success.body.data.random);
    for (const { name, answer, want: { kind, effect, ...details } } of (await readVectors('errors.json')).cases) {
      replay.answers = [answer];
      const error = await refusal(app.scan(code), kind);
      for (const [field, value] of Object.entries(details)) assert.deepEqual(error[field], value, `${name}: ${field}`);

      replay.answers = [success];
      const login = await app.scan(code);
      for (const step of ['confirm', 'cancel']) {
        replay.answers = [answer, { status: 503, body: '' }]; // the second answers the question how a used code ended
        await refusal(login[step](), effect === 'unknown' ? 'outcome-unknown' : kind);
      }
    }
  });
});

describe('what a later server does', { concurrency: 2 }, () => {
  scenario('step-up: confirm is refused, and succeeds with the next token', async (sandbox) => {
    const replay = await openReplay(sandbox);
    const scans = (await readVectors('consents.json')).cases;
    const refusals = (await readVectors('errors.json')).cases;
    const { answer: success } = scans.find(({ name }) => name === 'a step-up with one requirement');
    const { answer: refused } = refusals.find(({ name }) => name === '2251: step-up');
    const { random } = success.body.data;
    replay.answers = [success, refused, { status: 200, body: { code: 200, message: 'OK', data: { random, status: 2 } } }];
    let token = 'old';
    const app = kitOf(replay.address, { token: async () => token });
    const login = await app.scan(app.read(random));
    assert.deepEqual(login.scan.stepUp, { maxAge: 60 });
    const error = await refusal(login.confirm(), 'step-up-required');
    assert.deepEqual(error.stepUp, refused.body.stepUp);
    token = 'new';
    assert.equal((await login.confirm()).status, 'confirmed');
    assert.deepEqual(replay.requests.map(({ headers }) => headers.authorization), ['Bearer old', 'Bearer old', 'Bearer new']);
  });

  scenario('typed codes: the scan sends what was typed, the decision the id in the answer', async (sandbox) => {
    const replay = await openReplay(sandbox);
    const { cases: [{ answer }] } = await readVectors('consents.json');
    const { random } = answer.body.data;
    replay.answers = [answer, { status: 200, body: { code: 200, message: 'OK', data: { random, status: 3 } } }];
    const app = kitOf(replay.address);
    const login = await app.scan(app.read(' wdjb mjht'));
    await login.cancel();
    assert.deepEqual(replay.requests.map(({ body }) => JSON.parse(body)), [{ random: 'WDJB-MJHT' }, { random }]);
  });

  scenario('an answer about another code is refused', async (sandbox) => {
    const replay = await openReplay(sandbox);
    const { cases: [{ answer }] } = await readVectors('consents.json');
    const app = kitOf(replay.address);
    replay.answers = [answer];
    await refusal(app.scan(app.read('x'.repeat(30))), 'unexpected-response');
    replay.answers = [answer, { status: 200, body: { code: 200, message: 'OK', data: { random: 'x'.repeat(30), status: 2 } } }];
    await refusal((await app.scan(app.read(answer.body.data.random))).confirm(), 'unexpected-response');
  });
});

describe('options', () => {
  scenario('addresses that are not origins, http, and links without {random} are refused', async () => {
    for (const wrong of ['scan.example.com', 'https://scan.example.com/path', 'https://user@scan.example.com', 'https://', 'ftp://scan.example.com', 'http://scan.example.com']) {
      assert.throws(() => new installed.phone.PhoneKit({ server: wrong, token: () => '' }), TypeError, wrong);
      assert.throws(() => new installed.phone.PhoneKit({ server: 'https://scan.example.com', token: () => '', linkOrigins: [wrong] }), TypeError, wrong);
    }
    for (const wrong of ['shop://login', '{random}', 'shop:{random}', 'shop://{random}/{random}']) {
      assert.throws(() => new installed.phone.PhoneKit({ server: 'https://scan.example.com', token: () => '', appLinks: [wrong] }), TypeError, wrong);
    }
  });
});
