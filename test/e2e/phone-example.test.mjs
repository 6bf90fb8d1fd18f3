/** examples/phone, started by its one command in a fresh copy, as the phone of the demo's login page. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, launch, openContext, PHONE, saveScreenshot, waitForState, waitForText } from './browser.mjs';
import { filmCode, launchWithCamera } from './camera.mjs';
import { curl, download } from './curl.mjs';
import { codeOn } from './demo-pages.mjs';
import { freePort, Sandbox, scenario } from './harness.mjs';
import { compile, readVectors } from './phonekit.mjs';
import { PATIENCE, until } from './process.mjs';
import { tool } from './tools.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const SECONDS = 120; // npm fetches and builds, where nothing is in a cache
const REFUSED = /the server responded with a status of 4/; // Chromium's own message

/** @type {{ sandbox: Sandbox, browser: import('playwright-core').Browser, demo: { address: string }, app: string }} */
let all;
before(async () => {
  const sandbox = await Sandbox.open();
  all = { sandbox, browser: await launch() };
  all.demo = await sandbox.demo(0, ['--match']);
  const copy = (folder) => cp(join(ROOT, folder), join(sandbox.dir, folder), {
    recursive: true, filter: (path) => !['node_modules', 'dist'].includes(basename(path)),
  });
  await copy('examples/phone');
  await copy('clients/phone');
  const listen = `127.0.0.1:${await freePort()}`;
  const site = sandbox.start(tool('npm'), ['start'], {
    name: 'examples/phone', cwd: join(sandbox.dir, 'examples/phone'), env: { LISTEN: listen, SCANLOGIN_URL: all.demo.address, SCANLOGIN_POOL: 'demo', NO_COLOR: '1' },
  });
  all.app = `http://${listen}`;
  await site.waitForOutput('its address', (out) => out.includes(all.app), SECONDS);
  await until(10, 'the app answers', async () => (await curl(`${all.app}/`)).status === 200);
}, { timeout: PATIENCE * (SECONDS + 60) * 1000 });
after(async () => {
  await all?.browser?.close();
  await all?.sandbox.close();
});

/** The demo's login page with a code. */
async function openLogin(sandbox) {
  const login = await (await openContext(sandbox, all.browser, DESKTOP)).newPage();
  await login.goto(`${all.demo.address}/login`);
  await waitForState(login, 'waiting');
  const text = await codeOn(sandbox, login);
  return { login, text, random: text.match(/\/s\/(\w{30})$/)[1] };
}

async function openApp(sandbox, { browser = all.browser, options, hash = '' } = {}) {
  const app = await (await openContext(sandbox, browser, { ...PHONE, ...options }, REFUSED)).newPage();
  await app.goto(`${all.app}/${hash}`);
  return app;
}

/** The number on the login page, as soon as it shows one. */
function numberOn(login) {
  return until(15, 'a number', async () => (await login.locator('scan-login .match').innerText()).match(/^\d\d$/)?.[0]);
}

const pictureOf = (random) => `${all.demo.address}/api/v2/qrcode/image/${random}.png?size=480`;

describe('examples/phone', { concurrency: 2 }, () => {
  scenario('compiles in strict mode', async () => {
    assert.equal(await compile(join(all.sandbox.dir, 'examples/phone'), '-p', '.'), '', 'what the compiler says');
  }, { seconds: 120 });

  scenario('reads the code with the camera, shows who asks, and agrees with the number', async (sandbox) => {
    const { login, random } = await openLogin(sandbox);
    const video = await filmCode(login, pictureOf(random), join(sandbox.dir, 'camera.y4m'));
    const app = await openApp(sandbox, { browser: await launchWithCamera(sandbox, video) });
    await assertAccessible(app, 'home');
    const border = await app.locator('#code').evaluate((field) => getComputedStyle(field).borderTopColor);
    assert.equal(border, 'rgb(118, 118, 118)', 'the field has a border that can be seen');
    await saveScreenshot(app, 'phone-example-home');
    await app.getByRole('button', { name: 'Scan a login code' }).click();
    await app.getByRole('heading', { name: 'Log in to Demo?' }).waitFor();
    for (const text of ['as Alice', /Chrome \d+.* on Linux, (just now|\d+ seconds? ago)/]) await waitForText(app, text);
    await app.getByText('Details').click();
    await waitForText(app, '127.0.0.1');
    await assertAccessible(app, 'consent');
    await saveScreenshot(app, 'phone-example-consent');
    await waitForState(login, 'scanned');

    const number = await numberOn(login);
    await app.getByRole('button', { name: 'Agree' }).click();
    await app.getByRole('alert').getByText('Enter the number').waitFor();
    await app.getByLabel('Enter the number').fill(number === '42' ? '43' : '42');
    await app.getByRole('button', { name: 'Agree' }).click();
    await app.getByRole('alert').getByText('Wrong number').waitFor();
    await app.getByLabel('Enter the number').fill(number);
    await app.getByRole('button', { name: 'Agree' }).click();
    await waitForText(app, 'Agreed. Continue on the login page.');
    await waitForState(login, 'confirmed');
    await waitForText(login, 'alice@example.com');
  }, { seconds: 90 });

  scenario('reads a picture, in Chinese, and cancels', async (sandbox) => {
    const { login, random } = await openLogin(sandbox);
    const app = await openApp(sandbox, { options: { locale: 'zh-CN' } });
    await app.locator('#picture').setInputFiles(await download(pictureOf(random), join(sandbox.dir, 'code.png')));
    await app.getByRole('heading', { name: '登录 Demo？' }).waitFor();
    await saveScreenshot(app, 'phone-example-consent-zh');
    await app.getByRole('button', { name: '取消' }).click();
    await waitForText(app, '已取消，没有人登录。');
    await waitForText(login, 'Canceled. Here is a new code.');
  });

  scenario('an opened link waits for the user; one of another host is refused', async (sandbox) => {
    const { login, text } = await openLogin(sandbox);
    const app = await openApp(sandbox, { hash: `#link=${encodeURIComponent(text)}` });
    const requests = [];
    app.on('request', (request) => requests.push(request.url()));
    await app.getByRole('heading', { name: 'You opened a login link' }).waitFor();
    await assertAccessible(app, 'link');
    assert.equal(await login.locator('main').getAttribute('data-state'), 'waiting');
    assert.deepEqual(requests.filter((url) => url.includes('/api/')), []);
    await app.getByRole('button', { name: 'Continue' }).and(app.locator('#accept')).click();
    await app.getByRole('heading', { name: 'Log in to Demo?' }).waitFor();
    await waitForState(login, 'scanned');

    const other = await openApp(sandbox, { hash: `#link=${encodeURIComponent(`https://evil.example/s/${'x'.repeat(30)}`)}` });
    await other.getByRole('alert').getByText('This code belongs to another service').waitFor();
    await waitForState(other, 'home');
  });

  scenario('logs in again if the pool requires it, as a later server does', async (sandbox) => {
    const { login, text } = await openLogin(sandbox);
    const app = await openApp(sandbox);
    const cases = (await readVectors('errors.json')).cases;
    const { answer: { status, body } } = cases.find(({ name }) => name === '2251: step-up');
    const tokens = [];
    await app.route('**/demo/token', async (route) => {
      tokens.push('asked');
      await route.continue();
    });
    await app.route('**/confirm', (route) => route.fulfill({ status, json: body }), { times: 1 });
    await app.getByLabel('Or type the code').fill(text);
    await app.locator('#typed button').click();
    await app.getByLabel('Enter the number').fill(await numberOn(login));
    assert.equal(tokens.length, 1);
    await app.getByRole('button', { name: 'Agree' }).click();
    await app.getByRole('alert').getByText(body.message).waitFor();
    assert.equal(tokens.length, 2);
    await app.getByRole('button', { name: 'Agree' }).click();
    await waitForText(app, 'Agreed. Continue on the login page.');
    await waitForState(login, 'confirmed');
  });

  scenario('a code that is typed wrong, unknown or expired leads back to the start with a sentence', async (sandbox) => {
    const app = await openApp(sandbox);
    for (const [typed, sentence] of [['hello', 'This is not a login code.'], ['x'.repeat(30), 'Invalid QR code'], ['wdjb mjht', 'Invalid QR code']]) {
      await app.getByLabel('Or type the code').fill(typed);
      await app.locator('#typed button').click();
      await app.getByRole('alert').getByText(sentence).waitFor();
    }
    await waitForState(app, 'home');
  });
});
