/** Numbers to match, challenges for tickets, and what the phone page warns of, in Debian's chromium. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESK, inState, launch, PHONE, sees, shoot } from './browser.mjs';
import { exchange } from './curl.mjs';
import { atTheDesk, codeOn, scanByText } from './desk.mjs';
import { POOL, POOL_SECRET, scene } from './harness.mjs';
import { codeOf, Shop, shows, told } from './shop.mjs';

const REFUSED = /the server responded with a status of 40[39]/;

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** A wrong number in the place of a right one. */
const wrong = (number) => `${10 + (number - 9) % 90}`;

describe('trust', { concurrency: 2 }, () => {
  scene('the demo with --match: the page shows a number, and the phone page asks for it', async (house) => {
    const desk = await atTheDesk(house, browser, { tolerate: REFUSED, flags: ['--match'] });
    const { login, phone } = desk;
    await scanByText(house, desk, 'Bob');
    await inState(login, 'scanned');
    const number = await login.locator('scan-login .match').innerText();
    assert.match(number, /^[1-9]\d$/);
    await sees(login, `Enter ${number} in your app`);
    await phone.getByRole('button', { name: 'Agree' }).click();
    await sees(phone, 'Enter the two digits that the login page shows.');
    await phone.getByLabel('Number on the login page').fill(wrong(number));
    await phone.getByRole('button', { name: 'Agree' }).click();
    await phone.getByRole('alert').getByText('Wrong number. 2 tries left').waitFor();
    await shoot(phone, 'phone-number');
    await assertAccessible(phone, 'the phone asks for the number');
    assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'all of it is on the screen');
    await phone.getByLabel('Number on the login page').fill(number);
    await phone.keyboard.press('Enter');
    await phone.getByRole('heading', { name: 'Agreed' }).waitFor();
    await sees(login, 'bob@example.com');
  });

  scene('three wrong numbers end the code on the phone page, and the page shows another', async (house) => {
    const desk = await atTheDesk(house, browser, { tolerate: REFUSED, flags: ['--match'] });
    const { login, phone } = desk;
    const first = await scanByText(house, desk, 'Bob');
    await inState(login, 'scanned');
    const number = await login.locator('scan-login .match').innerText();
    for (const said of ['2 tries left', '1 try left', 'That was the last try']) {
      await phone.getByLabel('Number on the login page').fill(wrong(number));
      await phone.getByRole('button', { name: 'Agree' }).click();
      await phone.getByRole('alert').getByText(said).waitFor();
    }
    await inState(phone, 'start');
    await inState(login, 'waiting');
    assert.notEqual(await codeOn(house, login), first);
  });

  for (const [device, options, lang, sentence] of [['desk', DESK, 'en', 'Enter {} in your app'], ['phone', PHONE, 'zh', '请在 App 中输入 {}']]) {
    scene(`the number is shown and announced, in its language and in a small frame: ${device}`, async (house) => {
      const shop = await Shop.open(house, { pool: { match: 'digits' } });
      const page = await shop.visit(browser, { options: { ...options, reducedMotion: 'reduce' }, attributes: { lang, size: 160 } });
      const first = await codeOf(page);
      await shop.app('scanned', first);
      await shows(page, 'scanned');
      const [{ matchCode }] = await told(page, 'scanned');
      const shown = page.locator('scan-login [part="match"]');
      assert.equal(await shown.innerText(), matchCode);
      await page.getByRole('status').getByText(sentence.replace('{}', matchCode)).waitFor();
      const frame = await page.locator('scan-login [part="frame"]').boundingBox();
      const button = await page.locator('scan-login [part="button"]').boundingBox();
      assert(button.y + button.height <= frame.y + frame.height, 'the button is within the frame');
      assert((await shown.boundingBox()).y >= frame.y, 'the number is within the frame');
      await assertAccessible(page, 'the number');
      await shoot(page, `element-number-${device}`);

      await page.getByRole('button').click(); // not you
      const second = await codeOf(page, first);
      await shown.waitFor({ state: 'hidden' });
      await shop.app('scanned', second);
      await shows(page, 'scanned');
      const number = (await told(page, 'scanned'))[1].matchCode;
      await shop.app('confirm', second, shop.a, { matchCode: number });
      await shows(page, 'confirmed');
      await shown.waitFor({ state: 'hidden' });
    });
  }

  for (const blocked of [false, true]) {
    const way = blocked ? 'without WebSockets' : 'over a WebSocket';
    scene(`a challenge is asked for with each code, and the ticket needs its verifier: ${way}`, async (house) => {
      const shop = await Shop.open(house, { alone: true, pool: { require_pkce: true } });
      const verifier = randomBytes(32).toString('base64url');
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      if (blocked) shop.front.upgrades = 'refuse';
      const page = await shop.visit(browser, { options: DESK, attributes: { 'code-challenge': challenge }, tolerate: /WebSocket connection/ });
      const first = await codeOf(page);
      await page.locator('scan-login').evaluate((element) => element.refresh());
      const random = await codeOf(page, first);
      await shop.app('scanned', random);
      await shop.app('confirm', random);
      await shows(page, 'confirmed');
      const [{ ticket }] = await told(page, 'confirmed');
      assert.equal((await exchange(shop.a, ticket, POOL, POOL_SECRET)).answer.code, 2250);
      assert.equal((await exchange(shop.a, ticket, POOL, POOL_SECRET, verifier)).answer.data.id, 'alice');
    });
  }

  scene('a page that forgot the challenge is told so', async (house) => {
    const shop = await Shop.open(house, { alone: true, pool: { require_pkce: true } });
    const page = await shop.visit(browser, { options: DESK, tolerate: /codeChallenge is required/ });
    await shows(page, 'failed');
    const [{ reason, closeCode }] = await told(page, 'error');
    assert.deepEqual([closeCode, /^codeChallenge is required/.test(reason)], [1008, true]);
  });

  scene('the phone page shows all that it is told, and makes Cancel the button where something is odd', async (house) => {
    const desk = await atTheDesk(house, browser);
    const { phone } = desk;
    let verdict = 'careful';
    await phone.route('**/scanned', async (route) => { // nothing is odd on one machine
      const response = await route.fetch();
      const answer = await response.json();
      answer.data.browser.place = 'Berlin, Germany';
      Object.assign(answer.data.consent, {
        verdict, sameNetwork: false, knownBrowser: false, codesLately: 120,
        reasons: [{ name: 'other_country', text: 'The login page is in <b>another</b> country' }],
      });
      await route.fulfill({ response, json: answer });
    });
    await scanByText(house, desk, 'Alice');
    for (const text of [/Chrome \d+ on Linux/, 'Berlin, Germany', /^127\.0\.0\.1$/, /^\d+ s ago$/, 'Another than this phone', 'Not by you', '120', 'Be careful', 'is in <b>another</b> country']) {
      await sees(phone, text);
    }
    const looks = async (name) => {
      const button = phone.getByRole('button', { name, exact: true });
      const { width, height } = await button.boundingBox();
      return { size: [width, height], isPrimary: await button.evaluate((element) => element.classList.contains('primary')) };
    };
    const [agree, cancel] = [await looks('Agree'), await looks('Cancel')];
    assert.deepEqual(cancel.size, agree.size);
    assert.deepEqual([cancel.isPrimary, agree.isPrimary], [true, false]);
    await assertAccessible(phone, 'a warning');
    await shoot(phone, 'phone-careful');
    await phone.getByRole('button', { name: 'Cancel', exact: true }).click();
    await phone.getByRole('heading', { name: 'Canceled' }).waitFor();

    verdict = 'block';
    await inState(desk.login, 'waiting');
    await scanByText(house, desk, 'Alice');
    await sees(phone, 'This login is blocked');
    assert(await phone.getByRole('button', { name: 'Agree' }).isDisabled());
    await assertAccessible(phone, 'a blocked login');
    await shoot(phone, 'phone-blocked');
    await phone.getByRole('button', { name: 'Cancel', exact: true }).click();
    await phone.getByRole('heading', { name: 'Canceled' }).waitFor();
  });
});
