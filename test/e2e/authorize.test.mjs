/** The authorization page of OpenID Connect in Debian's Chromium, with an app that calls with curl. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, launch, PHONE, saveScreenshot, waitForText } from './browser.mjs';
import { waitForElement } from './example-site.mjs';
import { scenario, variations } from './harness.mjs';
import { OidcClient } from './oidc-client.mjs';

const TEXTS = {
  en: { title: 'Log in to Wiki <&>', account: 'with your Shop account', canceled: 'Canceled. Here is a new code.', scanned: 'Confirm on your phone', back: 'Back to Wiki <&>' },
  'zh-CN': { title: '登录 Wiki <&>', account: '使用 Shop 账号', canceled: '已取消', scanned: '请在手机上确认', back: '返回 Wiki <&>' },
};

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('the authorization page', { concurrency: 2 }, () => {
  for (const [locale, device, colorScheme] of variations([['zh-CN', PHONE, 'dark'], ['en', DESKTOP, 'light']])) {
    scenario(`a user cancels, scans again, and is logged in at the client: ${locale}`, async (sandbox) => {
      const site = await OidcClient.open(sandbox);
      site.more = { ui_locales: locale };
      const page = await site.visit(browser, { ...device, colorScheme, reducedMotion: 'reduce' });
      const texts = TEXTS[locale];
      const look = async (state) => {
        await waitForElement(page, state);
        await saveScreenshot(page, `authorize-${state}-${locale}`);
        await assertAccessible(page, state);
      };
      const first = await site.codeOn(page);
      assert.equal(await page.title(), texts.title);
      for (const text of [texts.title, texts.account]) await page.getByText(text, { exact: true }).first().waitFor();
      await page.getByRole('button', { name: texts.back }).waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'all of it is on the screen');
      await look('waiting');
      await site.app('scanned', first);
      await waitForText(page, texts.scanned);
      await look('scanned');
      await site.app('cancel', first);
      const second = await site.codeOn(page, first);
      await waitForText(page, texts.canceled);
      await site.app('scanned', second);
      await site.app('confirm', second);
      await page.getByRole('heading', { name: 'Hello Alice' }).waitFor();
      assert.deepEqual(site.responses.map(({ method, error }) => [method, error]), [['GET', undefined]]);
      await page.goBack();
      await page.waitForURL((url) => !url.pathname.endsWith('/auth'), { waitUntil: 'commit' }); // the code's page was replaced
    }, { seconds: 60 });
  }

  scenario('form_post posts the response to the client', async (sandbox) => {
    const site = await OidcClient.open(sandbox);
    site.more = { response_mode: 'form_post' };
    const page = await site.visit(browser, DESKTOP);
    const random = await site.codeOn(page);
    await site.app('scanned', random);
    await site.app('confirm', random);
    await page.getByRole('heading', { name: 'Hello Alice' }).waitFor();
    assert.deepEqual(site.responses.map(({ method }) => method), ['POST']);
  });

  for (const mode of variations(['query', 'form_post'])) {
    scenario(`"Back to the client" ends the request, and returns access_denied by ${mode}`, async (sandbox) => {
      const site = await OidcClient.open(sandbox);
      site.more = { response_mode: mode };
      const page = await site.visit(browser, DESKTOP);
      await site.codeOn(page);
      await page.getByRole('button', { name: TEXTS.en.back }).click();
      await page.getByRole('heading', { name: 'You are not logged in' }).waitFor(); // the client redirects to another origin
      assert.deepEqual(site.responses.map(({ method, error, code }) => [method, error, code]), [[mode === 'query' ? 'GET' : 'POST', 'access_denied', undefined]]);
    });
  }

  scenario('a page whose request has ended elsewhere says so', async (sandbox) => {
    const site = await OidcClient.open(sandbox);
    const page = await site.visit(browser, DESKTOP, /the authorization request has ended|the server refused what this page sent/);
    await site.codeOn(page);
    await page.locator('form').evaluate((form) => fetch(form.action, { method: 'POST', redirect: 'manual', body: new URLSearchParams([...new FormData(form)]) }));
    await page.locator('scan-login').evaluate((element) => { // connects again, as after a lost connection
      element.stop();
      element.start();
    });
    await waitForText(page, 'This login has ended. Go back to Wiki <&> and start again.');
    await page.locator('scan-login').waitFor({ state: 'hidden' });
    await saveScreenshot(page, 'authorize-ended');
    await assertAccessible(page, 'a request that has ended');
  });

  scenario('without JavaScript, the page says so and leads back', async (sandbox) => {
    const site = await OidcClient.open(sandbox);
    const page = await site.visit(browser, { ...DESKTOP, javaScriptEnabled: false });
    const text = await page.locator('noscript p').innerText(); // Playwright finds no text in <noscript>
    assert.equal(text, 'The code needs JavaScript. Turn it on and reload this page, or go back to Wiki <&>.');
    await saveScreenshot(page, 'authorize-without-javascript');
    await page.getByRole('button', { name: TEXTS.en.back }).click();
    await page.getByRole('heading', { name: 'You are not logged in' }).waitFor();
    assert.equal(site.responses[0].error, 'access_denied');
  });

  scenario('an invalid redirect URI shows an error page, and leads nowhere', async (sandbox) => {
    const site = await OidcClient.open(sandbox);
    site.more = { redirect_uri: `${site.home}/callback` };
    const page = await site.visit(browser, DESKTOP, /status of 400/);
    await page.getByRole('heading', { name: 'This login cannot continue' }).waitFor();
    await waitForText(page, 'redirect_uri is not one of the client');
    assert.deepEqual(site.responses, []);
    await saveScreenshot(page, 'authorize-error');
    await assertAccessible(page, 'the error page');
  });
});
