/** The demo's pages in Debian's chromium: the stories that people play. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { inState, launch, sees, shoot } from './browser.mjs';
import { download } from './curl.mjs';
import { atTheDesk, codeOn, scanByText } from './desk.mjs';
import { scene } from './harness.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('the demo', { concurrency: 2 }, () => {
  scene('who pastes the code, sees who asks, and agrees, is logged in', async (house) => {
    const desk = await atTheDesk(house, browser);
    const { login, phone } = desk;
    await shoot(login, 'login-waiting');
    const first = await scanByText(house, desk, 'Bob');

    await phone.getByRole('heading', { name: 'Log in to Demo?' }).waitFor();
    await sees(phone, 'as Bob');
    await sees(phone, /Chrome \d+.* on Linux/);
    await sees(phone, '127.0.0.1');
    await inState(login, 'scanned');
    await sees(login, 'Bob');
    await sees(login, 'Confirm in your app');

    await phone.getByRole('button', { name: 'Agree' }).click();
    await phone.getByRole('heading', { name: 'Agreed' }).waitFor();
    await inState(login, 'confirmed');
    await sees(login, 'You are logged in');
    await sees(login, 'bob@example.com');
    await login.getByText('What the site gets').click();
    const user = JSON.parse(await login.locator('pre').innerText());
    assert.equal(user.id, 'bob');
    assert.match(user.token, /^[\w-]+\.[\w-]+\.[\w-]+$/);

    await login.getByRole('button', { name: 'Log in again' }).click();
    await inState(login, 'waiting');
    assert.notEqual(await codeOn(house, login), first);
  });

  scene('who cancels is not logged in, and the page shows a new code by itself', async (house) => {
    const desk = await atTheDesk(house, browser);
    const { login, phone } = desk;
    const first = await scanByText(house, desk, 'Carol');
    await phone.getByRole('button', { name: 'Cancel' }).click();
    await phone.getByRole('heading', { name: 'Canceled' }).waitFor();
    await sees(login, 'Canceled. Here is a new code.');
    await inState(login, 'waiting');
    await shoot(login, 'login-canceled');
    assert.notEqual(await codeOn(house, login), first);
  });

  scene('a code that is given back ("not you?") is over for the phone', async (house) => {
    const desk = await atTheDesk(house, browser, { tolerate: /the server responded with a status of 410/ });
    const { login, phone } = desk;
    const first = await scanByText(house, desk, 'Alice');
    await inState(login, 'scanned');
    await login.getByRole('button', { name: 'Not you? Get a new code' }).click();
    await sees(login, 'Here is a new code.');
    assert.notEqual(await codeOn(house, login), first);
    await phone.getByRole('button', { name: 'Agree' }).click();
    await phone.getByRole('alert').getByText('QR code has expired').waitFor();
    await shoot(phone, 'phone-refused');
  });

  scene("the phone's own camera opens the code's address, and scans nothing by that", async (house) => {
    const { demo, login, phone } = await atTheDesk(house, browser);
    const address = await codeOn(house, login);
    assert.match(address, new RegExp(`^${demo.address}/s/[0-9A-Za-z]{30}$`));
    await phone.goto(address);
    await inState(phone, 'linked');
    await sees(phone, 'Nothing has happened yet.');
    await inState(login, 'waiting');
    await phone.getByRole('button', { name: 'Scan as Alice' }).click();
    await inState(login, 'scanned');
    await phone.getByRole('button', { name: 'Agree' }).click();
    await sees(login, 'alice@example.com');
  });

  scene('a picture of the code, picked from the phone, is read', async (house) => {
    const { demo, login, phone } = await atTheDesk(house, browser);
    const svg = await login.getByRole('img', { name: 'QR code to log in to Demo' }).getAttribute('src');
    const file = await download(svg.replace(/svg$/, 'png'), join(house.dir, 'code.png'));
    await phone.goto(`${demo.address}/phone`);
    await phone.getByLabel('Choose a picture of the code').setInputFiles(file);
    await phone.getByRole('heading', { name: 'Log in to Demo?' }).waitFor();
    await phone.getByRole('button', { name: 'Agree' }).click();
    await sees(login, 'alice@example.com');
  });
});
