/** <scan-login> on an example site in Debian's Chromium: appearance, texts and functions. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { assertAccessible, DESKTOP, launch, PHONE, waitForText, saveScreenshot } from './browser.mjs';
import { exchange } from './curl.mjs';
import { POOL, POOL_SECRET, scenario, variations } from './harness.mjs';
import { PATIENCE, run, until } from './process.mjs';
import { codeOf, ExampleSite, waitForElement, eventsOf, ticketsOf } from './example-site.mjs';
import { readCode } from './zbar.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('the element', { concurrency: 2 }, () => {
  scenario('one page creates one code, however many attributes are set and changed together', async (sandbox) => {
    const site = await ExampleSite.open(sandbox);
    const page = await site.visit(browser, { attributes: { 'code-challenge': 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', server: site.balancer.address } });
    const first = await codeOf(page);
    assert.equal(site.balancer.count('/api/v2/qrcode/ws'), 1);
    await page.evaluate(() => {
      const login = document.querySelector('scan-login');
      login.setAttribute('code-challenge', 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk');
      login.removeAttribute('server');
    });
    await codeOf(page, first);
    assert.equal(site.balancer.count('/api/v2/qrcode/ws'), 2);
  });

  for (const [device, colorScheme] of variations([['desktop', 'light'], ['phone', 'dark'], ['desktop', 'dark'], ['phone', 'light']])) {
    scenario(`a whole login in which axe checks every state: ${device}, ${colorScheme}`, async (sandbox) => {
      const site = await ExampleSite.open(sandbox, { pool: { max_codes: 3, payload_format: 'url' } });
      const options = { ...(device === 'desktop' ? DESKTOP : PHONE), colorScheme, reducedMotion: 'reduce' };
      const page = await site.visit(browser, { options });
      const look = async (state, what = state) => {
        await waitForElement(page, state);
        await saveScreenshot(page, `element-${what}-${device}-${colorScheme}`);
        await assertAccessible(page, what);
      };

      const first = await codeOf(page);
      await page.locator('scan-login .wait').waitFor({ state: 'hidden' });
      await look('waiting');
      const path = join(sandbox.dir, 'screen.png');
      await page.screenshot({ path });
      assert.match(await readCode(path), new RegExp(`/s/${first}$`));

      await site.app('scanned', first);
      await page.locator('scan-login .photo').waitFor();
      await waitForText(page, 'Confirm on your phone');
      await look('scanned');
      await page.getByRole('button', { name: 'Not you? Get a new code' }).click();
      const second = await codeOf(page, first);
      await waitForText(page, 'Here is a new code.');

      await site.app('scanned', second);
      await site.app('cancel', second);
      const third = await codeOf(page, second);
      await waitForText(page, 'Canceled. Here is a new code.');
      await look('waiting', 'canceled');
      await site.decline(third, 'bob');
      await waitForElement(page, 'waiting'); // the fourth; a refresh did not count
      const fourth = await codeOf(page, third);
      await site.decline(fourth, 'carol');
      await look('exhausted');
      await page.getByRole('button', { name: 'Show a new code' }).click();

      const last = await codeOf(page, fourth);
      await site.app('scanned', last);
      await site.app('confirm', last);
      await look('confirmed');
      const [{ ticket, random, browserKey }, ...more] = await ticketsOf(page);
      assert.deepEqual([random, more, browserKey.length], [last, [], 43]);
      const { answer } = await exchange(site.a, ticket, POOL, POOL_SECRET);
      assert.equal(answer.data.email, site.alice.email);
      assert.equal(site.balancer.count('/scanlogin.js'), 1);
      assert.deepEqual(site.balancer.asked.filter((request) => request.includes('/image/')), []); // the page draws its codes
    }, { seconds: 60 });
  }

  scenario('phones get an accessible link to open the app; desktops do not', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true, pool: { app_link: 'https://app.example.com/login?code={random}' } });
    const phone = await site.visit(browser, { options: PHONE });
    const random = await codeOf(phone);
    const link = phone.getByRole('link', { name: 'Open in the app' });
    assert.equal(await link.getAttribute('href'), `https://app.example.com/login?code=${random}`);
    await phone.keyboard.press('Tab');
    assert(await link.evaluate((element) => element.matches(':focus-visible')));
    await saveScreenshot(phone, 'element-link');

    const desktop = await site.visit(browser, { options: DESKTOP });
    await codeOf(desktop);
    await desktop.getByRole('link').waitFor({ state: 'detached' });
  });

  scenario('the site can set language, size, theme, custom properties and parts', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true });
    const page = await site.visit(browser, { options: DESKTOP, attributes: { lang: 'zh-Hans-CN', size: 200, theme: 'dark', class: 'red' } });
    await codeOf(page);
    await waitForText(page, '请用 App 扫描二维码');
    assert.equal(await page.getByRole('img', { name: '登录 Shop 的二维码' }).count(), 1);
    assert.equal((await page.locator('scan-login [part="frame"]').boundingBox()).width, 200);
    const style = (selector, property) => page.locator(selector).evaluate((element, name) => getComputedStyle(element)[name], property);
    assert.equal(await style('scan-login [part="bar"]', 'backgroundColor'), 'rgb(170, 0, 0)');
    assert.equal(await style('scan-login [part="status"]', 'letterSpacing'), '2px');
    assert.equal(await style('scan-login [part="base"]', 'color'), 'rgb(237, 242, 239)'); // though the system is light
    await page.evaluate(async (balancer) => {
      const { words } = await import(`${balancer}/scanlogin.js`);
      words.fr = { scan: 'Scannez le code avec votre application' };
      document.querySelector('scan-login').lang = 'fr';
    }, site.balancer.address);
    await waitForText(page, 'Scannez le code avec votre application');
    await waitForText(page, /New code in 1:\d\d/); // what French lacks is English
  });

  scenario("a browser that cannot draw shows the server's picture, and dims the previous one while the new one is loading", async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true });
    const prepare = () => { HTMLCanvasElement.prototype.getContext = () => null; };
    const page = await site.visit(browser, { options: { ...DESKTOP, reducedMotion: 'reduce' }, prepare });
    const dim = page.locator('scan-login .code.dim');
    const first = await codeOf(page);
    await page.locator('scan-login .wait').waitFor({ state: 'hidden' });
    const path = join(sandbox.dir, 'code.png');
    await page.getByRole('img', { name: 'QR code to log in to Shop' }).screenshot({ path });
    assert.equal(JSON.parse(await readCode(path)).random, first);
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

  scenario('start, stop and refresh work; another pool restarts the element; a removed element stops', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true });
    const page = await site.visit(browser, { options: DESKTOP });
    const call = (method) => page.locator('scan-login').evaluate((element, name) => element[name](), method);
    const first = await codeOf(page);
    await call('refresh');
    const second = await codeOf(page, first);
    await call('stop');
    await waitForElement(page, 'idle');
    await page.locator('scan-login .code').waitFor({ state: 'hidden' });
    await call('start');
    await codeOf(page, second);
    await page.locator('scan-login').evaluate((element) => {
      console.error = () => {}; // it tells developers what is wrong
      element.setAttribute('pool', 'nobody');
    });
    await waitForElement(page, 'failed');
    const [error, ...more] = await eventsOf(page, 'error');
    assert.deepEqual([error.closeCode, more], [4404, []]);
    assert.match(error.reason, /no user pool "nobody"/);
    await page.locator('scan-login').evaluate((element, pool) => element.setAttribute('pool', pool), POOL);
    await waitForElement(page, 'waiting');
    const codes = (await eventsOf(page, 'code')).length;
    await page.evaluate(() => { // moved: it goes on
      const element = document.querySelector('scan-login');
      document.body.append(element);
      globalThis.removed = element;
    });
    await waitForElement(page, 'waiting');
    assert.equal((await eventsOf(page, 'code')).length, codes);
    await page.evaluate(() => globalThis.removed.remove());
    await until(5, 'it has stopped', () => page.evaluate(() => globalThis.removed.state === 'idle'));
  });
});

test('the module and the pages pass `tsc --checkJs --strict`', { timeout: PATIENCE * 60_000 }, async () => {
  const web = resolve(import.meta.dirname, '../../web');
  const files = ['src/css.d.ts', 'third_party/lean-qr/index.d.ts', 'src/scanlogin.js', 'login.js', 'demo.js', 'authorize.js', 'form-post.js', 'page.js', 'words.js', 'phone/phone.ts'].map((name) => join(web, name));
  const compiler = join(import.meta.dirname, 'node_modules/typescript/bin/tsc');
  const { code, stdout } = await run(process.execPath, [compiler, '--allowJs', '--checkJs', '--strict', '--noEmit', '--target', 'es2022',
    '--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2023,dom,dom.iterable', '--typeRoots', join(import.meta.dirname, 'client'), ...files], { seconds: 50, mayFail: true });
  assert.equal(code, 0, stdout);
});
