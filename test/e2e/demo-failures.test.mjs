/** The demo's pages when time runs out, and when the server is away. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, waitForState, launch, openContext, waitForText, saveScreenshot } from './browser.mjs';
import { openDemo, codeOn } from './demo-pages.mjs';
import { openGateway } from './gateway.mjs';
import { scenario } from './harness.mjs';

const AWAY = /WebSocket connection|ERR_CONNECTION/; // Chromium itself tells that

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('demo page failures', { concurrency: 2 }, () => {
  scenario('an idle page shows six codes, and then a button for the next one', async (sandbox) => {
    const demo = await sandbox.demo();
    /** @type {{ address: string }} */
    let node;
    const address = await openGateway(sandbox, demo.address, () => node.address);
    node = await sandbox.node({ pool: { id: 'demo', origins: [address], code_ttl: '1s', max_codes: 6 } });

    const page = await (await openContext(sandbox, browser, { ...DESKTOP, reducedMotion: 'reduce' })).newPage();
    let codes = 0;
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
      if (JSON.parse(payload).event === 'code') codes++;
    }));
    await page.goto(`${address}/login`);
    await waitForState(page, 'exhausted');
    assert.equal(codes, 6);
    await waitForText(page, 'Still there?');
    await saveScreenshot(page, 'login-exhausted');
    await assertAccessible(page, 'login, exhausted');
    await page.getByRole('button', { name: 'Show a new code' }).click();
    await waitForState(page, 'waiting');
    assert.equal(codes, 7);
  });

  scenario('a page without its server says so, and shows a new code when the server is back', async (sandbox) => {
    const { demo, login } = await openDemo(sandbox, browser, { options: { reducedMotion: 'reduce' }, tolerate: AWAY });
    const first = await codeOn(sandbox, login);
    demo.program.signal('SIGKILL');
    await waitForText(login, 'Connection lost. Trying again…');
    await saveScreenshot(login, 'login-offline');
    await assertAccessible(login, 'login, offline');

    await sandbox.demo(new URL(demo.address).port); // it has forgotten everything
    await login.getByText('Connection lost').filter({ visible: true }).waitFor({ state: 'detached' });
    await waitForState(login, 'waiting');
    assert.notEqual(await codeOn(sandbox, login), first);
  });

  scenario('the phone page says that the server cannot be reached', async (sandbox) => {
    const { demo, login, phone } = await openDemo(sandbox, browser, { tolerate: AWAY });
    await phone.goto(await codeOn(sandbox, login));
    await demo.program.stop();
    await phone.getByRole('button', { name: 'Scan as Alice' }).click();
    await phone.getByRole('alert').getByText('No connection to the login service. Try again.').waitFor();
    await saveScreenshot(phone, 'phone-unreachable');
  });
});
