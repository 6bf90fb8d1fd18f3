/** <scan-login> during failures of networks and nodes, and on hidden pages. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, launch, waitForText, saveScreenshot } from './browser.mjs';
import { curl, exchange } from './curl.mjs';
import { POOL, POOL_SECRET, scenario, variations } from './harness.mjs';
import { until } from './process.mjs';
import { codeOf, ExampleSite, waitForElement, eventsOf, ticketsOf } from './example-site.mjs';

const TOLERATE_NETWORK_ERRORS = { tolerate: /WebSocket connection|net::ERR|Failed to load resource/ };

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Asserts that the page gets one ticket of this code, and that it is valid. */
async function assertLoggedIn(site, page, random) {
  await waitForElement(page, 'confirmed');
  const tickets = await ticketsOf(page);
  assert.deepEqual(tickets.map((detail) => detail.random), [random]);
  const { answer } = await exchange(site.b, tickets[0].ticket, POOL, POOL_SECRET);
  assert.equal(answer.data.id, 'alice');
}

/** The event of a code on the server. */
async function eventOf(site, random) {
  return (await curl(`${site.b.address}/api/v2/qrcode/check?random=${random}`)).answer.data?.event;
}

/** Counts the codes received over WebSockets. */
function countCodes(page) {
  const count = { codes: 0 };
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
    if (JSON.parse(payload).event === 'code') count.codes++;
  }));
  return count;
}

/** Lets a test set the visibility of the page. */
const CONTROL_VISIBILITY = () => {
  let hidden = false;
  Object.defineProperty(document, 'hidden', { get: () => hidden });
  globalThis.look = (away) => {
    hidden = away;
    document.dispatchEvent(new Event('visibilitychange'));
  };
};
const hide = (page) => page.evaluate(() => globalThis.look(true));
const show = (page) => page.evaluate(() => globalThis.look(false));

describe('failures of the element', { concurrency: 2 }, () => {
  scenario('a page that goes offline says so and continues with the same code', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true });
    const page = await site.visit(browser, { options: { ...DESKTOP, reducedMotion: 'reduce' }, ...TOLERATE_NETWORK_ERRORS });
    const random = await codeOf(page);
    await page.context().setOffline(true);
    await waitForText(page, 'Connection lost. Trying again…');
    await saveScreenshot(page, 'element-offline');
    await assertAccessible(page, 'offline');
    await site.app('scanned', random); // meanwhile
    await page.context().setOffline(false);
    await waitForElement(page, 'scanned');
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    await site.app('confirm', random);
    await assertLoggedIn(site, page, random);
  });

  scenario('a page of an unlisted origin gets an error with the reason, and the server logs one warning with the cure', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true });
    site.address = site.address.replace('127.0.0.1', 'localhost');
    const page = await site.visit(browser, { options: DESKTOP, tolerate: /WebSocket connection|Failed to load resource|scan-login:/ });
    await waitForElement(page, 'failed');
    const [{ reason, closeCode }, ...more] = await eventsOf(page, 'error');
    assert.deepEqual([closeCode, reason, more], [4403, `the origin of this page, ${site.address}, is not in the user pool's origins`, []]);
    assert.equal(await page.getByText('Connection lost').filter({ visible: true }).count(), 0);
    await page.getByRole('button').click(); // it tries again
    await until(10, 'a second error', async () => (await eventsOf(page, 'error')).length === 2);
    const warnings = site.a.program.log.split('\n').filter((line) => line.includes('page refused'));
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.match(warnings[0], new RegExp(`add it if the page is yours.*${site.address}`));
  });

  scenario('when its node is killed during a login, the page continues on another node with the same code', async (sandbox) => {
    const site = await ExampleSite.open(sandbox);
    site.balancer.nodes = [site.a.address];
    const page = await site.visit(browser, { options: DESKTOP, ...TOLERATE_NETWORK_ERRORS });
    const random = await codeOf(page);
    await site.app('scanned', random);
    await waitForElement(page, 'scanned');
    site.balancer.nodes = [site.a.address, site.b.address];
    site.a.program.signal('SIGKILL');
    await site.a.program.ended;
    await site.app('confirm', random);
    await assertLoggedIn(site, page, random);
    assert.equal((await eventsOf(page, 'code')).filter((code) => code.random !== random).length, 0);
  });

  scenario('when its node stops, the page says nothing and continues on another node', async (sandbox) => {
    const site = await ExampleSite.open(sandbox);
    site.balancer.nodes = [site.a.address];
    // The longest pause that the page may draw.
    const page = await site.visit(browser, { options: DESKTOP, prepare: () => { Math.random = () => 0.99; }, ...TOLERATE_NETWORK_ERRORS });
    const random = await codeOf(page);
    site.balancer.nodes = [site.b.address];
    site.a.program.signal('SIGTERM');
    await site.a.program.ended;
    await page.waitForTimeout(3000); // it would say so after 1.5 s
    assert.deepEqual(await eventsOf(page, 'offline'), []);
    await site.app('scanned', random);
    await waitForElement(page, 'scanned');
    await site.app('confirm', random);
    await assertLoggedIn(site, page, random);
    assert.deepEqual(await eventsOf(page, 'offline'), []);
  });

  scenario('a hidden page requests no codes, and gets one at once when it becomes visible', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true, pool: { code_ttl: '2s' } });
    const page = await site.visit(browser, { options: DESKTOP, prepare: CONTROL_VISIBILITY, attributes: { pool: '' } });
    const count = countCodes(page);
    await hide(page);
    await page.locator('scan-login').evaluate((element, pool) => element.setAttribute('pool', pool), POOL);
    assert.equal(count.codes, 0); // not even the first
    await show(page);
    await codeOf(page);
    await hide(page);
    const { random: last } = (await eventsOf(page, 'code')).at(-1);
    const { codes } = count; // more than one, if the machine is slow
    await until(10, 'the code is over', async () => await eventOf(site, last) === 'expired');
    await until(10, 'the page has left', async () => /^scanlogin_sockets 0$/m.test((await curl(`${site.a.ops}/metrics`)).answer));
    assert.ok(count.codes <= codes + 1, `${count.codes} codes, ${codes} before it was hidden`); // one, if it leaves late
    await show(page);
    await codeOf(page, last);
    await waitForText(page, 'New code in 0:0');
  });

  scenario('a login confirmed while the page is hidden completes when it becomes visible', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true });
    const page = await site.visit(browser, { options: DESKTOP, prepare: CONTROL_VISIBILITY });
    const random = await codeOf(page);
    await hide(page);
    await site.app('scanned', random);
    await site.app('confirm', random);
    await show(page);
    await assertLoggedIn(site, page, random);
  });

  scenario('a page whose WebSocket is refused by a proxy uses an event stream', async (sandbox) => {
    const site = await ExampleSite.open(sandbox);
    site.balancer.upgrades = 'refuse';
    const page = await site.visit(browser, { options: DESKTOP, ...TOLERATE_NETWORK_ERRORS });
    const first = await codeOf(page);
    await site.app('scanned', first);
    await waitForText(page, 'Confirm on your phone');
    await page.getByRole('button', { name: 'Not you? Get a new code' }).click();
    const second = await codeOf(page, first);
    await waitForText(page, 'Here is a new code.');
    await site.app('scanned', second);
    await site.app('cancel', second);
    const third = await codeOf(page, second);
    await waitForText(page, 'Canceled. Here is a new code.');
    await site.app('scanned', third);
    await waitForElement(page, 'scanned');
    await site.app('confirm', third);
    await assertLoggedIn(site, page, third);
    assert.equal(site.balancer.count('/ws'), 1);
    assert.equal(site.balancer.count('/check'), 0);
    assert((await eventsOf(page, 'offline')).length === 0);
  });

  scenario('an event stream continues on another node when its node is killed', async (sandbox) => {
    const site = await ExampleSite.open(sandbox);
    site.balancer.upgrades = 'refuse';
    site.balancer.nodes = [site.a.address];
    const page = await site.visit(browser, { options: DESKTOP, ...TOLERATE_NETWORK_ERRORS });
    const random = await codeOf(page);
    await until(10, 'the page reads a stream', () => site.balancer.count('/events') === 1);
    site.balancer.nodes = [site.b.address];
    site.a.program.signal('SIGKILL');
    await site.app('scanned', random);
    await waitForElement(page, 'scanned');
    await site.app('confirm', random);
    await assertLoggedIn(site, page, random);
  });

  scenario('behind a proxy that drops WebSockets and buffers streams, the page polls', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true });
    Object.assign(site.balancer, { upgrades: 'swallow', holdsStreams: true });
    const page = await site.visit(browser, { options: DESKTOP, ...TOLERATE_NETWORK_ERRORS });
    const random = await codeOf(page);
    await until(15, 'the page asks', () => site.balancer.count('/check') > 0);
    await site.app('scanned', random);
    await waitForElement(page, 'scanned');
    await site.app('confirm', random);
    await assertLoggedIn(site, page, random);
  });

  for (const upgrades of variations(['pass', 'refuse'])) {
    scenario(`six codes, then a button for the next one: WebSockets ${upgrades}`, async (sandbox) => {
      const site = await ExampleSite.open(sandbox, { single: true, pool: { code_ttl: '1s' } });
      site.balancer.upgrades = upgrades;
      const page = await site.visit(browser, { options: DESKTOP, ...TOLERATE_NETWORK_ERRORS });
      await waitForElement(page, 'exhausted');
      const codes = (await eventsOf(page, 'code')).map((code) => code.random);
      assert.equal(new Set(codes).size, codes.length);
      assert.equal(codes.length, 6);
      await page.getByRole('button', { name: 'Show a new code' }).click();
      await waitForElement(page, 'waiting');
    });
  }
});
