/** <scan-login> on a site of its own, in Debian's chromium: how it looks, what it says, what it offers. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { assertAccessible, DESK, launch, PHONE, sees, shoot } from './browser.mjs';
import { exchange } from './curl.mjs';
import { POOL, POOL_SECRET, scene, variations } from './harness.mjs';
import { run, until } from './process.mjs';
import { codeOf, Shop, shows, told } from './shop.mjs';
import { readCode } from './zbar.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('the element', { concurrency: 2 }, () => {
  for (const [device, colorScheme] of variations([['desk', 'light'], ['phone', 'dark'], ['desk', 'dark'], ['phone', 'light']])) {
    scene(`the whole story, each state seen by axe: ${device}, ${colorScheme}`, async (house) => {
      const shop = await Shop.open(house, { pool: { max_codes: 3, payload_format: 'url' } });
      const options = { ...(device === 'desk' ? DESK : PHONE), colorScheme, reducedMotion: 'reduce' };
      const page = await shop.visit(browser, { options });
      const look = async (state, what = state) => {
        await shows(page, state);
        await shoot(page, `element-${what}-${device}-${colorScheme}`);
        await assertAccessible(page, what);
      };

      const first = await codeOf(page);
      await page.locator('scan-login .wait').waitFor({ state: 'hidden' });
      await look('waiting');
      const path = join(house.dir, 'screen.png');
      await page.screenshot({ path });
      assert.match(await readCode(path), new RegExp(`/s/${first}$`));

      await shop.app('scanned', first);
      await page.locator('scan-login .photo').waitFor();
      await sees(page, 'Confirm in your app');
      await look('scanned');
      await page.getByRole('button', { name: 'Not you? Get a new code' }).click();
      const second = await codeOf(page, first);
      await sees(page, 'Here is a new code.');

      await shop.app('scanned', second);
      await shop.app('cancel', second);
      const third = await codeOf(page, second);
      await sees(page, 'Canceled. Here is a new code.');
      await look('waiting', 'canceled');
      await shop.decline(third, 'bob');
      await shows(page, 'waiting'); // the fourth; a refresh did not count
      const fourth = await codeOf(page, third);
      await shop.decline(fourth, 'carol');
      await look('exhausted');
      await page.getByRole('button', { name: 'Show a new code' }).click();

      const last = await codeOf(page, fourth);
      await shop.app('scanned', last);
      await shop.app('confirm', last);
      await look('confirmed');
      const [{ ticket, random, browserKey }, ...more] = await told(page, 'confirmed');
      assert.deepEqual([random, more, browserKey.length], [last, [], 43]);
      const { answer } = await exchange(shop.a, ticket, POOL, POOL_SECRET);
      assert.equal(answer.data.email, shop.alice.email);
    }, { seconds: 60 });
  }

  scene('who holds a phone is offered to open the app, by keyboard too; who sits at a desk is not', async (house) => {
    const shop = await Shop.open(house, { alone: true, pool: { app_link: 'https://app.example.com/login?code={random}' } });
    const phone = await shop.visit(browser, { options: PHONE });
    const random = await codeOf(phone);
    const link = phone.getByRole('link', { name: 'Open in the app' });
    assert.equal(await link.getAttribute('href'), `https://app.example.com/login?code=${random}`);
    await phone.keyboard.press('Tab');
    assert(await link.evaluate((element) => element.matches(':focus-visible')));
    await shoot(phone, 'element-link');

    const desk = await shop.visit(browser, { options: DESK });
    await codeOf(desk);
    await desk.getByRole('link').waitFor({ state: 'detached' });
  });

  scene('language, size, theme, custom properties and parts are the site\'s choice', async (house) => {
    const shop = await Shop.open(house, { alone: true });
    const page = await shop.visit(browser, { options: DESK, attributes: { lang: 'zh-Hans-CN', size: 200, theme: 'dark', class: 'red' } });
    await codeOf(page);
    await sees(page, '请用 App 扫描二维码');
    assert.equal(await page.getByRole('img', { name: '登录 Shop 的二维码' }).count(), 1);
    assert.equal((await page.locator('scan-login [part="frame"]').boundingBox()).width, 200);
    const style = (selector, property) => page.locator(selector).evaluate((element, name) => getComputedStyle(element)[name], property);
    assert.equal(await style('scan-login [part="bar"]', 'backgroundColor'), 'rgb(170, 0, 0)');
    assert.equal(await style('scan-login [part="status"]', 'letterSpacing'), '2px');
    assert.equal(await style('scan-login [part="base"]', 'color'), 'rgb(237, 242, 239)'); // though the system is light
    await page.evaluate(async (front) => {
      const { words } = await import(`${front}/scanlogin.js`);
      words.fr = { scan: 'Scannez le code avec votre application' };
      document.querySelector('scan-login').lang = 'fr';
    }, shop.front.address);
    await sees(page, 'Scannez le code avec votre application');
    await sees(page, /New code in 1:\d\d/); // what French lacks is English
  });

  scene('the picture of the code before does not pass for the new one while that is loading', async (house) => {
    const shop = await Shop.open(house, { alone: true });
    const page = await shop.visit(browser, { options: DESK });
    const dim = page.locator('scan-login .code.dim');
    const first = await codeOf(page);
    await dim.waitFor({ state: 'detached' });
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await page.route('**/image/*', async (route) => {
      await held;
      await route.continue();
    });
    await page.locator('scan-login').evaluate((element) => element.refresh());
    await codeOf(page, first);
    assert.equal(await dim.count(), 1);
    release();
    await dim.waitFor({ state: 'detached' });
  });

  scene('start, stop and refresh do what they say; another pool begins anew; a removed element is silent', async (house) => {
    const shop = await Shop.open(house, { alone: true });
    const page = await shop.visit(browser, { options: DESK });
    const call = (method) => page.locator('scan-login').evaluate((element, name) => element[name](), method);
    const first = await codeOf(page);
    await call('refresh');
    const second = await codeOf(page, first);
    await call('stop');
    await shows(page, 'idle');
    await page.locator('scan-login .code').waitFor({ state: 'hidden' });
    await call('start');
    await codeOf(page, second);
    await page.locator('scan-login').evaluate((element) => {
      console.error = () => {}; // it tells developers what is wrong
      element.setAttribute('pool', 'nobody');
    });
    await shows(page, 'failed');
    assert.deepEqual((await told(page, 'error')).map(({ closeCode }) => closeCode), [4404]);
    await page.locator('scan-login').evaluate((element, pool) => element.setAttribute('pool', pool), POOL);
    await shows(page, 'waiting');
    const codes = (await told(page, 'code')).length;
    await page.evaluate(() => { // moved: it goes on
      const element = document.querySelector('scan-login');
      document.body.append(element);
      globalThis.removed = element;
    });
    await shows(page, 'waiting');
    assert.equal((await told(page, 'code')).length, codes);
    await page.evaluate(() => globalThis.removed.remove());
    await until(5, 'it has stopped', () => page.evaluate(() => globalThis.removed.state === 'idle'));
  });
});

test('the module and the pages hold under `tsc --checkJs --strict`', { timeout: 60_000 }, async () => {
  const web = resolve(import.meta.dirname, '../../web');
  const files = ['scanlogin.js', 'login.js', 'phone.js', 'page.js', 'words.js'].map((name) => join(web, name));
  const compiler = join(import.meta.dirname, 'node_modules/typescript/bin/tsc');
  const { code, stdout } = await run(process.execPath, [compiler, '--allowJs', '--checkJs', '--strict', '--noEmit', '--target', 'es2022',
    '--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2023,dom,dom.iterable', '--typeRoots', join(import.meta.dirname, 'client'), ...files], { seconds: 50, mayFail: true });
  assert.equal(code, 0, stdout);
});
