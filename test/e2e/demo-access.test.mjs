/** The demo's pages for everybody: by keyboard, in light and dark, read by axe-core, in Chinese. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { assertAccessible, inState, launch, person, PHONE, sees, shoot } from './browser.mjs';
import { gene } from './curl.mjs';
import { atTheDesk, codeOn } from './desk.mjs';
import { POOL, scene, variations } from './harness.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('the pages for everybody', { concurrency: 2 }, () => {
  scene('the keyboard is enough', async (house) => {
    const { login } = await atTheDesk(house, browser);
    await login.keyboard.press('Tab');
    const opening = login.context().waitForEvent('page');
    await login.keyboard.press('Enter'); // the link to the phone page
    const phone = await opening;
    await inState(phone, 'linked');
    const { keyboard } = phone;
    await keyboard.press('Tab'); // the users
    await keyboard.press('ArrowRight');
    await phone.getByRole('button', { name: 'Scan as Bob' }).waitFor();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await inState(phone, 'consent');
    await shoot(phone, 'phone-consent-focus');
    await keyboard.press('Tab'); // cancel
    await keyboard.press('Tab'); // agree
    await shoot(phone, 'phone-agree-focus');
    await keyboard.press('Enter');
    await inState(phone, 'confirmed');
    await inState(login, 'confirmed');
    await sees(login, 'bob@example.com');
    await login.keyboard.press('Tab');
    await login.keyboard.press('Tab'); // from the link around to the first button
    await login.getByRole('button', { name: 'Log in again' }).press('Enter');
    await inState(login, 'waiting');
  });

  for (const colorScheme of variations(['light', 'dark'])) {
    scene(`axe finds nothing serious in any state, ${colorScheme}`, async (house) => {
      // Nothing moves, so that axe sees no colour on its way.
      const { demo, login, phone } = await atTheDesk(house, browser, { options: { colorScheme, reducedMotion: 'reduce' } });
      const look = async (page, state, what = state) => {
        await inState(page, state);
        const name = `${page === login ? 'login' : 'phone'}-${what}-${colorScheme}`;
        await shoot(page, name);
        await assertAccessible(page, name);
      };
      await look(login, 'waiting');
      await phone.goto(`${demo.address}/phone`);
      await look(phone, 'start');
      await phone.getByRole('button', { name: 'Scan as Alice' }).click();
      await sees(phone, 'Paste a code, or choose a picture of one.');
      await look(phone, 'start', 'complaint');

      await phone.goto(await codeOn(house, login));
      await look(phone, 'linked');
      await phone.getByRole('button', { name: 'Scan as Alice' }).click();
      await look(phone, 'consent');
      await look(login, 'scanned');
      await phone.getByRole('button', { name: 'Cancel' }).click();
      await look(phone, 'canceled');

      await inState(login, 'waiting');
      await phone.goto(await codeOn(house, login));
      await phone.getByRole('button', { name: 'Scan as Alice' }).click();
      await phone.getByRole('button', { name: 'Agree' }).click();
      await look(phone, 'confirmed');
      await look(login, 'confirmed');
      await login.getByText('What the site gets').click();
      await look(login, 'confirmed', 'details');
    }, { seconds: 60 });
  }

  scene('a link to a code whose app is not there says what it is, in a page that axe has nothing against', async (house) => {
    const node = await house.node({ pool: { payload_format: 'url' } });
    const { payload } = await gene(node, POOL);
    const page = await (await person(house, browser, PHONE)).newPage();
    await page.goto(payload);
    await page.getByRole('heading', { name: 'This is a login code' }).waitFor();
    await sees(page, 'Shop');
    await shoot(page, 'link');
    await assertAccessible(page, 'link');
  });

  scene('the pages speak Chinese to who reads it', async (house) => {
    const { login, phone } = await atTheDesk(house, browser, { options: { locale: 'zh-CN' } });
    await sees(login, '请用 App 扫描二维码');
    await phone.goto(await codeOn(house, login));
    await phone.getByRole('button', { name: '以 Alice 的身份扫码' }).click();
    await sees(login, '请在 App 中确认登录');
    await phone.getByRole('button', { name: '同意' }).click();
    await sees(phone, '已同意');
    await sees(login, '登录成功');
    for (const page of [login, phone]) {
      assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
      assert.doesNotMatch(await page.locator('main').innerText(), /\b(Log|Scan|Agree|code|undefined)\b/);
    }
  });
});
