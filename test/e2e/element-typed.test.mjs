/** "Can't scan?": a login with a code that the user types. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { DESKTOP, launch, waitForText } from './browser.mjs';
import { phone } from './curl.mjs';
import { codeOf, ExampleSite, ticketsOf, waitForElement } from './example-site.mjs';
import { appToken, scenario } from './harness.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('codes to type', { concurrency: 2 }, () => {
  for (const upgrades of ['pass', 'refuse']) {
    scenario(`log in like scanned codes: WebSockets ${upgrades}`, async (sandbox) => {
      const site = await ExampleSite.open(sandbox, { single: true, pool: { typed_codes: true } });
      site.balancer.upgrades = upgrades;
      const page = await site.visit(browser, { options: DESKTOP, tolerate: /WebSocket connection|net::ERR|Failed to load resource/ });
      const random = await codeOf(page);
      await page.getByRole('button', { name: 'Can’t scan?' }).click();
      await waitForText(page, 'Enter this code in your app');
      const typed = await page.locator('scan-login .typed').textContent();
      assert.match(typed, /^[A-Z]{4}-[A-Z]{4}$/);
      const { answer } = await phone(site.a, 'scanned', typed.toLowerCase().replace('-', ' '), appToken(site.alice));
      assert.deepEqual([answer.code, answer.data?.random], [200, random], JSON.stringify(answer));
      await waitForElement(page, 'scanned');
      await waitForText(page, 'Confirm on your phone');
      await site.app('confirm', random);
      assert.equal((await ticketsOf(page))[0].random, random);
    }, { seconds: 60 });
  }

  scenario('are not offered by other pools', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true });
    const page = await site.visit(browser, { options: DESKTOP });
    await codeOf(page);
    assert.equal(await page.getByRole('button', { name: 'Can’t scan?' }).count(), 0);
  });
});
