/** The console of two nodes on one Redis, in Debian's Chromium, and its access control. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, launch, openContext, PHONE, waitForText, saveScreenshot } from './browser.mjs';
import { appToken, POOL, scenario } from './harness.mjs';
import { run, until } from './process.mjs';
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

/** Starts two nodes with a console and the administrator alice. */
async function twoNodes(sandbox) {
  const alice = await administrator('alice');
  const redis = await sandbox.redis();
  const settings = { console: { tokens: [{ name: alice.name, sha256: alice.sha256 }] } };
  const [a, b] = await Promise.all(['a', 'b'].map((name) => sandbox.node({ name, redis, settings })));
  return { a, b, alice };
}

async function logIn(page, node, { token }) {
  await page.goto(`${node.ops}/console`);
  await page.getByLabel("Your administrator's token").fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'The last hour' }).waitFor();
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

describe('the console', { concurrency: 2 }, () => {
  scenario("a setting changed in one node's console applies to the next code of the other node", async (sandbox) => {
    const { a, b, alice } = await twoNodes(sandbox);
    const page = await (await openContext(sandbox, browser, DESKTOP, /status of 422/)).newPage();
    await page.goto(`${a.ops}/console`);
    await assertAccessible(page, 'the login form');
    await saveScreenshot(page, 'console-login');
    await logIn(page, a, alice);

    await page.getByRole('link', { name: 'Pools' }).click();
    await page.getByRole('link', { name: 'Shop' }).click();
    assert.equal(await lifetime(b), 120);
    await page.getByLabel('Code lifetime', { exact: true }).fill('30s');
    await page.getByLabel('Code lifetime', { exact: true }).press('Enter'); // saves, and resets nothing
    await waitForText(page, 'Saved. Every node uses it');
    await until(2, 'node b uses it', async () => await lifetime(b) === 30);
    await waitForText(page, 'the file says 2m');
    await assertAccessible(page, 'a pool');
    await saveScreenshot(page, 'console-pool');

    await page.getByLabel('Code lifetime', { exact: true }).fill('2 fortnights');
    await page.getByRole('button', { name: 'Save' }).click();
    await waitForText(page, 'invalid duration; write a number with a unit');
    await saveScreenshot(page, 'console-wrong');

    await page.getByRole('button', { name: "Code lifetime: back to the file's value" }).click();
    await waitForText(page, 'Saved.');
    await until(2, 'node b is back', async () => await lifetime(b) === 120);
    await page.getByRole('link', { name: 'Changes' }).click();
    assert.deepEqual(await page.locator('tbody tr').evaluateAll((rows) => rows.map(({ cells }) => [...cells].slice(1).map(({ textContent }) => textContent))), [
      ['alice', POOL, 'code_ttl', '30s', "2m the file's"], ['alice', POOL, 'code_ttl', '2m', '30s'],
    ]);
    await assertAccessible(page, 'changes');
    await saveScreenshot(page, 'console-changes');
  }, { seconds: 60 });

  scenario('the second of two administrators who change a pool at the same time is warned', async (sandbox) => {
    const { a, b, alice } = await twoNodes(sandbox);
    const tolerate = /status of 409/;
    const [one, two] = await Promise.all([a, b].map(async (node) => {
      const page = await (await openContext(sandbox, browser, DESKTOP, tolerate)).newPage();
      await logIn(page, node, alice);
      await page.goto(`${node.ops}/console/pool?id=${POOL}`);
      return page;
    }));
    await one.getByLabel('Codes a page gets', { exact: true }).fill('3');
    await one.getByRole('button', { name: 'Save' }).click();
    await waitForText(one, 'Saved.');
    await two.getByLabel('Ticket lifetime', { exact: true }).fill('1m');
    await two.getByRole('button', { name: 'Save' }).click();
    await waitForText(two, 'Somebody else changed this pool meanwhile');
    assert.equal(await two.getByLabel('Codes a page gets', { exact: true }).inputValue(), '3');
    assert.equal(await two.getByLabel('Ticket lifetime', { exact: true }).inputValue(), '1m');
    await two.getByRole('button', { name: 'Save' }).click();
    await waitForText(two, 'Saved.');
  }, { seconds: 60 });

  scenario('the last hour counts events of both nodes and updates itself', async (sandbox) => {
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
    const count = (label) => page.locator('.figure').filter({ has: page.getByText(label, { exact: true }) }).locator('.number').innerText();
    await until(15, 'the page counts them', async () => await count('Confirmed') === '2' && await count('Canceled') === '1');
    assert.equal(await page.locator('section', { hasText: 'Active nodes: 2' }).locator('tbody tr').count(), 2);
    assert.match(await count('Shown to scanned, median'), /ms|s$/);
    await assertAccessible(page, 'the last hour');
    await saveScreenshot(page, 'console-live');
    canceled.close();
    await b.program.stop();
    await until(25, 'a node that has ended is no longer active', () => page.getByText('Active nodes: 1').isVisible());
    assert.equal(await count('Confirmed'), '2'); // also what it counted
  }, { seconds: 75 });

  scenario('a pool can be tried in the console although the pool does not list its origin', async (sandbox) => {
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
    await waitForText(page, 'scanned: by Uma');
    await phone(a, 'confirm', random);
    await waitForText(page, 'confirmed: the ticket came');
    await assertAccessible(page, 'a pool that is tried');
    await saveScreenshot(page, 'console-try');
  });

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
    await page.getByRole('button', { name: 'Save' }).click();
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
    await page.getByRole('heading', { name: 'The last hour' }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.goto(`${a.ops}/console`);
    await page.getByLabel("Your administrator's token").waitFor();
  }, { seconds: 60 });

  scenario('it works on a phone, in dark mode, and with the keyboard', async (sandbox) => {
    const { a, alice } = await twoNodes(sandbox);
    for (const [name, options] of Object.entries({ phone: PHONE, dark: { ...DESKTOP, colorScheme: 'dark' } })) {
      const page = await (await openContext(sandbox, browser, options)).newPage();
      await page.goto(`${a.ops}/console`);
      await saveScreenshot(page, `console-login-${name}`);
      await page.keyboard.type(alice.token); // the field has the focus
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'The last hour' }).waitFor();
      for (const [what, path] of Object.entries({ live: '', pools: '/pools', pool: `/pool?id=${POOL}`, changes: '/changes' })) {
        await page.goto(`${a.ops}/console${path}`);
        await assertAccessible(page, `${what}, ${name}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${what} is ${overflow} pixels too wide on ${name}`);
        await saveScreenshot(page, `console-${what}-${name}`);
      }
    }
  }, { seconds: 60 });
});
