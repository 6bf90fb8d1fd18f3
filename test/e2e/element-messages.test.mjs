/** <scan-login> and the order of the server's messages, which a WebSocket server of the test sends. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { DESKTOP, launch } from './browser.mjs';
import { ticketsOf, waitForElement } from './example-site.mjs';
import { scenario } from './harness.mjs';
import { ScriptedSite } from './scripted-site.mjs';

const RANDOM = 'a'.repeat(30);
const CODE = { event: 'code', random: RANDOM, url: 'https://scan.example.com/code.png', payload: 'https://scan.example.com/s/1', expiresIn: 120, browserKey: 'k'.repeat(43) };
const FIRST_STATUS = { status: 0, version: 1, userInfo: {}, ticket: null, scannedUserId: null, isBrowser: true };

const status = (event, version, more = {}) => ({ event, random: RANDOM, ...FIRST_STATUS, version, expiresIn: 100, ...more });
const SCANNED = status('scanned', 2, { status: 1, userInfo: { nickname: 'Alice' } });
const CONFIRMED = status('confirmed', 3, { status: 2, userInfo: { nickname: 'Alice' }, ticket: `${RANDOM}.ticket` });

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Shows the page to which these messages are sent, and returns its events once it is in a state; how long connecting takes is not in them. */
async function eventsAfter(sandbox, messages, state) {
  const site = await ScriptedSite.open(sandbox, await sandbox.node(), (send) => messages.forEach(send));
  const page = await site.visit(browser, DESKTOP);
  await waitForElement(page, state);
  if (state === 'confirmed') await ticketsOf(page);
  return (await page.evaluate(() => globalThis.receivedEvents)).filter(({ type }) => !/^(offline|online)$/.test(type));
}

describe('messages of the server', { concurrency: 2 }, () => {
  for (const [order, first] of [
    ['a code that is its first status', [{ ...CODE, ...FIRST_STATUS }]],
    ['a code, then its first status', [CODE, status('waiting', 1)]],
    ['a code that is its first status, which is repeated', [{ ...CODE, ...FIRST_STATUS }, status('waiting', 1)]],
  ]) {
    scenario(`a login completes after ${order}`, async (sandbox) => {
      const events = await eventsAfter(sandbox, [...first, SCANNED, CONFIRMED], 'confirmed');
      assert.deepEqual(events.map(({ type }) => type), ['code', 'scanned', 'confirmed']);
      assert.equal(events[0].detail.payload, CODE.payload);
      assert.equal(events[2].detail.ticket, CONFIRMED.ticket);
    });
  }

  scenario('the code replaces the skeleton at every start, however fast the code comes', async (sandbox) => {
    const site = await ScriptedSite.open(sandbox, await sandbox.node(), (send) => send(CODE));
    const page = await site.visit(browser, DESKTOP);
    const skeleton = page.locator('scan-login .wait');
    for (let i = 0; i < 20; i++) {
      await waitForElement(page, 'waiting');
      await skeleton.waitFor({ state: 'hidden' });
      await page.locator('scan-login').evaluate((element) => element.start());
    }
  }, { seconds: 90 });

  scenario('a status that is older than the first one in the code is ignored', async (sandbox) => {
    const code = { ...CODE, ...FIRST_STATUS, version: 3 };
    const events = await eventsAfter(sandbox, [code, SCANNED, status('canceled', 4)], 'renewing');
    assert.deepEqual(events.map(({ type }) => type), ['code', 'canceled']);
  });

  scenario('a code that is its first status waits with its time running', async (sandbox) => {
    const site = await ScriptedSite.open(sandbox, await sandbox.node(), (send) => send({ ...CODE, ...FIRST_STATUS }));
    const page = await site.visit(browser, DESKTOP);
    await waitForElement(page, 'waiting');
    await page.getByText(/^New code in 1:5\d$/).waitFor();
    assert.equal(await page.locator('scan-login').evaluate((element) => element.state), 'waiting');
  });
});
