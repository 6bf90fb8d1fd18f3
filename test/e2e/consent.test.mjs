/** Number matching, PKCE challenges and warnings of the phone page, in Debian's Chromium. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, waitForState, launch, PHONE, waitForText, saveScreenshot } from './browser.mjs';
import { exchange } from './curl.mjs';
import { openDemo, codeOn, scanByText } from './demo-pages.mjs';
import { POOL, POOL_SECRET, scenario, variations } from './harness.mjs';
import { codeOf, ExampleSite, waitForElement, eventsOf, ticketsOf } from './example-site.mjs';

const REFUSED = /the server responded with a status of 40[39]/;

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Another number than the given one. */
const wrong = (number) => `${10 + (number - 9) % 90}`;

describe('consent', { concurrency: 2 }, () => {
  scenario('with demo --match, the login page shows a number that the phone page requests', async (sandbox) => {
    const pages = await openDemo(sandbox, browser, { tolerate: REFUSED, flags: ['--match'] });
    const { login, phone } = pages;
    await scanByText(sandbox, pages, 'Bob');
    await waitForState(login, 'scanned');
    const number = await login.locator('scan-login .match').innerText();
    assert.match(number, /^[1-9]\d$/);
    await waitForText(login, `Enter ${number} in your app`);
    await phone.getByRole('button', { name: 'Agree' }).click();
    await phone.getByRole('alert').getByText('Enter the number that the login page shows.').waitFor();
    assert.equal(await phone.getByLabel('Number on the login page').getAttribute('aria-invalid'), 'true');
    await phone.getByLabel('Number on the login page').fill(wrong(number));
    await phone.getByRole('button', { name: 'Agree' }).click();
    await phone.getByRole('alert').getByText('Wrong number. 2 tries left').waitFor();
    await saveScreenshot(phone, 'phone-number');
    await assertAccessible(phone, 'the phone asks for the number');
    assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'all of it is on the screen');
    await phone.getByLabel('Number on the login page').fill(number);
    await phone.keyboard.press('Enter');
    await phone.getByRole('heading', { name: 'Agreed' }).waitFor();
    await waitForText(login, 'bob@example.com');
  });

  for (const [locale, words] of variations([
    ['en-US', { user: 'Bob', note: 'You will be asked to log in to the app again.', agree: 'Agree', title: 'Log in to the app again', back: 'Back', again: 'Log in again', agreed: 'Agreed' }],
    ['zh-CN', { user: 'Bob', note: '您需要重新登录 App。', agree: '同意', title: '重新登录 App', back: '返回', again: '重新登录', agreed: '已同意' }],
  ])) {
    scenario(`with demo --step-up, the user logs in to the app again after agreeing: ${locale}`, async (sandbox) => {
      const pages = await openDemo(sandbox, browser, { flags: ['--step-up'], options: { locale } });
      const { login, phone } = pages;
      const text = await codeOn(sandbox, login);
      await phone.goto(text);
      await phone.getByText(words.user, { exact: true }).click();
      await phone.locator('[data-part="accept"]').click();
      await waitForText(phone, words.note);
      await phone.getByRole('button', { name: words.agree }).click();
      await phone.getByRole('heading', { name: words.title }).waitFor();
      await saveScreenshot(phone, `phone-again-${locale}`);
      await assertAccessible(phone, 'the phone asks for a login');
      await phone.getByRole('button', { name: words.back }).click();
      await waitForState(phone, 'consent');
      await waitForState(login, 'scanned'); // nothing was decided
      await phone.getByRole('button', { name: words.agree }).click();
      await phone.getByRole('button', { name: words.again }).click();
      await phone.getByRole('heading', { name: words.agreed }).waitFor();
      await waitForText(login, 'bob@example.com');
      const { auth_time: time } = JSON.parse(await login.locator('pre').textContent());
      assert.ok(Math.abs(Date.now() / 1000 - time) < 60, `the site learns of the new login: ${time}`);
    });
  }

  scenario('three wrong numbers end the code, and the login page shows a new one', async (sandbox) => {
    const pages = await openDemo(sandbox, browser, { tolerate: REFUSED, flags: ['--match'] });
    const { login, phone } = pages;
    const first = await scanByText(sandbox, pages, 'Bob');
    await waitForState(login, 'scanned');
    const number = await login.locator('scan-login .match').innerText();
    for (const said of ['2 tries left', '1 try left', 'That was the last try']) {
      await phone.getByLabel('Number on the login page').fill(wrong(number));
      await phone.getByRole('button', { name: 'Agree' }).click();
      await phone.getByRole('alert').getByText(said).waitFor();
    }
    await waitForState(phone, 'start');
    await waitForState(login, 'waiting');
    assert.notEqual(await codeOn(sandbox, login), first);
  });

  for (const [device, options, lang, sentence] of variations([['phone', PHONE, 'zh', '请在 App 中输入 {}'], ['desktop', DESKTOP, 'en', 'Enter {} in your app']])) {
    scenario(`the number is visible and announced, localized, and fits a small frame: ${device}`, async (sandbox) => {
      const site = await ExampleSite.open(sandbox, { pool: { match: 'digits' } });
      const page = await site.visit(browser, { options: { ...options, reducedMotion: 'reduce' }, attributes: { lang, size: 160 } });
      const first = await codeOf(page);
      await site.app('scanned', first);
      await waitForElement(page, 'scanned');
      const [{ matchCode }] = await eventsOf(page, 'scanned');
      const shown = page.locator('scan-login [part="match"]');
      assert.equal(await shown.innerText(), matchCode);
      await page.getByRole('status').getByText(sentence.replace('{}', matchCode)).waitFor();
      const frame = await page.locator('scan-login [part="frame"]').boundingBox();
      const button = await page.locator('scan-login [part="button"]').boundingBox();
      assert(button.y + button.height <= frame.y + frame.height, 'the button is within the frame');
      assert((await shown.boundingBox()).y >= frame.y, 'the number is within the frame');
      await assertAccessible(page, 'the number');
      await saveScreenshot(page, `element-number-${device}`);

      await page.getByRole('button').click(); // not you
      const second = await codeOf(page, first);
      await shown.waitFor({ state: 'hidden' });
      await site.app('scanned', second);
      await waitForElement(page, 'scanned');
      const number = (await eventsOf(page, 'scanned'))[1].matchCode;
      await site.app('confirm', second, site.a, { matchCode: number });
      await waitForElement(page, 'confirmed');
      await shown.waitFor({ state: 'hidden' });
    });
  }

  for (const blocked of [false, true]) {
    const way = blocked ? 'without WebSockets' : 'over a WebSocket';
    scenario(`every code has the challenge, and the ticket needs its verifier: ${way}`, async (sandbox) => {
      const site = await ExampleSite.open(sandbox, { single: true, pool: { require_pkce: true } });
      const verifier = randomBytes(32).toString('base64url');
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      if (blocked) site.balancer.upgrades = 'refuse';
      const page = await site.visit(browser, { options: DESKTOP, attributes: { 'code-challenge': challenge }, tolerate: /WebSocket connection/ });
      const first = await codeOf(page);
      await page.locator('scan-login').evaluate((element) => element.refresh());
      const random = await codeOf(page, first);
      await site.app('scanned', random);
      await site.app('confirm', random);
      await waitForElement(page, 'confirmed');
      const [{ ticket }] = await ticketsOf(page);
      assert.equal((await exchange(site.a, ticket, POOL, POOL_SECRET)).answer.code, 2250);
      assert.equal((await exchange(site.a, ticket, POOL, POOL_SECRET, verifier)).answer.data.id, 'alice');
    });
  }

  scenario('a page without the required challenge gets an error', async (sandbox) => {
    const site = await ExampleSite.open(sandbox, { single: true, pool: { require_pkce: true } });
    const page = await site.visit(browser, { options: DESKTOP, tolerate: /codeChallenge is required/ });
    await waitForElement(page, 'failed');
    const [{ reason, closeCode }] = await eventsOf(page, 'error');
    assert.deepEqual([closeCode, /^codeChallenge is required/.test(reason)], [1008, true]);
  });

  scenario('the consent screen: one sentence, amber for a warning, red without Agree for a blocked login', async (sandbox) => {
    const pages = await openDemo(sandbox, browser);
    const { phone } = pages;
    let verdict = 'careful';
    const hidden = '\u202e';
    await phone.route('**/scanned', async (route) => { // nothing is suspicious on one machine
      const response = await route.fetch();
      const answer = await response.json();
      answer.data.browser.place = 'Berlin, Germany';
      answer.data.customData = { Order: 'A-17', 'Shipping to': `x${hidden}y`, deep: { list: [1, '<b>2</b>'] } };
      Object.assign(answer.data.consent, {
        verdict, age: 185, sameNetwork: false, knownBrowser: false, codesLately: 120,
        reasons: [{ name: 'other_country', text: 'The login page is in <b>another</b> country' }, { name: 'other_network', text: 'On another network.' }],
      });
      await route.fulfill({ response, json: answer });
    });
    await scanByText(sandbox, pages, 'Alice');
    for (const text of [/Chrome \d+ on Linux, Berlin, Germany, 3 minutes ago$/, 'Be careful.', 'is in <b>another</b> country', 'Provided by the page, not verified', 'A-17', 'xy', '{"list":[1,"<b>2</b>"]}']) {
      await waitForText(phone, text);
    }
    for (const folded of ['127.0.0.1', 'On another network.']) assert(!await phone.getByText(folded, { exact: true }).isVisible(), `${folded} is folded`);
    const looks = async (name) => {
      const button = phone.getByRole('button', { name, exact: true });
      const { width, height } = await button.boundingBox();
      return { size: [width, height], isPrimary: await button.evaluate((element) => element.classList.contains('primary')) };
    };
    const [agree, cancel] = [await looks('Agree'), await looks('Cancel')];
    assert.deepEqual(cancel.size, agree.size);
    assert.deepEqual([cancel.isPrimary, agree.isPrimary], [true, false]);
    await saveScreenshot(phone, 'phone-careful');
    await phone.getByText('Details', { exact: true }).click();
    for (const text of [/^127\.0\.0\.1$/, '185 seconds ago', 'Not the network of your phone', 'None with this browser', '120', 'On another network.']) await waitForText(phone, text);
    const { y, height } = await phone.getByRole('button', { name: 'Agree' }).boundingBox();
    assert(y + height <= PHONE.viewport.height, 'the buttons stay visible');
    await assertAccessible(phone, 'a warning');
    await saveScreenshot(phone, 'phone-careful-details');
    await phone.getByRole('button', { name: 'Cancel', exact: true }).click();
    await phone.getByRole('heading', { name: 'Canceled' }).waitFor();

    verdict = 'block';
    await waitForState(pages.login, 'waiting');
    await scanByText(sandbox, pages, 'Alice');
    await waitForText(phone, 'This login is blocked.');
    assert.equal(await phone.getByRole('button', { name: 'Agree' }).count(), 0);
    await assertAccessible(phone, 'a blocked login');
    await saveScreenshot(phone, 'phone-blocked');
    await phone.getByRole('button', { name: 'Cancel', exact: true }).click();
    await phone.getByRole('heading', { name: 'Canceled' }).waitFor();
  });

  scenario('a login that is blocked while the consent screen is open leaves only Cancel', async (sandbox) => {
    const pages = await openDemo(sandbox, browser, { tolerate: REFUSED });
    const { login, phone } = pages;
    const message = 'This login is blocked: many login attempts from this network';
    await phone.route('**/confirm', (route) => route.fulfill({ status: 403, json: { code: 2248, message, data: null } })); // nothing is suspicious on one machine
    await scanByText(sandbox, pages, 'Alice');
    await phone.getByRole('button', { name: 'Agree', exact: true }).click();
    await phone.getByRole('alert').getByText(message).waitFor();
    assert.equal(await phone.getByRole('button', { name: 'Agree' }).count(), 0);
    await assertAccessible(phone, 'a login that was blocked');
    await phone.getByRole('button', { name: 'Cancel', exact: true }).click();
    await phone.getByRole('heading', { name: 'Canceled' }).waitFor();
    await waitForState(login, 'waiting');
  });

  scenario('an answer that lacks a required part shows no consent screen', async (sandbox) => {
    const pages = await openDemo(sandbox, browser);
    const { demo, login, phone } = pages;
    await phone.route('**/scanned', async (route) => {
      const response = await route.fetch();
      const answer = await response.json();
      delete answer.data.consent.age;
      await route.fulfill({ response, json: answer });
    });
    await phone.goto(`${demo.address}/phone`);
    await phone.getByLabel('Login code').fill(await codeOn(sandbox, login));
    await phone.getByRole('button', { name: 'Scan as Alice' }).click();
    await phone.getByRole('alert').getByText('Login is not possible with this app at the moment.').waitFor();
    await waitForState(phone, 'start');
    assert.equal(await phone.getByRole('button', { name: 'Agree' }).count(), 0);
  });
});
