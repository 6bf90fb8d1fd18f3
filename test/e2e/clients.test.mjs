/** Clients that others wrote, on two nodes that share one Redis. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe } from 'node:test';

import { curl, download, exchange, gene, phone } from './curl.mjs';
import { appToken, POOL, POOL_SECRET, scene } from './harness.mjs';
import { run } from './process.mjs';
import { SocketPage } from './socketpage.mjs';
import { pythonPath, scanloginPath } from './tools.mjs';

const ALICE = { sub: 'alice', nickname: 'Alice 愛麗絲', picture: 'https://www.example.com/alice.png', email: 'alice@example.com' };

async function twoNodes(house, pool) {
  const redis = await house.redis();
  return Promise.all(['A', 'B'].map((name) => house.node({ name: `node-${name}`, redis, pool })));
}

function openPage(house, node, options) {
  const page = new SocketPage(node, { userPoolId: POOL }, options);
  house.atEnd(() => page.close());
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
  scene('a page that looks away gets six codes by itself, and is then asked for a person', async (house) => {
    const [, b] = await twoNodes(house, { code_ttl: '1s', max_codes: 6 });
    const page = openPage(house, b);
    const seen = new Set();
    for (let i = 1; i <= 6; i++) {
      const { random, expiresIn } = await page.next('code');
      seen.add(random);
      assert.equal(expiresIn, 1);
      await page.next('waiting');
      const over = await page.next('expired');
      assert.deepEqual([over.random, over.status, over.ticket], [random, -1, null]);
    }
    assert.equal(seen.size, 6);
    assert.equal(await page.end(), 4408);
  });

  scene('a page by npm ws on one node hears what the phone does on the other, and its ticket works once', async (house) => {
    const [a, b] = await twoNodes(house);
    const page = openPage(house, b);
    const { random, payload } = await page.next('code');
    await page.next('waiting');

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

  scene("a page by Debian's python3-websockets watches a code with its key", async (house) => {
    const [a, b] = await twoNodes(house);
    const code = await gene(b, POOL);
    const page = house.start(pythonPath(), [
      join(import.meta.dirname, 'watch.py'), `${b.address.replace('http', 'ws')}/api/v2/qrcode/ws?random=${code.random}`, code.browserKey,
    ], { name: 'watch.py' });
    const hears = (event) => page.says(event,
      (out) => out.split('\n').slice(0, -1).map((line) => JSON.parse(line)).find((message) => message.event === event));

    await hears('waiting');
    await assertDone(phone(a, 'scanned', code.random, appToken(ALICE)), 1);
    assert.equal((await hears('scanned')).userInfo.nickname, ALICE.nickname);
    await assertDone(phone(a, 'confirm', code.random, appToken(ALICE)), 2);
    const { ticket } = await hears('confirmed');
    assert.equal(await page.ended, 0);
    await page.says('how it was closed', (out) => out.includes('{"closed": 1000}'));
    await assertExchangedOnce(ticket, b, a);
  });

  scene('a handshake that accepts gzip is switched to the socket, uncompressed', async (house) => {
    const node = await house.node();
    const page = openPage(house, node, { headers: { 'Accept-Encoding': 'gzip, deflate, br' } });
    await page.next('code');
    assert.equal(page.handshake.statusCode, 101);
    assert.equal(page.handshake.headers['content-encoding'], undefined);
    assert.equal(page.handshake.headers['sec-websocket-protocol'], 'scanlogin.v1');
  });

  scene('`scanlogin phone` scans a picture file and confirms, and the browser asks with its cookie', async (house) => {
    const [a, b] = await twoNodes(house);
    const jar = join(house.dir, 'cookies');
    const code = await gene(b, POOL, {}, '--cookie-jar', jar);
    const picture = await download(code.url, join(house.dir, 'code.png'));

    const env = { SCANLOGIN_TOKEN: appToken(ALICE) };
    for (const [step, status] of [['scan', 1], ['confirm', 2]]) {
      const { stdout } = await run(scanloginPath(), ['phone', step, '--server', a.address, '--pool', POOL, picture], { env });
      assert.equal(JSON.parse(stdout).status, status);
    }
    const check = `${b.address}/api/v2/qrcode/check?random=${code.random}`;
    const stranger = await curl(check);
    assert.deepEqual([stranger.answer.data.event, stranger.answer.data.ticket], ['confirmed', null]);
    const browser = await curl(check, '--cookie', jar);
    assert.equal(browser.answer.data.isBrowser, true);
    await assertExchangedOnce(browser.answer.data.ticket, b, a);
  });
});
