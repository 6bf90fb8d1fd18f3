/** The npm package authing-js-sdk 4.23.55 as it is, pointed at our nodes: in Node and in Chromium. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import sdk from 'authing-js-sdk';

import { DESKTOP, launch, openContext, saveScreenshot } from './browser.mjs';
import { exchange, phone } from './curl.mjs';
import { appToken, POOL, POOL_SECRET, scenario } from './harness.mjs';
import { until, within } from './process.mjs';

const APP = 'shop-app';
const ALICE = { sub: 'alice', nickname: 'Alice', email: 'alice@example.com' };
const PAGES = 200;
const ROUNDS = 10;
const INTERVAL = 800; // milliseconds, the SDK's own

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

function client(node) {
  return new sdk.AuthenticationClient({ appId: APP, appHost: node.address, lang: 'en-US' }).qrcode;
}

async function app(node, step, random, user = ALICE) {
  const { answer } = await phone(node, step, random, appToken(user));
  assert.equal(answer.code, 200, JSON.stringify(answer));
}

/** The error that the SDK throws, as an object. */
async function refused(promise) {
  const error = await promise.then(() => assert.fail('it was not refused'), (reason) => reason);
  return error instanceof Error ? JSON.parse(error.message) : error;
}

/** Polls as the SDK does; `heard` has each event with its data. */
function poll(qrcode, random, heard) {
  const on = (event) => (...values) => heard.push([event, ...values]);
  return new Promise((resolve) => {
    const over = (event) => (...values) => {
      on(event)(...values);
      resolve(heard);
    };
    qrcode.startPolling(random, {
      interval: INTERVAL, onResult: on('result'), onScanned: on('scanned'),
      onSuccess: over('success'), onCancel: over('cancel'), onExpired: over('expired'), onError: over('error'),
    });
  });
}

describe('authing-js-sdk', { concurrency: 2 }, () => {
  scenario('in Node: geneCode, checkStatus, startPolling; the exchange is rejected unless the pool allows browsers to do it', async (sandbox) => {
    const [node, open] = await Promise.all([
      sandbox.node({ name: 'bound', pool: { app_ids: [APP] } }),
      sandbox.node({ name: 'open', pool: { app_ids: [APP], allow_browser_exchange: true, bind_browser: false } }),
    ]);
    const qrcode = client(node);
    const code = await qrcode.geneCode();
    assert.match(code.random, /^\w{30}$/);
    assert.equal(code.url, `${node.address}/api/v2/qrcode/image/${code.random}.png`);
    assert.equal(code.expiresIn, 120);
    const { status, ticket } = await qrcode.checkStatus(code.random);
    assert.deepEqual([status, ticket], [0, null]);

    // Without a cookie in Node, the SDK gets the user but not the ticket.
    const heard = [];
    const polling = poll(qrcode, code.random, heard);
    await app(node, 'scanned', code.random);
    await until(10, 'the scan is heard', () => heard.some(([event]) => event === 'scanned'));
    await app(node, 'confirm', code.random);
    await within(10, 'the end is heard', polling);
    assert.deepEqual(heard.filter(([event]) => event !== 'result'), [
      ['scanned', { nickname: 'Alice' }], ['success', { nickname: 'Alice' }, null],
    ]);
    assert.equal((await refused(qrcode.exchangeUserInfo(`${code.random}.${'x'.repeat(43)}`))).code, 1001);
    assert.equal((await refused(qrcode.checkStatus('x'.repeat(30)))).code, 2241);

    const free = client(open);
    const { random } = await free.geneCode({ customData: { from: 'the SDK' } });
    await app(open, 'scanned', random);
    await app(open, 'confirm', random);
    const [[, , full]] = (await within(10, 'the end is heard', poll(free, random, []))).filter(([event]) => event === 'success');
    const user = await free.exchangeUserInfo(full);
    assert.deepEqual([user.id, user.email], ['alice', 'alice@example.com']);
    assert.equal((await refused(free.exchangeUserInfo(full))).code, 2246); // once

    for (const [step, event] of [['cancel', 'cancel'], [undefined, 'expired']]) {
      const short = await sandbox.node({ name: event, pool: { app_ids: [APP], code_ttl: '1s', confirm_ttl: '5s' } });
      const another = client(short);
      const made = await another.geneCode();
      if (step) {
        await app(short, 'scanned', made.random);
        await app(short, step, made.random);
      }
      assert.equal((await within(10, 'the end is heard', poll(another, made.random, []))).at(-1)[0], event);
    }
  });

  scenario('in Chromium, on another port of the same host: startScanning shows the code and gets the ticket', async (sandbox) => {
    const build = await readFile(join(import.meta.dirname, 'node_modules/authing-js-sdk/build/browser/index.min.js'));
    const server = createServer(({ url }, answer) => {
      answer.setHeader('content-type', url === '/sdk.js' ? 'text/javascript' : 'text/html; charset=utf-8');
      answer.end(url === '/sdk.js' ? build : '<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,"><div id="qrcode"></div><script src="/sdk.js"></script></html>');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    sandbox.onClose(() => {
      server.close();
      server.closeAllConnections();
    });
    const site = `http://127.0.0.1:${server.address().port}`;
    const pool = { app_ids: [APP], origins: [site], confirm_ttl: '20s' };
    const [node, short] = await Promise.all([
      sandbox.node({ name: 'long', pool }), sandbox.node({ name: 'short', pool: { ...pool, code_ttl: '2s' } }),
    ]);
    // A canvas that was read is a picture; the retry sign is fetched from Authing's own host.
    const context = await openContext(sandbox, browser, DESKTOP, /usercontents|ERR_NAME_NOT_RESOLVED|ERR_INTERNET|ERR_TUNNEL|ERR_PROXY/);
    const open = async (at) => {
      const page = await context.newPage();
      await page.goto(site);
      await page.evaluate(({ appId, appHost }) => {
        globalThis.heard = [];
        const on = (event) => (...values) => globalThis.heard.push([event, ...values]);
        new globalThis.Authing.AuthenticationClient({ appId, appHost, lang: 'en-US' }).qrcode.startScanning('qrcode', {
          onCodeShow: on('show'), onScanned: on('scanned'), onSuccess: on('success'), onCancel: on('cancel'), onExpired: on('expired'), onError: on('error'),
        });
      }, { appId: APP, appHost: at.address });
      return page;
    };
    const hears = (page, event, n = 1) => until(15, `the page hears ${event}`, async () => {
      const heard = await page.evaluate(() => globalThis.heard);
      assert(!heard.some(([name]) => name === 'error'), JSON.stringify(heard));
      return heard.filter(([name]) => name === event)[n - 1];
    });

    const page = await open(node);
    const [, first] = await hears(page, 'show');
    assert.match(await page.locator('#qrcode img').getAttribute('src'), /^data:image\/png/); // it could read the canvas
    await saveScreenshot(page, 'sdk-shown');
    await app(node, 'scanned', first);
    assert.deepEqual((await hears(page, 'scanned'))[1], { nickname: 'Alice' });
    await page.getByText('Scan code successfully').waitFor();
    await saveScreenshot(page, 'sdk-scanned');
    await app(node, 'cancel', first);
    await hears(page, 'cancel');
    const [, second] = await hears(page, 'show', 2); // a new code by itself
    await app(node, 'scanned', second);
    await app(node, 'confirm', second);
    const [, user, ticket] = await hears(page, 'success');
    assert.deepEqual(user, { nickname: 'Alice' });
    const { answer } = await exchange(node, ticket, POOL, POOL_SECRET);
    assert.equal(answer.data.id, 'alice');

    const late = await open(short);
    await hears(late, 'expired');
    await late.getByText('QR code has expired').waitFor();
    await saveScreenshot(late, 'sdk-expired');
  });

  scenario(`${PAGES} pages behind one address that poll every ${INTERVAL} ms never get a 429`, async (sandbox) => {
    const node = await sandbox.node({ pool: { app_ids: [APP] } });
    const pages = [];
    await Promise.all(Array.from({ length: PAGES }, async () => {
      const qrcode = client(node);
      const { random } = await qrcode.geneCode();
      const heard = [];
      pages.push({ qrcode, random, heard, over: poll(qrcode, random, heard) });
    }));
    await until(30, `each has asked ${ROUNDS} times`, () => {
      const errors = pages.flatMap(({ heard }) => heard.filter(([event]) => event !== 'result'));
      assert.deepEqual(errors, []);
      return pages.every(({ heard }) => heard.length >= ROUNDS);
    });
    for (const [n, { random }] of pages.slice(0, 5).entries()) {
      await app(node, 'scanned', random, { ...ALICE, sub: `user ${n}` });
      await app(node, 'cancel', random, { ...ALICE, sub: `user ${n}` });
    }
    for (const { over } of pages.slice(0, 5)) assert.equal((await within(10, 'the end is heard', over)).at(-1)[0], 'cancel');
    for (const { qrcode } of pages) qrcode.stopPolling(qrcode.timer);
  }, { seconds: 60 });
});
