/** Logins with the installed package @scanlogin/phone on a real node, and on a network that loses messages. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { exchange, gene } from './curl.mjs';
import { appToken, POOL, POOL_SECRET, scenario, TOKEN_SECRET } from './harness.mjs';
import { ALICE, openNetwork, openReplay, scanNew, useKit } from './phonekit.mjs';
import { until } from './process.mjs';

const installed = useKit();
const { kitOf, refusal } = installed;

describe('the kit on a node', { concurrency: 2 }, () => {
  scenario('scans, shows who asks, and confirms; the site gets the user', async (sandbox) => {
    const node = await sandbox.node();
    const app = kitOf(node.address);
    const { payload, random, browserKey } = await gene(node, POOL, { customData: { table: '7' } });
    const login = await app.scan(app.read(payload));
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
    const login = await scanNew(node, kitOf(node.address));
    for (let i = 0; i < 2; i++) assert.equal((await login.cancel()).status, 'canceled');
    assert.equal((await refusal(login.confirm(), 'code-used')).status, 'canceled');
  });

  scenario('an opened link sends nothing until the user agrees', async (sandbox) => {
    const node = await sandbox.node({ pool: { payload_format: 'url' } });
    const network = await openNetwork(sandbox, node);
    const app = kitOf(network.address, { linkOrigins: [node.address] });
    const { payload } = await gene(node, POOL);
    const linked = app.openLink(payload);
    await assert.rejects(app.scan(linked), TypeError);
    await assert.rejects(app.scan({ kind: 'id', random: 'x'.repeat(30) }), TypeError);
    assert.deepEqual(network.requests, []);
    assert.equal((await app.scan(linked.afterUserAgreed())).scan.pool.name, 'Shop');
  });

  scenario('asks for the number, and counts only wrong ones', async (sandbox) => {
    const node = await sandbox.node({ pool: { match: 'digits' } });
    const network = await openNetwork(sandbox, node);
    const app = kitOf(network.address);
    const { payload, random, browserKey } = await gene(node, POOL);
    const login = await app.scan(app.read(payload));
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
    const login = await scanNew(node, kitOf(node.address));
    for (let i = 0; i < 2; i++) await refusal(login.confirm({ matchCode: '09' }), 'match-code'); // numbers begin at 10
    assert.equal((await refusal(login.confirm({ matchCode: '09' }), 'code-used')).status, 'canceled');
  });


  scenario('refusals of the node have the class for them, and are in the language of the app', async (sandbox) => {
    const pools = [POOL, 'other'].map((id) => ({ id, secret: `${POOL_SECRET} ${id}`, identity: { jwt: { hs256_secret: id === POOL ? TOKEN_SECRET : `${TOKEN_SECRET} 2` } } }));
    const node = await sandbox.node({ settings: { pools } });
    const app = kitOf(node.address, { language: 'zh-CN' });
    const { random, payload } = await gene(node, POOL);
    assert.match((await refusal(app.scan(app.read('x'.repeat(30))), 'invalid-code')).message, /二维码/);
    await refusal(app.scan(app.read('WDJB-MJHT')), 'invalid-code'); // the node has no typed codes yet, or not this one
    const loggedOut = kitOf(node.address, { token: () => 'no token' });
    assert.equal((await refusal(loggedOut.scan(loggedOut.read(random)), 'login-required')).code, 2020);

    const foreign = await gene(node, 'other');
    await refusal(app.scan(app.read(foreign.random)), 'other-pool');
    assert.throws(() => app.read(foreign.payload), installed.phone.OtherPoolError, 'without a request');

    await app.scan(app.read(payload));
    const bob = kitOf(node.address, { token: () => appToken({ sub: 'bob' }) });
    await refusal(bob.scan(bob.read(random)), 'other-user');
  });

  scenario('an expired code', async (sandbox) => {
    const node = await sandbox.node({ pool: { code_ttl: '1s' } });
    const app = kitOf(node.address);
    const { random } = await gene(node, POOL);
    await until(15, 'the code expires', async () => (await (await fetch(`${node.address}/api/v2/qrcode/check?random=${random}`)).json()).data.event === 'expired');
    await refusal(app.scan(app.read(random)), 'code-expired');
  });

  scenario('a login that the rules of the pool block can still be canceled', async (sandbox) => {
    const node = await sandbox.node({ pool: { consent: { new_browser: 'block' } } });
    const login = await scanNew(node, kitOf(node.address));
    assert.equal(login.scan.consent.verdict, 'block');
    assert.deepEqual(login.scan.consent.reasons.map(({ name }) => name), ['new_browser']);
    assert.match((await refusal(login.confirm(), 'blocked')).message, /not logged in with this browser/);
    assert.equal((await login.cancel()).status, 'canceled');
  });

  scenario('a user who cancels again and again enters a cool-down', async (sandbox) => {
    const node = await sandbox.node();
    const app = kitOf(node.address);
    let refused;
    for (let i = 0; i < 10 && !refused; i++) { // the cool-down doubles, so a slow machine meets a later one
      await scanNew(node, app).then((login) => login.cancel(), (error) => { refused = error; });
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
    const app = kitOf(network.address, { requestTimeout: 5000, totalTimeout: 60_000 });
    const login = await scanNew(node, app);
    assert.equal(login.scan.pool.name, 'Shop');
    assert.equal(network.count('scanned'), 4);
  }, { seconds: 90 });

  for (const [step, status] of [['confirm', 'confirmed'], ['cancel', 'canceled']]) {
    scenario(`${step} asks for the status after a lost message, and succeeds`, async (sandbox) => {
      const node = await sandbox.node();
      const network = await openNetwork(sandbox, node);
      for (const lost of ['request', 'response']) {
        const login = await scanNew(node, kitOf(network.address));
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
    const login = await scanNew(node, kitOf(network.address));
    network.faults = { confirm: ['response'], check: ['limit'] };
    assert.equal((await login.confirm()).status, 'confirmed');
    assert.deepEqual([network.count('confirm'), network.count('check')], [2, 2]);
  });

  scenario('a refused step is not repeated', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const app = kitOf(network.address);
    network.faults.scanned = ['limit'];
    assert.equal((await refusal(scanNew(node, app), 'rate-limited')).retryAfter, 1);
    const login = await scanNew(node, app);
    network.faults.confirm = ['limit'];
    await refusal(login.confirm(), 'rate-limited');
    assert.deepEqual([network.count('scanned'), network.count('confirm'), network.count('check')], [2, 1, 0]);
  });

  scenario('a token that comes after an abort is not sent', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const sent = [];
    let giveToken;
    const app = kitOf(network.address, {
      requestTimeout: 3_600_000,
      token: () => new Promise((resolve) => { giveToken = resolve; }),
      fetch(url, init) { // a platform whose fetch ignores signals
        sent.push(url);
        return fetch(url, { ...init, signal: null });
      },
    });
    const controller = new AbortController();
    const pending = app.scan(app.read('x'.repeat(30)), { signal: controller.signal });
    controller.abort();
    await assert.rejects(pending, { name: 'AbortError' });
    giveToken(appToken(ALICE));
    const next = app.scan(app.read('x'.repeat(30))); // its request would come after the one of the aborted call
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
    const app = kitOf(network.address, { requestTimeout: 3_600_000 });
    const { random } = await gene(node, POOL);
    const pending = app.scan(app.read(random), { signal });
    pending.catch(() => {});
    await until(10, 'the request', () => network.count('scanned') === 1);
    for (const one of listeners) one();
    await assert.rejects(pending, { name: 'AbortError' });
    assert.equal(listeners.size, 0, 'listeners are removed');
    assert.equal((await app.scan(app.read(random), { signal })).scan.random, random);
    assert.equal(listeners.size, 0, 'listeners are removed');
  });

  scenario('without a network, a scan is unavailable and the outcome of a decision unknown', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const app = kitOf(network.address, { totalTimeout: 6000 });
    const login = await scanNew(node, app);
    const always = Array(100).fill('request');
    network.faults = { scanned: [...always], confirm: [...always], check: [...always] };
    await refusal(scanNew(node, app), 'unavailable');
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
    const app = kitOf(network.address);
    await refusal(app.scan(app.read('wdjb mjht')), 'unavailable');
    assert.equal(network.count('scanned'), 1);
  });

  scenario('an aborted decision rejects at once with the reason, and can be repeated', async (sandbox) => {
    const node = await sandbox.node();
    const network = await openNetwork(sandbox, node);
    const login = await scanNew(node, kitOf(network.address, { requestTimeout: 3_600_000 })); // only the signal ends a request
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
    const login = await scanNew(node, kitOf(network.address));
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
    const app = kitOf(moved.address, { totalTimeout: 0 });
    await refusal(app.scan(app.read('x'.repeat(30))), 'unavailable');
    assert.deepEqual([moved.requests.length, elsewhere.requests.length], [1, 0]);
  });

  scenario('an error of the token function is passed on unchanged', async (sandbox) => {
    const network = await openNetwork(sandbox, await sandbox.node());
    const locked = new Error('the key store is locked');
    const app = kitOf(network.address, { token: () => { throw locked; } });
    await assert.rejects(app.scan(app.read('x'.repeat(30))), locked);
    assert.equal(network.requests.length, 0);
  });
});
