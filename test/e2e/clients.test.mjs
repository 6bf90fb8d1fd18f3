/** Third-party clients on two nodes that share one Redis. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe } from 'node:test';

import { curl, download, exchange, gene, phone } from './curl.mjs';
import { appToken, POOL, POOL_SECRET, scenario } from './harness.mjs';
import { run } from './process.mjs';
import { SocketPage } from './socketpage.mjs';
import { pythonPath, scanloginPath } from './tools.mjs';

const ALICE = { sub: 'alice', nickname: 'Alice 愛麗絲', picture: 'https://www.example.com/alice.png', email: 'alice@example.com' };

async function twoNodes(sandbox, pool) {
  const redis = await sandbox.redis();
  return Promise.all(['A', 'B'].map((name) => sandbox.node({ name: `node-${name}`, redis, pool })));
}

function openPage(sandbox, node, options) {
  const page = new SocketPage(node, { userPoolId: POOL }, options);
  sandbox.onClose(() => page.close());
  return page;
}

/** Asserts that the site learns from `node` who it is, once. */
async function assertExchangedOnce(ticket, node, other) {
  const first = await exchange(node, ticket, POOL, POOL_SECRET);
  assert.equal(first.answer.code, 200, JSON.stringify(first.answer));
  assert.equal(first.answer.data.id, 'alice');
  assert.equal(first.answer.data.nickname, ALICE.nickname);
  assert.equal(first.answer.data.email, ALICE.email);
  for (const again of [node, other]) {
    const { status, answer } = await exchange(again, ticket, POOL, POOL_SECRET);
    assert.deepEqual([status, answer.code, answer.data], [410, 2246, null]);
  }
}

async function assertDone(call, status) {
  const { status: http, answer } = await call;
  assert.deepEqual([http, answer.code, answer.data?.status], [200, 200, status], JSON.stringify(answer));
  return answer.data;
}

describe('clients on two nodes', { concurrency: 2 }, () => {
  scenario('an idle page receives six codes and must then request the next one', async (sandbox) => {
    const [, b] = await twoNodes(sandbox, { code_ttl: '1s', max_codes: 6 });
    const page = openPage(sandbox, b);
    const seen = new Set();
    for (let i = 1; i <= 6; i++) {
      const { random, expiresIn, status } = await page.next('code');
      seen.add(random);
      assert.deepEqual([expiresIn, status], [1, 0]);
      const over = await page.next('expired');
      assert.deepEqual([over.random, over.status, over.ticket], [random, -1, null]);
    }
    assert.equal(seen.size, 6);
    assert.equal(await page.end(), 4408);
  });

  scenario('an npm ws page on one node receives the steps of a phone on another, and its ticket is exchanged once', async (sandbox) => {
    const [a, b] = await twoNodes(sandbox);
    const page = openPage(sandbox, b);
    const { random, payload } = await page.next('code');

    const { browser, pool } = await assertDone(phone(a, 'scanned', payload, appToken(ALICE)), 1);
    assert.equal(browser.ip, '127.0.0.1');
    assert.equal(pool.name, 'Shop');
    const scanned = await page.next('scanned');
    assert.deepEqual(scanned.userInfo, { nickname: ALICE.nickname, photo: ALICE.picture });
    assert.equal(scanned.ticket, null);

    await assertDone(phone(a, 'confirm', random, appToken(ALICE)), 2);
    const { ticket, scannedUserId } = await page.next('confirmed');
    assert.equal(scannedUserId, 'alice');
    assert.equal(await page.end(), 1000);
    await assertExchangedOnce(ticket, b, a);
  });

  scenario("a page with Debian's python3-websockets watches a code with its browser key", async (sandbox) => {
    const [a, b] = await twoNodes(sandbox);
    const code = await gene(b, POOL);
    const page = sandbox.start(pythonPath(), [
      join(import.meta.dirname, 'watch.py'), `${b.address.replace('http', 'ws')}/api/v2/qrcode/ws?random=${code.random}`, code.browserKey,
    ], { name: 'watch.py' });
    const hears = (event) => page.waitForOutput(event,
      (out) => out.split('\n').slice(0, -1).map((line) => JSON.parse(line)).find((message) => message.event === event));

    await hears('waiting');
    await assertDone(phone(a, 'scanned', code.random, appToken(ALICE)), 1);
    assert.equal((await hears('scanned')).userInfo.nickname, ALICE.nickname);
    await assertDone(phone(a, 'confirm', code.random, appToken(ALICE)), 2);
    const { ticket } = await hears('confirmed');
    assert.equal(await page.ended, 0);
    await page.waitForOutput('how it was closed', (out) => out.includes('{"closed": 1000}'));
    await assertExchangedOnce(ticket, b, a);
  });

  scenario('a handshake that accepts gzip is upgraded without compression', async (sandbox) => {
    const node = await sandbox.node();
    const page = openPage(sandbox, node, { headers: { 'Accept-Encoding': 'gzip, deflate, br' } });
    await page.next('code');
    assert.equal(page.handshake.statusCode, 101);
    assert.equal(page.handshake.headers['content-encoding'], undefined);
    assert.equal(page.handshake.headers['sec-websocket-protocol'], 'scanlogin.v1');
  });

  scenario('`scanlogin phone` scans a picture file and confirms, and the browser polls with its cookie', async (sandbox) => {
    const [a, b] = await twoNodes(sandbox);
    const jar = join(sandbox.dir, 'cookies');
    const code = await gene(b, POOL, {}, '--cookie-jar', jar);
    const picture = await download(code.url, join(sandbox.dir, 'code.png'));

    const env = { SCANLOGIN_TOKEN: appToken(ALICE) };
    for (const [step, status] of [['scan', 1], ['confirm', 2]]) {
      const { stdout } = await run(scanloginPath(), ['phone', step, '--server', a.address, '--pool', POOL, picture], { env });
      assert.equal(JSON.parse(stdout).status, status);
    }
    const check = `${b.address}/api/v2/qrcode/check?random=${code.random}`;
    const unproven = await curl(check);
    assert.deepEqual([unproven.answer.data.event, unproven.answer.data.ticket], ['confirmed', null]);
    const browser = await curl(check, '--cookie', jar);
    assert.equal(browser.answer.data.isBrowser, true);
    await assertExchangedOnce(browser.answer.data.ticket, b, a);
  });
});
