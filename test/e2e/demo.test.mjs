/** Logins on the demo's pages in Debian's Chromium. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { assertAccessible, waitForState, launch, openContext, PHONE, waitForText, saveScreenshot } from './browser.mjs';
import { openDemo, codeOn, scanByText } from './demo-pages.mjs';
import { scenario } from './harness.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('the demo', { concurrency: 2 }, () => {
  scenario('pasting the code and agreeing logs the user in', async (sandbox) => {
    const pages = await openDemo(sandbox, browser);
    const { login, phone } = pages;
    const requests = [];
    login.on('request', (request) => requests.push(request.url()));
    await login.reload();
    await waitForState(login, 'waiting');
    await saveScreenshot(login, 'login-waiting');
    const first = await scanByText(sandbox, pages, 'Bob');

    await phone.getByRole('heading', { name: 'Log in to Demo?' }).waitFor();
    await waitForText(phone, 'as Bob');
    await waitForText(phone, /Chrome \d+.* on Linux, (just now|\d+ \w+ ago)$/);
    await phone.getByText('Details', { exact: true }).click();
    await waitForText(phone, '127.0.0.1');
    await waitForState(login, 'scanned');
    await waitForText(login, 'Bob');
    await waitForText(login, 'Confirm on your phone');

    await phone.getByRole('button', { name: 'Agree' }).click();
    await phone.getByRole('heading', { name: 'Agreed' }).waitFor();
    await waitForState(login, 'confirmed');
    await login.getByRole('heading', { name: 'Welcome, Bob!' }).waitFor();
    await waitForText(login, 'You are logged in to Demo.');
    await waitForText(login, 'bob@example.com');
    await login.getByText('For developers').and(login.locator(':visible')).click();
    const user = JSON.parse(await login.locator('pre').innerText());
    assert.equal(user.id, 'bob');
    assert.match(user.token, /^[\w-]+\.[\w-]+\.[\w-]+$/);

    await login.getByRole('button', { name: 'Log in again' }).click();
    await waitForState(login, 'waiting');
    assert.notEqual(await codeOn(sandbox, login), first);
    assert(requests.some((address) => address.endsWith('/scanlogin.js')));
    assert.deepEqual(requests.filter((address) => address.includes('/image/')), []); // the page draws its codes
  });

  scenario('after a cancel the page shows a new code by itself', async (sandbox) => {
    const pages = await openDemo(sandbox, browser);
    const { login, phone } = pages;
    const first = await scanByText(sandbox, pages, 'Carol');
    await phone.getByRole('button', { name: 'Cancel' }).click();
    await phone.getByRole('heading', { name: 'Canceled' }).waitFor();
    await waitForText(login, 'Canceled. Here is a new code.');
    await waitForState(login, 'waiting');
    await saveScreenshot(login, 'login-canceled');
    assert.notEqual(await codeOn(sandbox, login), first);
  });

  scenario('a code withdrawn with "Not you?" has expired for the phone', async (sandbox) => {
    const pages = await openDemo(sandbox, browser, { tolerate: /the server responded with a status of 410/ });
    const { login, phone } = pages;
    const first = await scanByText(sandbox, pages, 'Alice');
    await waitForState(login, 'scanned');
    await login.getByRole('button', { name: 'Not you? Get a new code' }).click();
    await waitForText(login, 'Here is a new code.');
    assert.notEqual(await codeOn(sandbox, login), first);
    await phone.getByRole('button', { name: 'Agree' }).click();
    await phone.getByRole('alert').getByText('QR code has expired').waitFor();
    await saveScreenshot(phone, 'phone-refused');
  });

  scenario("opening the code's address with the phone's camera app does not scan the code", async (sandbox) => {
    const { demo, login, phone } = await openDemo(sandbox, browser);
    const address = await codeOn(sandbox, login);
    assert.match(address, new RegExp(`^${demo.address}/s/[0-9A-Za-z]{30}$`));
    await phone.goto(address);
    await waitForState(phone, 'linked');
    await waitForText(phone, 'Nothing has happened yet.');
    await waitForState(login, 'waiting');
    await phone.getByRole('button', { name: 'Scan as Alice' }).click();
    await waitForState(login, 'scanned');
    await phone.getByRole('button', { name: 'Agree' }).click();
    await waitForText(login, 'alice@example.com');
  });

  scenario('a picture of the code chosen on the phone is read', async (sandbox) => {
    const { demo, login, phone } = await openDemo(sandbox, browser);
    const file = join(sandbox.dir, 'code.png');
    await login.getByRole('img', { name: 'QR code to log in to Demo' }).screenshot({ path: file });
    const requests = [];
    phone.on('request', (request) => requests.push(new URL(request.url()).pathname));
    await phone.goto(`${demo.address}/phone`);
    await waitForState(phone, 'start');
    const photo = join(sandbox.dir, 'photo.svg');
    await writeFile(photo, '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await phone.getByLabel('Choose a picture of the code').setInputFiles(photo);
    await phone.getByRole('alert').getByText('There is no QR code in this picture.').waitFor();
    await phone.getByLabel('Choose a picture of the code').setInputFiles(file);
    await phone.getByRole('heading', { name: 'Log in to Demo?' }).waitFor();
    await phone.getByRole('button', { name: 'Agree' }).click();
    await waitForText(login, 'alice@example.com');
    const decoding = requests.filter((path) => /decode/.test(path));
    assert.equal(decoding.length, 1, `the page reads the picture itself: ${decoding}`);
    assert.match(decoding[0], /^\/assets\/decoder\.[0-9a-f]{12}\.js$/);
  });

  scenario('the first page shows login page and phone, and leads from the scan to the welcome', async (sandbox) => {
    const demo = await sandbox.demo();
    const page = await (await openContext(sandbox, browser, { viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' })).newPage();
    await page.goto(demo.address);
    const [login, phone] = ['login', 'phone'].map((name) => page.locator(`[data-app="${name}"]`));
    const step = (name) => page.locator('[aria-current="step"]').getByText(name).waitFor();
    await step('Scan the code');
    await phone.locator('[data-part="beside"]').click(); // offered once there is a code
    await phone.getByRole('heading', { name: 'Log in to Demo?' }).waitFor();
    await step('Confirm on the phone');
    await saveScreenshot(page, 'demo-consent');
    await assertAccessible(page, 'demo, consent');
    const frame = await phone.boundingBox();
    const agree = await phone.getByRole('button', { name: 'Agree' }).boundingBox();
    assert(agree.y + agree.height <= frame.y + frame.height, 'the buttons are visible without scrolling');
    await phone.getByRole('button', { name: 'Agree' }).click();
    await login.getByRole('heading', { name: 'Welcome, Alice!' }).waitFor();
    await step('Logged in');
    await saveScreenshot(page, 'demo-welcome');
    await assertAccessible(page, 'demo, welcome');
    await login.getByRole('button', { name: 'Log in again' }).click();
    await step('Scan the code');
    await phone.getByRole('button', { name: 'Done' }).click();
    await phone.getByRole('button', { name: 'Scan as Alice' }).waitFor();
  });

  scenario('on a small screen the first page leads to either, and shows no code', async (sandbox) => {
    const demo = await sandbox.demo();
    const page = await (await openContext(sandbox, browser, PHONE)).newPage();
    const requests = [];
    page.on('request', (request) => requests.push(new URL(request.url()).pathname));
    await page.goto(demo.address);
    await page.getByRole('link', { name: 'Show the login page here' }).waitFor();
    await saveScreenshot(page, 'demo-small');
    await assertAccessible(page, 'demo, small');
    await page.getByRole('link', { name: 'Use this device as the phone' }).click();
    await waitForState(page, 'start');
    assert(!requests.includes('/scanlogin.js'), 'no code is requested');
    await page.goBack();
    await page.setViewportSize({ width: 1280, height: 900 }); // a window that is made wider
    await page.getByRole('button', { name: 'Scan as Alice' }).waitFor();
  });
});
