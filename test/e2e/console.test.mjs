/** The console of two nodes on one Redis, in Debian's Chromium, and its access control. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, launch, openContext, PHONE, waitForText, saveScreenshot } from './browser.mjs';
import { appToken, POOL, scenario, variations } from './harness.mjs';
import { PATIENCE, run, until } from './process.mjs';
import { SocketPage } from './socketpage.mjs';
import { scanloginPath } from './tools.mjs';
import { readCode } from './zbar.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** An administrator's token and its hash for the configuration. */
async function administrator(name) {
  const { stdout } = await run(scanloginPath(), ['console-token', name]);
  return { name, token: stdout.match(/scanlogin_[\w-]{43}/)[0], sha256: stdout.match(/sha256: ([0-9a-f]{64})/)[1] };
}

/** Starts two nodes with a console and the administrator alice, and with more settings of the pool. */
async function twoNodes(sandbox, pool = {}, more = {}) {
  const alice = await administrator('alice');
  const redis = await sandbox.redis();
  const settings = { console: { tokens: [{ name: alice.name, sha256: alice.sha256 }] }, ...more };
  const [a, b] = await Promise.all(['a', 'b'].map((name) => sandbox.node({ name, redis, settings, pool })));
  return { a, b, alice };
}

async function logIn(page, node, { token }) {
  await page.goto(`${node.ops}/console`);
  await page.getByLabel("Your administrator's token").fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
}

/** Saves a form with changes. */
async function save(page) {
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: 'Save changes' }).click();
}

/** The count of a step in the funnel, or of another end. */
function count(page, label) {
  return page.locator('.funnel li, .figure').filter({ has: page.getByText(label, { exact: true }) }).locator('.number').innerText();
}

/** Starts one node with a console and the administrator alice. */
async function oneNode(sandbox, redis, settings = {}) {
  const alice = await administrator('alice');
  const node = await sandbox.node({ redis, settings: { console: { tokens: [{ name: alice.name, sha256: alice.sha256 }] }, ...settings } });
  return { node, alice };
}

/** The lifetime of the next code of a node, in seconds. */
async function lifetime(node) {
  const socket = new SocketPage(node, { userPoolId: POOL });
  const { expiresIn } = await socket.next('code');
  socket.close();
  return expiresIn;
}

async function phone(node, call, random, user = { sub: 'u1', nickname: 'Uma' }) {
  const answer = await fetch(`${node.address}/api/v2/qrcode/${call}`, {
    method: 'POST', body: JSON.stringify({ random }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${appToken(user)}` },
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** Sends a form to an endpoint of the pool's issuer, and returns the answer. */
async function form(node, endpoint, fields) {
  const answer = await fetch(`${node.address}/oidc/${POOL}/${endpoint}`, { method: 'POST', body: new URLSearchParams(fields) });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body;
}

/** A scenario of `make test-all` only. */
const all = process.env.SCANLOGIN_TEST_ALL ? scenario : () => {};

describe('the console', { concurrency: 2 }, () => {
  scenario("a setting changed in one node's console applies to the next code of the other node", async (sandbox) => {
    const { a, b, alice } = await twoNodes(sandbox);
    const page = await (await openContext(sandbox, browser, DESKTOP, /status of 422/)).newPage();
    await page.goto(`${a.ops}/console`);
    await assertAccessible(page, 'the login form');
    await saveScreenshot(page, 'console-login');
    await logIn(page, a, alice);

    await page.getByRole('link', { name: 'Pools' }).click();
    await page.getByRole('link', { name: 'Shop', exact: true }).click();
    assert.equal(await lifetime(b), 120);
    await page.getByLabel('Code lifetime', { exact: true }).fill('30s');
    await page.getByLabel('Code lifetime', { exact: true }).press('Enter'); // asks, and resets nothing
    const review = page.getByRole('dialog', { name: 'Save these changes?' });
    assert.deepEqual(await review.locator('tbody tr').evaluateAll((rows) => rows.map(({ cells }) => [...cells].map(({ textContent }) => textContent))),
      [['Code lifetime', '2m', '30s']]);
    await assertAccessible(page, 'the review of changes');
    await saveScreenshot(page, 'console-review');
    await page.keyboard.press('Escape');
    await page.getByText('Unsaved changes: 1').waitFor();
    assert.equal(await lifetime(b), 120);
    await page.getByLabel('Code lifetime', { exact: true }).press('Enter');
    await page.keyboard.press('Enter'); // the button of the dialog has the focus
    await waitForText(page, 'Saved. Every node uses it');
    await until(2, 'node b uses it', async () => await lifetime(b) === 30);
    await waitForText(page, 'the file has 2m');
    await assertAccessible(page, 'a pool');
    await saveScreenshot(page, 'console-pool');

    await page.getByLabel('Code lifetime', { exact: true }).fill('2 fortnights');
    await save(page);
    await waitForText(page, 'invalid duration; write a number with a unit');
    await assertAccessible(page, 'a refused form');
    await page.getByRole('alert').getByRole('link', { name: 'Code lifetime' }).press('Enter'); // leads to the field
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'set-code_ttl');
    assert.match(await page.getByLabel('Code lifetime', { exact: true }).evaluate((field) => document.getElementById(field.getAttribute('aria-describedby')).textContent), /invalid duration/);
    await saveScreenshot(page, 'console-wrong');

    await page.getByRole('button', { name: "Code lifetime: back to the file's value" }).click();
    await waitForText(page, 'Saved.');
    await until(2, 'node b is back', async () => await lifetime(b) === 120);
    await page.getByRole('navigation').getByRole('link', { name: 'Changes' }).click();
    assert.deepEqual(await page.locator('tbody tr').evaluateAll((rows) => rows.map(({ cells }) => [...cells].slice(1).map(({ textContent }) => textContent))), [
      ['alice', POOL, 'code_ttl', '30s', '2m from the file'], ['alice', POOL, 'code_ttl', '2m', '30s'],
    ]);
    await assertAccessible(page, 'changes');
    await saveScreenshot(page, 'console-changes');
    await page.getByLabel('Text').fill('ALICE'); // whatever the case
    await page.getByRole('combobox', { name: 'Setting' }).selectOption('code_ttl');
    await page.getByRole('button', { name: 'Filter' }).click();
    await waitForText(page, '2 of 2 changes');
    await page.getByLabel('Text').fill('bob');
    await page.keyboard.press('Enter');
    await waitForText(page, 'No change matches.');
  }, { seconds: 90 });

  all('the second of two administrators who change a pool at the same time is warned', async (sandbox) => {
    const { a, b, alice } = await twoNodes(sandbox);
    const tolerate = /status of 409/;
    const [one, two] = await Promise.all([a, b].map(async (node) => {
      const page = await (await openContext(sandbox, browser, DESKTOP, tolerate)).newPage();
      await logIn(page, node, alice);
      await page.goto(`${node.ops}/console/pool?id=${POOL}`);
      return page;
    }));
    await one.getByLabel('Codes a page gets', { exact: true }).fill('3');
    await save(one);
    await waitForText(one, 'Saved.');
    await two.getByLabel('Ticket lifetime', { exact: true }).fill('1m');
    await save(two);
    await waitForText(two, 'Another administrator changed this pool');
    assert.equal(await two.getByLabel('Codes a page gets', { exact: true }).inputValue(), '3');
    assert.equal(await two.getByLabel('Ticket lifetime', { exact: true }).inputValue(), '1m');
    await save(two);
    await waitForText(two, 'Saved.');
  }, { seconds: 90 });

  scenario('the overview counts events of both nodes, by pool and range, and updates itself', async (sandbox) => {
    const { a, b, alice } = await twoNodes(sandbox);
    const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    await logIn(page, a, alice);
    for (const node of [a, b]) {
      const socket = new SocketPage(node, { userPoolId: POOL });
      const { random } = await socket.next('code');
      await phone(a, 'scanned', random);
      await phone(b, 'confirm', random);
      await until(5, 'it is confirmed', () => socket.socket.readyState === 3);
    }
    const canceled = new SocketPage(b, { userPoolId: POOL });
    const { random } = await canceled.next('code');
    await phone(a, 'scanned', random);
    await phone(a, 'cancel', random);
    await until(15, 'the page counts them', async () => await count(page, 'Confirmed') === '2' && await count(page, 'Canceled') === '1');
    // The page of the canceled code got another one.
    await until(15, 'the page counts the rest', async () => await count(page, 'Shown') === '4' && await count(page, 'Scanned') === '3');
    assert.equal(await count(page, 'Exchanged'), '0');
    await waitForText(page, '67 % of the step before, 50 % of all');
    await waitForText(page, '2 active');
    assert.match(await page.getByRole('row', { name: /^Time to scan/ }).innerText(), /\d\u00a0m?s\s/);
    await page.getByRole('img', { name: 'Codes' }).press('End');
    await page.locator('.tip').filter({ hasText: 'Confirmed: ', visible: true }).waitFor();
    await assertAccessible(page, 'the overview');
    await saveScreenshot(page, 'console-overview');
    canceled.close();
    await b.program.stop();
    await until(25, 'a node that has ended is no longer active', () => page.getByText('1 active').isVisible());
    await page.getByRole('cell', { name: 'Stopped' }).waitFor();
    assert.equal(await count(page, 'Confirmed'), '2'); // also what it counted

    await page.getByRole('combobox', { name: 'Pool' }).selectOption({ label: 'Shop' });
    await page.waitForURL(/pool=shop/);
    assert.equal(await count(page, 'Confirmed'), '2');
    await page.getByRole('combobox', { name: 'Time range' }).selectOption({ label: 'Last 7 days' });
    await page.waitForURL(/range=7d/);
    await until(45, 'the long range has them', async () => await count(page, 'Confirmed') === '2');
  }, { seconds: 120 });

  scenario('the overview counts logins by OpenID Connect client, in English and Chinese', async (sandbox) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const common = { device: true, redirect_uris: ['http://127.0.0.1/callback'] };
    const clients = [{ id: 'cli', name: 'Command line', ...common }, { id: 'tv', name: 'Television', ...common }];
    const { a, b, alice } = await twoNodes(sandbox, { typed_codes: true, clients }, {
      signing_key: privateKey.export({ type: 'pkcs8', format: 'pem' }), public_url: 'https://login.example.com',
    });
    const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    await logIn(page, a, alice);
    const rows = page.getByRole('region', { name: 'Logins through OpenID Connect' }).locator('tbody tr');
    assert.deepEqual(await rows.allInnerTexts(), ['Command line\tcli\tShop\t0', 'Television\ttv\tShop\t0']);
    for (const [first, second] of [[a, b], [b, a]]) {
      const device = await form(first, 'device', { client_id: 'tv', scope: 'openid' });
      const random = device.verification_uri_complete.split('/').at(-1);
      await phone(second, 'scanned', random);
      await phone(first, 'confirm', random);
      const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: device.device_code };
      assert((await form(second, 'token', { client_id: 'tv', ...grant })).access_token);
    }
    await until(15, 'both nodes have counted', async () => (await rows.allInnerTexts())[0] === 'Television\ttv\tShop\t2');
    assert.equal((await rows.allInnerTexts())[1], 'Command line\tcli\tShop\t0');
    await assertAccessible(page, 'logins by client');
    await saveScreenshot(page, 'console-clients');
    await page.goto(`${b.ops}/console?pool=${POOL}&range=24h&lang=zh`);
    await page.getByRole('heading', { name: '通过 OpenID Connect 的登录' }).waitFor();
    await page.setViewportSize(PHONE.viewport);
    await until(5, 'it fits a phone, once the window has its size', () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await saveScreenshot(page, 'console-clients-zh');
  }, { seconds: 90 });

  all('an update keeps focus, scroll position, hidden lines and open tables', async (sandbox) => {
    const { node, alice } = await oneNode(sandbox);
    const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    await logIn(page, node, alice);
    await page.getByText('Show as a table').first().click();
    await page.getByRole('button', { name: 'Scanned', exact: true }).click(); // hides the line
    const chart = page.getByRole('img', { name: 'Codes' });
    await chart.press('End');
    await page.locator('.tip').filter({ hasText: 'Shown: 0', hasNotText: 'Scanned', visible: true }).waitFor();
    const before = await page.evaluate(() => { scrollTo(0, 300); return scrollY; });
    const socket = new SocketPage(node, { userPoolId: POOL });
    await socket.next('code');
    await until(15, 'an update arrives', async () => await count(page, 'Shown') === '1');
    assert.deepEqual(await page.evaluate(() => ({
      focus: document.activeElement?.getAttribute('aria-label'), scroll: scrollY, open: document.querySelector('details')?.open,
      hidden: document.querySelectorAll('.legend [aria-pressed="false"]').length,
    })), { focus: 'Codes', scroll: before, open: true, hidden: 1 });
    await chart.press('ArrowLeft');
    await page.locator('.spoken').filter({ hasText: 'Confirmed: ' }).first().waitFor(); // for screen readers
    socket.close();
  }, { seconds: 90 });

  scenario('the overview says within seconds that the store does not answer, and recovers', async (sandbox) => {
    const { node, alice } = await oneNode(sandbox, await sandbox.redis());
    const page = await (await openContext(sandbox, browser, DESKTOP, /status of 503|ERR_CONNECTION_REFUSED/)).newPage();
    await logIn(page, node, alice);
    await page.getByText(/^Updated \d s ago$/).waitFor();
    const server = sandbox.program('redis-server');
    server.signal('SIGSTOP');
    await page.getByRole('alert').getByText('The store does not answer.').waitFor({ timeout: PATIENCE * 10_000 });
    await page.getByText(/The figures below are \d+ s old/).waitFor();
    await saveScreenshot(page, 'console-stale');
    await assertAccessible(page, 'old figures');
    server.signal('SIGCONT');
    await page.getByRole('alert').waitFor({ state: 'hidden' });
    await node.program.stop();
    await page.getByRole('alert').getByText('This node does not answer.').waitFor({ timeout: PATIENCE * 10_000 });
  }, { seconds: 75 });

  all('the events of the audit trail are a table that can be filtered', async (sandbox) => {
    const { node, alice } = await oneNode(sandbox, undefined, { audit: { file: join(sandbox.dir, 'audit.jsonl') } });
    const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    await logIn(page, node, alice);
    const socket = new SocketPage(node, { userPoolId: POOL });
    const { random } = await socket.next('code');
    await phone(node, 'scanned', random);
    socket.close();
    await page.getByRole('link', { name: 'Events' }).click();
    const rows = page.locator('tbody tr');
    await until(5, 'the scan is listed', async () => await page.getByRole('cell', { name: 'scanned' }).isVisible() || (await page.reload(), false));
    await page.getByRole('combobox', { name: 'Event' }).selectOption('scanned');
    await page.getByLabel('Text').fill('U1');
    await page.keyboard.press('Enter');
    await page.getByText(/^1 of \d+ lines$/).waitFor();
    assert.match(await rows.innerText(), /scanned\s+shop\s+u1/);
    await assertAccessible(page, 'events');
    await saveScreenshot(page, 'console-events');
  }, { seconds: 60 });

  all('the page of a pool previews the form, and its snippet can be copied', async (sandbox) => {
    const { node, alice } = await oneNode(sandbox);
    const page = await (await openContext(sandbox, browser, { ...DESKTOP, permissions: ['clipboard-read', 'clipboard-write'] })).newPage();
    await logIn(page, node, alice);
    await page.goto(`${node.ops}/console/pool?id=${POOL}`);
    await page.getByLabel('Name', { exact: true }).fill('Corner shop');
    await page.getByLabel('Brand color').fill('#ffd000');
    await page.getByText('Log in to Corner shop').waitFor();
    await waitForText(page, 'Contrast with white text: 1.5');
    await page.getByRole('switch', { name: 'Require PKCE' }).press('Space');
    await page.getByText('Unsaved changes: 3').waitFor();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()),
      `<scan-login pool="${POOL}"></scan-login>\n<script type="module" src="${node.address}/scanlogin.js"></script>\n`);
    await page.getByLabel('Brand color').fill('#004488');
    await saveScreenshot(page, 'console-preview');
    await save(page);
    await waitForText(page, 'Saved.');
    assert.equal(await page.getByRole('switch', { name: 'Require PKCE' }).isChecked(), true);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Corner shop');
  }, { seconds: 90 });

  all('a pool can be tried in the console although the pool does not list its origin', async (sandbox) => {
    const { a, alice } = await twoNodes(sandbox);
    const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    await logIn(page, a, alice);
    await page.goto(`${a.ops}/console/pool?id=${POOL}`);
    const made = page.waitForEvent('websocket').then((socket) => socket.waitForEvent('framereceived'));
    await page.getByRole('button', { name: 'Show a code' }).click();
    const { random } = JSON.parse(`${(await made).payload}`);
    await page.locator('scan-login .wait').waitFor({ state: 'hidden' });
    const path = join(sandbox.dir, 'code.png');
    await page.getByRole('img', { name: 'QR code to log in to Shop' }).screenshot({ path, animations: 'disabled' });
    assert((await readCode(path)).includes(random));
    await phone(a, 'scanned', random);
    await waitForText(page, 'Scanned by Uma.');
    await phone(a, 'confirm', random);
    await waitForText(page, 'Confirmed: the page received the ticket.');
    await assertAccessible(page, 'a pool that is tried');
    await saveScreenshot(page, 'console-try');
  }, { seconds: 60 });

  scenario('requests without a valid token, CSRF token or origin are rejected', async (sandbox) => {
    const { a, b, alice } = await twoNodes(sandbox);
    const mallory = await administrator('mallory');
    const context = await openContext(sandbox, browser, DESKTOP, /status of (401|403)/);
    const page = await context.newPage();
    await page.goto(`${a.ops}/console/pool?id=${POOL}`);
    await page.getByLabel("Your administrator's token").fill(mallory.token);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText("This is not the token of an administrator.").waitFor();
    await saveScreenshot(page, 'console-refused');
    await logIn(page, a, alice);

    // The form of another login of the same person.
    const other = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    await logIn(other, b, alice);
    await other.goto(`${b.ops}/console/pool?id=${POOL}`);
    const stolen = await other.locator('.settings [name=csrf]').inputValue();
    await page.goto(`${a.ops}/console/pool?id=${POOL}`);
    await page.locator('.settings [name=csrf]').evaluate((field, value) => { field.value = value; }, stolen);
    await page.getByLabel('Code lifetime', { exact: true }).fill('31s');
    await save(page);
    await page.getByRole('heading', { name: 'The form belongs to another login' }).waitFor();

    // A page of another origin that posts in the browser of who is logged in,
    // and even has the form's token.
    await page.goto(`${a.ops}/console/pool?id=${POOL}`);
    const [csrf, mark] = await Promise.all(['csrf', 'mark'].map((name) => page.locator(`.settings [name=${name}]`).inputValue()));
    const evil = await context.newPage();
    await evil.route('http://evil.example/', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><form method="post"></form>' }));
    await evil.goto('http://evil.example/');
    await evil.evaluate(({ action, fields }) => {
      const form = document.forms[0];
      form.action = action;
      for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement('input'), { name, value }));
      form.submit();
    }, { action: `${a.ops}/console/pool?id=${POOL}`, fields: { csrf, mark, 'set.code_ttl': '32s' } });
    await evil.getByRole('heading', { name: 'The request came from another site' }).waitFor();

    assert.equal(await lifetime(a), 120);
    assert.equal((await fetch(`${a.address}/console`)).status, 404, 'on the public listener');

    // A login holds on each node, and so does its end.
    await page.goto(`${b.ops}/console`);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.goto(`${a.ops}/console`);
    await page.getByLabel("Your administrator's token").waitFor();
  }, { seconds: 90 });

  const dark = { colorScheme: 'dark' };
  for (const [name, options] of variations([
    ['phone-zh-dark', { ...PHONE, locale: 'zh-CN', ...dark }], ['phone', PHONE], ['dark', { ...DESKTOP, ...dark }], ['zh', { ...DESKTOP, locale: 'zh-CN' }],
  ])) {
    scenario(`all pages are accessible and fit the screen, and the keyboard logs in: ${name}`, async (sandbox) => {
      const { node, alice } = await oneNode(sandbox);
      const page = await (await openContext(sandbox, browser, options)).newPage();
      await page.goto(`${node.ops}/console`);
      await saveScreenshot(page, `console-login-${name}`);
      await page.keyboard.type(alice.token); // the field has the focus
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: name.includes('zh') ? '概览' : 'Overview' }).waitFor();
      const pages = { overview: '', pools: '/pools', pool: `/pool?id=${POOL}`, events: '/audit', changes: '/changes', letters: '/letters' };
      for (const [what, path] of Object.entries(pages)) {
        await page.goto(`${node.ops}/console${path}`);
        await assertAccessible(page, `${what}, ${name}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${what} is ${overflow} pixels too wide on ${name}`);
        await saveScreenshot(page, `console-${what}-${name}`);
      }
    }, { seconds: 120 });
  }

  all("the language is the browser's until another one is chosen", async (sandbox) => {
    const { node } = await oneNode(sandbox);
    const page = await (await openContext(sandbox, browser, { ...DESKTOP, locale: 'zh-CN' })).newPage();
    await page.goto(`${node.ops}/console`);
    await page.getByLabel('您的管理员令牌').waitFor();
    await page.getByRole('link', { name: 'English' }).click();
    await page.getByLabel("Your administrator's token").waitFor();
    await page.goto(`${node.ops}/console`);
    await page.getByLabel("Your administrator's token").waitFor(); // the choice is kept
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  });
});
