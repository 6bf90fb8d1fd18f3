/** Accessibility of the demo's pages: keyboard, light and dark, axe-core, Chinese. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { assertAccessible, waitForState, launch, openContext, PHONE, waitForText, saveScreenshot } from './browser.mjs';
import { gene } from './curl.mjs';
import { openDemo, codeOn } from './demo-pages.mjs';
import { POOL, scenario, variations } from './harness.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('demo page accessibility', { concurrency: 2 }, () => {
  scenario('a login works with the keyboard alone', async (sandbox) => {
    const { login } = await openDemo(sandbox, browser);
    for (let i = 0; i < 2; i++) await login.keyboard.press('Tab'); // "Can't scan?", then the link to the phone page
    const opening = login.context().waitForEvent('page');
    await login.keyboard.press('Enter');
    const phone = await opening;
    await waitForState(phone, 'linked');
    const { keyboard } = phone;
    await keyboard.press('Tab'); // the users
    await keyboard.press('ArrowRight');
    await phone.getByRole('button', { name: 'Scan as Bob' }).waitFor();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await waitForState(phone, 'consent');
    await saveScreenshot(phone, 'phone-consent-focus');
    await keyboard.press('Tab'); // details
    await keyboard.press('Tab'); // cancel
    await keyboard.press('Tab'); // agree
    await saveScreenshot(phone, 'phone-agree-focus');
    await keyboard.press('Enter');
    await waitForState(phone, 'confirmed');
    await waitForState(login, 'confirmed');
    await waitForText(login, 'bob@example.com');
    await login.keyboard.press('Tab');
    await login.keyboard.press('Tab'); // from the link around to the first button
    await login.getByRole('button', { name: 'Log in again' }).press('Enter');
    await waitForState(login, 'waiting');
  });

  for (const colorScheme of variations(['light', 'dark'])) {
    scenario(`axe finds no serious violation in any state, ${colorScheme}`, async (sandbox) => {
      // Nothing moves, so that axe sees no colour on its way.
      const { demo, login, phone } = await openDemo(sandbox, browser, { options: { colorScheme, reducedMotion: 'reduce' } });
      const look = async (page, state, what = state) => {
        await waitForState(page, state);
        const name = `${page === login ? 'login' : 'phone'}-${what}-${colorScheme}`;
        await saveScreenshot(page, name);
        await assertAccessible(page, name);
      };
      await look(login, 'waiting');
      await phone.goto(`${demo.address}/phone`);
      await look(phone, 'start');
      await phone.getByRole('button', { name: 'Scan as Alice' }).click();
      await waitForText(phone, 'Paste a code, or choose a picture of one.');
      await look(phone, 'start', 'complaint');

      await phone.goto(await codeOn(sandbox, login));
      await look(phone, 'linked');
      await phone.getByRole('button', { name: 'Scan as Alice' }).click();
      await look(phone, 'consent');
      await phone.getByText('Details', { exact: true }).click();
      await look(phone, 'consent', 'consent-details');
      await look(login, 'scanned');
      await phone.getByRole('button', { name: 'Cancel' }).click();
      await look(phone, 'canceled');

      await waitForState(login, 'waiting');
      await phone.goto(await codeOn(sandbox, login));
      await phone.getByRole('button', { name: 'Scan as Alice' }).click();
      await phone.getByRole('button', { name: 'Agree' }).click();
      await look(phone, 'confirmed');
      await look(login, 'confirmed');
      await login.locator('summary[data-word="forDevelopers"]').click();
      await look(login, 'confirmed', 'details');
    }, { seconds: 60 });
  }

  scenario('a code link without the app opens an accessible page that explains it', async (sandbox) => {
    const node = await sandbox.node({ pool: { payload_format: 'url' } });
    const { payload } = await gene(node, POOL);
    const page = await (await openContext(sandbox, browser, PHONE)).newPage();
    await page.goto(payload);
    await page.getByRole('heading', { name: 'This is a login code' }).waitFor();
    await waitForText(page, 'Shop');
    await saveScreenshot(page, 'link');
    await assertAccessible(page, 'link');
  });

  scenario('the pages are in Chinese for browsers that prefer it', async (sandbox) => {
    const { login, phone } = await openDemo(sandbox, browser, { options: { locale: 'zh-CN' } });
    await waitForText(login, '请用 App 扫描二维码');
    await phone.goto(await codeOn(sandbox, login));
    await phone.getByRole('button', { name: '以 Alice 的身份扫码' }).click();
    await waitForText(login, '请在手机上确认');
    await phone.getByRole('button', { name: '同意' }).click();
    await waitForText(phone, '已同意');
    await login.getByRole('heading', { name: 'Alice，欢迎您！' }).waitFor();
    for (const page of [login, phone]) {
      assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
      assert.doesNotMatch(await page.locator('main').innerText(), /\b(Log|Scan|Agree|code|undefined)\b/);
    }
  });
});
