/** What the login page loads: bytes, requests and round trips, and what a slow network shows meanwhile. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { DESKTOP, launch, openContext, saveScreenshot, waitForState } from './browser.mjs';
import { scenario } from './harness.mjs';
import { PATIENCE, until } from './process.mjs';

const MOST_BYTES = 40_000; // headers and bodies, as transferred
const MOST_REQUESTS = 8;
/** Slow 3G as in Chrome's developer tools before 2024. */
const SLOW_3G = { offline: false, latency: 2000, downloadThroughput: 50_000, uploadThroughput: 50_000 };

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Records the requests of a page, without those that its cache answered: address, who caused it, coding, and bytes. */
async function record(page) {
  const session = await page.context().newCDPSession(page);
  const requests = new Map();
  const entry = (id) => {
    if (!requests.has(id)) requests.set(id, { bytes: 0 });
    return requests.get(id);
  };
  session.on('Network.requestWillBeSent', ({ requestId, request, initiator }) => Object.assign(entry(requestId), { url: request.url, initiator }));
  session.on('Network.webSocketCreated', ({ requestId, url, initiator }) => Object.assign(entry(requestId), { url, initiator }));
  session.on('Network.responseReceived', ({ requestId, response }) => Object.assign(entry(requestId), { coding: response.headers['content-encoding'] ?? response.headers['Content-Encoding'] }));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength: bytes }) => Object.assign(entry(requestId), { bytes, finished: true, cached: bytes === 0 }));
  await session.send('Network.enable');
  const all = async () => {
    await until(10, 'all files are loaded', () => [...requests.values()].every(({ url, finished }) => finished || url?.startsWith('ws')));
    return [...requests.values()].filter(({ cached }) => !cached);
  };
  return { session, all };
}

async function openLogin(sandbox) {
  const demo = await sandbox.demo();
  const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
  const network = await record(page);
  return { address: `${demo.address}/login`, page, network };
}

async function shown(page) {
  await waitForState(page, 'waiting');
  await page.locator('scan-login .wait').waitFor({ state: 'hidden' });
}

const path = ({ url }) => new URL(url).pathname;

describe('the login page on the network', { concurrency: 2 }, () => {
  scenario('loads at most 40 KB in 8 requests, in two round trips after the HTML until the code is visible', async (sandbox) => {
    const { address, page, network } = await openLogin(sandbox);
    await page.goto(address);
    await shown(page);
    const requests = await network.all();
    const list = requests.map((request) => `${path(request)} ${request.bytes} ${request.coding ?? ''}`).join('\n');
    const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
    console.log(`${requests.length} requests, ${bytes} bytes\n${list}`);
    assert(requests.length <= MOST_REQUESTS, list);
    assert(bytes > 10_000 && bytes <= MOST_BYTES, `${bytes} bytes\n${list}`);
    assert.equal(requests.find((request) => path(request) === '/scanlogin.js').coding, 'br');
    // The HTML names every file, so all are requested together; only the socket follows.
    const later = requests.filter(({ url, initiator }) => url !== address && initiator.type !== 'parser' && !/\/assets\/.*\.svg$/.test(url));
    assert.deepEqual(later.map(path), ['/api/v2/qrcode/ws'], list);
  });

  scenario('a second visit loads the HTML, the module if it changed, and nothing else', async (sandbox) => {
    const { address, page, network } = await openLogin(sandbox);
    await page.goto(address);
    await shown(page);
    const before = (await network.all()).length;
    await page.goto(`${address}?again`);
    await shown(page);
    const second = (await network.all()).slice(before);
    assert.deepEqual(second.map(path).sort(), ['/api/v2/qrcode/ws', '/login', '/scanlogin.js']);
    assert(second.find((request) => path(request) === '/scanlogin.js').bytes < 2000, 'it is not sent again');
  });

  scenario('on slow 3G, nothing moves while the code is on its way', async (sandbox) => {
    const { address, page, network } = await openLogin(sandbox);
    await network.session.send('Network.emulateNetworkConditions', SLOW_3G);
    await page.addInitScript(() => {
      globalThis.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) globalThis.shift += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.goto(address, { waitUntil: 'commit' });
    for (const [i, selector] of ['main', 'scan-login [data-state="loading"]', 'scan-login [data-state="waiting"]'].entries()) {
      await page.locator(selector).waitFor({ timeout: PATIENCE * 30_000 });
      await saveScreenshot(page, `slow-${i}`);
    }
    await shown(page);
    await saveScreenshot(page, 'slow-9');
    assert(await page.evaluate(() => globalThis.shift) < 0.02, `layout shift ${await page.evaluate(() => globalThis.shift)}`);
  }, { seconds: 60 });
});
