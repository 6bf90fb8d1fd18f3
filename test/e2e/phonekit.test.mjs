/** @scanlogin/phone, packed and installed as an app would: types, vectors, bundle, and logins on a real node. */
import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe } from 'node:test';

import { build } from 'esbuild';

import { exchange, gene } from './curl.mjs';
import { appToken, POOL, POOL_SECRET, scenario, TOKEN_SECRET } from './harness.mjs';
import { compile, installKit, openNetwork, openReplay, readVectors } from './phonekit.mjs';
import { run, until } from './process.mjs';

const ALICE = { sub: 'alice', nickname: 'Alice' };
const STRICT = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, target: 'es2022', types: [] };

/** @type {Awaited<ReturnType<typeof installKit>>} */
let project;
/** @type {typeof import('@scanlogin/phone')} */
let phone;
before(async () => {
  project = await installKit();
  phone = await project.load();
}, { timeout: 240_000 });
after(() => project?.remove());

/** The kit of a user's app. `more` overrides options. */
function kitOf(server, more = {}) {
  return new phone.PhoneKit({ server, pool: POOL, token: () => appToken(ALICE), allowHttp: true, ...more });
}

/** Asserts that a call fails with this kind of error, and returns the error. */
async function refusal(promise, kind) {
  const error = await promise.then((value) => assert.fail(`no error: ${JSON.stringify(value)}`), (reason) => reason);
  assert.ok(error instanceof phone.LoginError, error.stack);
  assert.equal(error.kind, kind, error.stack);
  assert.ok(error.advice.en && error.advice.zh && error.advice.next);
  return error;
}

async function scanned(node, kit) {
  const { payload } = await gene(node, POOL);
  return kit.scan(kit.read(payload));
}

describe('the package', { concurrency: 2 }, () => {
  scenario('contains the built files only, and depends on nothing', async () => {
    assert.deepEqual(project.packed.filter((path) => !/^(dist\/[\w-]+\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(path)), []);
    const { dependencies, peerDependencies } = JSON.parse(await readFile(join(project.dir, 'node_modules/@scanlogin/phone/package.json'), 'utf8'));
    assert.deepEqual([dependencies, peerDependencies], [undefined, undefined]);
  });

  for (const [name, lib, module] of [['in an app', ['es2022', 'dom'], 'nodenext'], ['without the types of the DOM, as in React Native', ['es2022'], 'esnext']]) {
    scenario(`compiles in strict mode ${name}`, async () => {
      const file = `consumer-${module}.ts`;
      await copyFile(join(import.meta.dirname, 'phone/consumer.ts'), join(project.dir, file));
      const settings = { ...STRICT, lib, module, moduleResolution: module === 'nodenext' ? 'nodenext' : 'bundler' };
      await writeFile(join(project.dir, `tsconfig-${module}.json`), JSON.stringify({ compilerOptions: settings, files: [file] }));
      assert.equal(await compile(project.dir, '-p', `tsconfig-${module}.json`), '', 'what the compiler says');
    }, { seconds: 120 });
  }

  scenario('is bundled for old web views, and the bundle runs', async () => {
    const entry = join(project.dir, 'bundled.ts');
    const outfile = join(project.dir, 'bundle.mjs');
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
      const shown = phone.displayText(`a${character}b`);
      if (shown !== (/\s/.test(character) && character !== '\ufeff' ? 'a b' : hidden.test(character) ? 'ab' : `a${character}b`)) wrong.push(point.toString(16));
    }
    assert.deepEqual(wrong, []);
    assert.equal(phone.displayText('  a\n\u202eb  '), 'a b');
    assert.equal(phone.displayText('𝕒𝕓𝕔𝕕', 3), '𝕒𝕓…');
  });
});

describe('docs/phone.md', { concurrency: 2 }, () => {
  const guide = () => readFile(join(import.meta.dirname, '../../docs/phone.md'), 'utf8');

  scenario('its TypeScript compiles in strict mode', async () => {
    const blocks = [...(await guide()).matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code);
    assert.ok(blocks.length > 0);
    const files = await Promise.all(blocks.map(async (code, i) => {
      await writeFile(join(project.dir, `guide-${i}.ts`), code);
      return `guide-${i}.ts`;
    }));
    const settings = { ...STRICT, lib: ['es2022', 'dom'], module: 'nodenext', noEmit: true };
    await writeFile(join(project.dir, 'tsconfig-guide.json'), JSON.stringify({ compilerOptions: settings, files }));
    assert.equal(await compile(project.dir, '-p', 'tsconfig-guide.json'), '', 'what the compiler says');
  }, { seconds: 120 });

  scenario('its table of errors has the advice of the package', async () => {
    const { ADVICE } = await import(pathToFileURL(join(project.dir, 'node_modules/@scanlogin/phone/dist/advice.js')).href);
    const rows = [...(await guide()).matchAll(/^\| `([a-z-]+)` \| .* \| ([a-z-]+) \| (.*) \| (.*) \|$/gm)];
    const table = Object.fromEntries(rows.map(([, kind, next, en, zh]) => [kind, { next, en, zh }]));
    assert.deepEqual(table, { ...ADVICE });
  });
});

describe('the vectors', { concurrency: 2 }, () => {
  const read = (kit, text) => {
    try {
      return { want: { ...kit.read(text) } };
    } catch (error) {
      return { error: error.kind };
    }
  };

  for (const file of ['payloads.json', 'links.json']) {
    scenario(`${file}: each text is read as expected`, async () => {
      const { pins, cases } = await readVectors(file);
      assert.ok(cases.length > 50);
      for (const { name, text, pins: own = pins, ...expected } of cases) {
        const kit = kitOf('https://scan.example.com', { linkOrigins: own.origins, appLinks: own.appLinks, pool: own.pool });
        const opened = { read: (url) => kit.openLink(url).afterUserAgreed() };
        assert.deepEqual(read(file === 'links.json' ? opened : kit, text), expected, name);
      }
    });
  }

  scenario('consents.json: each answer to a scan is read as expected', async (sandbox) => {
    const replay = await openReplay(sandbox);
    const kit = kitOf(replay.address, { totalTimeout: 0 });
    for (const { name, answer, want, error } of (await readVectors('consents.json')).cases) {
      replay.answers.push(answer);
      const result = kit.scan(kit.read('0123456789abcdefghijABCDEFGHIJ'));
      if (error) await refusal(result, error);
      else assert.deepEqual((await result).scan, want, name);
    }
  });

  scenario('errors.json: each refusal of a scan and of a decision is read as expected', async (sandbox) => {
    const replay = await openReplay(sandbox);
    const kit = kitOf(replay.address, { totalTimeout: 0 });
    const { cases: [{ answer: success }] } = await readVectors('consents.json');
    const code = kit.read(success.body.data.random);
    for (const { name, answer, want: { kind, effect, ...details } } of (await readVectors('errors.json')).cases) {
      replay.answers = [answer];
      const error = await refusal(kit.scan(code), kind);
      for (const [field, value] of Object.entries(details)) assert.deepEqual(error[field], value, `${name}: ${field}`);

      replay.answers = [success];
      const login = await kit.scan(code);
      for (const step of ['confirm', 'cancel']) {
        replay.answers = [answer, { status: 503, body: '' }]; // the second answers the question how a used code ended
        await refusal(login[step](), effect === 'unknown' ? 'outcome-unknown' : kind);
      }
    }
  });
});

describe('the kit on a node', { concurrency: 2 }, () => {
  scenario('scans, shows who asks, and confirms; the site gets the user', async (sandbox) => {
    const node = await sandbox.node();
    const kit = kitOf(node.address);
    const { payload, random, browserKey } = await gene(node, POOL, { customData: { table: '7' } });
    const login = await kit.scan(kit.read(payload));
    assert.equal(login.scan.pool.name, 'Shop');
    assert.deepEqual([login.scan.random, login.scan.browser.ip, login.scan.consent.verdict], [random, '127.0.0.1', 'ok']);
    assert.deepEqual(login.scan.customData, { table: '7' });
    assert.equal(await login.status(), 'scanned');
    assert.deepEqual(await login.confirm(), { random, status: 'confirmed' });
    assert.deepEqual(await login.confirm(), { random, status: 'confirmed' }, 'again');
    const check = await fetch(`${node.address}/api/v2/qrcode/check?random=${random}`, { headers: { 'x-browser-key': browserKey } });
    const { answer } = await exchange(node, (await check.json()).data.ticket, POOL, POOL_SECRET);
    assert.equal(answer.data.id, 'alice');
    const late = await refusal(login.cancel(), 'code-used');
    assert.equal(late.status, 'confirmed');
  });

  scenario('cancels, also twice', async (sandbox) => {
    const node = await sandbox.node();
    const login = await scanned(node, kitOf(node.address));
    for (let i = 0; i < 2; i++) assert.equal((await login.cancel()).status, 'canceled');
    assert.equal((await refusal(login.confirm(), 'code-used')).status, 'canceled');
  });

  scenario('an opened link sends nothing until the user agrees', async (sandbox) => {
    const node = await sandbox.node({ pool: { payload_format: 'url' } });
    const network = await openNetwork(sandbox, node);
    const kit = kitOf(network.address, { linkOrigins: [node.address] });
    const { payload } = await gene(node, POOL);
    const linked = kit.openLink(payload);
    await assert.rejects(kit.scan(linked), TypeError);
    await assert.rejects(kit.scan({ kind: 'id', random: 'x'.repeat(30) }), TypeError);
    assert.deepEqual(network.requests, []);
    assert.equal((await kit.scan(linked.afterUserAgreed())).scan.pool.name, 'Shop');
  });

  scenario('asks for the number, and counts only wrong ones', async (sandbox) => {
    const node = await sandbox.node({ pool: { match: 'digits' } });
    const network = await openNetwork(sandbox, node);
    const kit = kitOf(network.address);
    const { payload, random, browserKey } = await gene(node, POOL);
    const login = await kit.scan(kit.read(payload));
    assert.equal(login.scan.match, 'digits');
    const check = await fetch(`${node.address}/api/v2/qrcode/check?random=${random}`, { headers: { 'x-browser-key': browserKey } });
    const { matchCode } = (await check.json()).data;
    const wrong = matchCode === '42' ? '43' : '42';
    for (const malformed of [undefined, '', '7', '123', 'ab', '４２']) await refusal(login.confirm({ matchCode: malformed }), 'match-code');
    assert.equal(network.count('confirm'), 0);
    assert.match((await refusal(login.confirm({ matchCode: wrong }), 'match-code')).message, /2 tries left|2 attempts left/);

    network.faults.confirm = ['response'];
    const unknown = await refusal(login.confirm({ matchCode: wrong }), 'outcome-unknown');
    assert.equal(unknown.status, 'scanned');
    assert.equal(network.count('confirm'), 2, 'a wrong number must not be repeated');

    network.faults.confirm = ['response'];
    assert.equal((await login.confirm({ matchCode })).status, 'confirmed', 'a right number whose response was lost');
  });

  scenario('the third wrong number ends the code', async (sandbox) => {
    const node = await sandbox.node({ pool: { match: 'digits' } });
    const login = await scanned(node, kitOf(node.address));
    for (let i = 0; i < 2; i++) await refusal(login.confirm({ matchCode: '09' }), 'match-code'); // numbers begin at 10
    assert.equal((await refusal(login.confirm({ matchCode: '09' }), 'code-used')).status, 'canceled');
  });


  scenario('refusals of the node have the class for them, and are in the language of the app', async (sandbox) => {
    const pools = [POOL, 'other'].map((id) => ({ id, secret: `${POOL_SECRET} ${id}`, identity: { jwt: { hs256_secret: id === POOL ? TOKEN_SECRET : `${TOKEN_SECRET} 2` } } }));
    const node = await sandbox.node({ settings: { pools } });
    const kit = kitOf(node.address, { language: 'zh-CN' });
    const { random, payload } = await gene(node, POOL);
    assert.match((await refusal(kit.scan(kit.read('x'.repeat(30))), 'invalid-code')).message, /二维码/);
    await refusal(kit.scan(kit.read('WDJB-MJHT')), 'invalid-code'); // the node has no typed codes yet, or not this one
    const loggedOut = kitOf(node.address, { token: () => 'no token' });
    assert.equal((await refusal(loggedOut.scan(loggedOut.read(random)), 'login-required')).code, 2020);

    const foreign = await gene(node, 'other');
    await refusal(kit.scan(kit.read(foreign.random)), 'other-pool');
    assert.throws(() => kit.read(foreign.payload), phone.OtherPoolError, 'without a request');

    await kit.scan(kit.read(payload));
    const bob = kitOf(node.address, { token: () => appToken({ sub: 'bob' }) });
    await refusal(bob.scan(bob.read(random)), 'other-user');
  });

  scenario('an expired code', async (sandbox) => {
    const node = await sandbox.node({ pool: { code_ttl: '1s' } });
    const kit = kitOf(node.address);
    const { random } = await gene(node, POOL);
    await until(15, 'the code expires', async () => (await (await fetch(`${node.address}/api/v2/qrcode/check?random=${random}`)).json()).data.event === 'expired');
    await refusal(kit.scan(kit.read(random)), 'code-expired');
  });

  scenario('a login that the rules of the pool block can still be canceled', async (sandbox) => {
    const node = await sandbox.node({ pool: { consent: { new_browser: 'block' } } });
    const login = await scanned(node, kitOf(node.address));
    assert.equal(login.scan.consent.verdict, 'block');
    assert.deepEqual(login.scan.consent.reasons.map(({ name }) => name), ['new_browser']);
    assert.match((await refusal(login.confirm(), 'blocked')).message, /not logged in with this browser/);
    assert.equal((await login.cancel()).status, 'canceled');
  });

  scenario('a user who cancels again and again enters a cool-down', async (sandbox) => {
    const node = await sandbox.node();
    const kit = kitOf(node.address);
    let refused;
    for (let i = 0; i < 10 && !refused; i++) { // the cool-down doubles, so a slow machine meets a later one
      await scanned(node, kit).then((login) => login.cancel(), (error) => { refused = error; });
    }
    await refusal(Promise.reject(refused), 'rate-limited');
    assert.ok(refused.retryAfter >= 1, `${refused.retryAfter}`);
  });
});

describe('the kit on a bad network', { concurrency: 2 }, () => {
  scenario('a scan is repeated after a lost request, a lost response, and silence', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    network.faults.scanned = ['request', 'response', 'silence'];
    const kit = kitOf(network.address, { requestTimeout: 5000, totalTimeout: 60_000 });
    const login = await scanned(node, kit);
    assert.equal(login.scan.pool.name, 'Shop');
    assert.equal(network.count('scanned'), 4);
  }, { seconds: 90 });

  for (const [step, status] of [['confirm', 'confirmed'], ['cancel', 'canceled']]) {
    scenario(`${step} asks for the status after a lost message, and succeeds`, async (sandbox) => {
      const node = await sandbox.node();
      const network = await openNetwork(sandbox, node);
      for (const lost of ['request', 'response']) {
        const login = await scanned(node, kitOf(network.address));
        network.requests.length = 0;
        network.faults = { [step]: [lost], check: ['request'] };
        assert.equal((await login[step]()).status, status);
        assert.deepEqual(network.requests.map((one) => one.step), [step, 'check', 'check', step]);
      }
    });
  }

  scenario('a refused question about the status is asked again', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const login = await scanned(node, kitOf(network.address));
    network.faults = { confirm: ['response'], check: ['limit'] };
    assert.equal((await login.confirm()).status, 'confirmed');
    assert.deepEqual([network.count('confirm'), network.count('check')], [2, 2]);
  });

  scenario('a refused step is not repeated', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const kit = kitOf(network.address);
    network.faults.scanned = ['limit'];
    assert.equal((await refusal(scanned(node, kit), 'rate-limited')).retryAfter, 1);
    const login = await scanned(node, kit);
    network.faults.confirm = ['limit'];
    await refusal(login.confirm(), 'rate-limited');
    assert.deepEqual([network.count('scanned'), network.count('confirm'), network.count('check')], [2, 1, 0]);
  });

  scenario('a token that comes after an abort is not sent', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const sent = [];
    let giveToken;
    const kit = kitOf(network.address, {
      requestTimeout: 3_600_000,
      token: () => new Promise((resolve) => { giveToken = resolve; }),
      fetch(url, init) { // a platform whose fetch ignores signals
        sent.push(url);
        return fetch(url, { ...init, signal: null });
      },
    });
    const controller = new AbortController();
    const pending = kit.scan(kit.read('x'.repeat(30)), { signal: controller.signal });
    controller.abort();
    await assert.rejects(pending, { name: 'AbortError' });
    giveToken(appToken(ALICE));
    const next = kit.scan(kit.read('x'.repeat(30))); // its request would come after the one of the aborted call
    giveToken(appToken(ALICE));
    await refusal(next, 'invalid-code');
    assert.equal(sent.length, 1);
  });

  scenario('a signal of React Native, without a reason, aborts with an AbortError', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    network.faults.scanned = ['silence'];
    const listeners = new Set();
    const signal = { aborted: false, addEventListener: (_, one) => listeners.add(one), removeEventListener: (_, one) => listeners.delete(one) };
    const kit = kitOf(network.address, { requestTimeout: 3_600_000 });
    const { random } = await gene(node, POOL);
    const pending = kit.scan(kit.read(random), { signal });
    pending.catch(() => {});
    await until(10, 'the request', () => network.count('scanned') === 1);
    for (const one of listeners) one();
    await assert.rejects(pending, { name: 'AbortError' });
    assert.equal(listeners.size, 0, 'listeners are removed');
    assert.equal((await kit.scan(kit.read(random), { signal })).scan.random, random);
    assert.equal(listeners.size, 0, 'listeners are removed');
  });

  scenario('without a network, a scan is unavailable and the outcome of a decision unknown', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const kit = kitOf(network.address, { totalTimeout: 6000 });
    const login = await scanned(node, kit);
    const always = Array(100).fill('request');
    network.faults = { scanned: [...always], confirm: [...always], check: [...always] };
    await refusal(scanned(node, kit), 'unavailable');
    assert.ok(network.count('scanned') > 2, 'it was tried again');
    await refusal(login.confirm(), 'outcome-unknown');
    assert.equal(network.count('confirm'), 1, 'it was repeated without knowing the status');
    network.faults = {};
    assert.equal((await login.confirm()).status, 'confirmed');
  });

  scenario('a typed code is sent once', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    network.faults.scanned = ['response'];
    const kit = kitOf(network.address);
    await refusal(kit.scan(kit.read('wdjb mjht')), 'unavailable');
    assert.equal(network.count('scanned'), 1);
  });

  scenario('an aborted decision rejects at once with the reason, and can be repeated', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const login = await scanned(node, kitOf(network.address, { requestTimeout: 3_600_000 })); // only the signal ends a request
    network.faults.confirm = ['silence'];
    const controller = new AbortController();
    const pending = login.confirm({ signal: controller.signal });
    pending.catch(() => {});
    await until(10, 'the request', () => network.count('confirm') === 1);
    await assert.rejects(login.cancel(), TypeError, 'two decisions at once');
    const reason = new Error('the user left');
    controller.abort(reason);
    await assert.rejects(pending, reason);
    await assert.rejects(login.confirm({ signal: controller.signal }), reason);
    assert.equal(network.count('confirm'), 1);
    assert.equal(await login.status(), 'scanned');
    assert.equal((await login.confirm()).status, 'confirmed');
  });

  scenario('token and pool go to the server only: not with a status, not to the target of a redirect, and no cookies', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const login = await scanned(node, kitOf(network.address));
    await login.status();
    await login.confirm();
    const sent = Object.fromEntries(network.requests.map(({ step, headers }) => [step, headers]));
    for (const step of ['scanned', 'confirm']) {
      assert.match(sent[step].authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
      assert.deepEqual([sent[step]['x-authing-userpool-id'], sent[step].cookie], [POOL, undefined]);
    }
    assert.equal(sent.check.authorization, undefined);

    const [elsewhere, moved] = [await openReplay(sandbox), await openReplay(sandbox)];
    moved.answers.push({ status: 307, headers: { location: `${elsewhere.address}/api/v2/qrcode/scanned` }, body: '' });
    const kit = kitOf(moved.address, { totalTimeout: 0 });
    await refusal(kit.scan(kit.read('x'.repeat(30))), 'unavailable');
    assert.deepEqual([moved.requests.length, elsewhere.requests.length], [1, 0]);
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
    const kit = kitOf(replay.address, { token: async () => token });
    const login = await kit.scan(kit.read(random));
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
    const kit = kitOf(replay.address);
    const login = await kit.scan(kit.read(' wdjb mjht'));
    await login.cancel();
    assert.deepEqual(replay.requests.map(({ body }) => JSON.parse(body)), [{ random: 'WDJB-MJHT' }, { random }]);
  });

  scenario('an answer about another code is refused', async (sandbox) => {
    const replay = await openReplay(sandbox);
    const { cases: [{ answer }] } = await readVectors('consents.json');
    const kit = kitOf(replay.address);
    replay.answers = [answer];
    await refusal(kit.scan(kit.read('x'.repeat(30))), 'unexpected-response');
    replay.answers = [answer, { status: 200, body: { code: 200, message: 'OK', data: { random: 'x'.repeat(30), status: 2 } } }];
    await refusal((await kit.scan(kit.read(answer.body.data.random))).confirm(), 'unexpected-response');
  });
});

describe('options', () => {
  scenario('addresses that are not origins, http, and links without {random} are refused', async () => {
    for (const wrong of ['scan.example.com', 'https://scan.example.com/path', 'https://user@scan.example.com', 'https://', 'ftp://scan.example.com', 'http://scan.example.com']) {
      assert.throws(() => new phone.PhoneKit({ server: wrong, token: () => '' }), TypeError, wrong);
      assert.throws(() => new phone.PhoneKit({ server: 'https://scan.example.com', token: () => '', linkOrigins: [wrong] }), TypeError, wrong);
    }
    for (const wrong of ['shop://login', '{random}', 'shop:{random}', 'shop://{random}/{random}']) {
      assert.throws(() => new phone.PhoneKit({ server: 'https://scan.example.com', token: () => '', appLinks: [wrong] }), TypeError, wrong);
    }
  });

  scenario('an error of the token function is passed on unchanged', async (sandbox) => {
    const network = await openNetwork(sandbox, await sandbox.node());
    const locked = new Error('the key store is locked');
    const kit = kitOf(network.address, { token: () => { throw locked; } });
    await assert.rejects(kit.scan(kit.read('x'.repeat(30))), locked);
    assert.equal(network.requests.length, 0);
  });
});
