/** The demo's pages when time runs out, and when the server is away. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESK, inState, launch, person, sees, shoot } from './browser.mjs';
import { atTheDesk, codeOn } from './desk.mjs';
import { openGateway } from './gateway.mjs';
import { scene } from './harness.mjs';

const AWAY = /WebSocket connection|ERR_CONNECTION/; // Chromium itself tells that

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe('the pages in trouble', { concurrency: 2 }, () => {
  scene('a page that is left alone shows six codes, and then asks before it shows another', async (house) => {
    const demo = await house.demo();
    /** @type {{ address: string }} */
    let node;
    const address = await openGateway(house, demo.address, () => node.address);
    node = await house.node({ pool: { id: 'demo', origins: [address], code_ttl: '1s', max_codes: 6 } });

    const page = await (await person(house, browser, { ...DESK, reducedMotion: 'reduce' })).newPage();
    let codes = 0;
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
      if (JSON.parse(payload).event === 'code') codes++;
    }));
    await page.goto(address);
    await inState(page, 'exhausted');
    assert.equal(codes, 6);
    await sees(page, 'Still there?');
    await shoot(page, 'login-exhausted');
    await assertAccessible(page, 'login, exhausted');
    await page.getByRole('button', { name: 'Show a new code' }).click();
    await inState(page, 'waiting');
    assert.equal(codes, 7);
  });

  scene('a page whose server is gone says so, and shows a new code when it is back', async (house) => {
    const { demo, login } = await atTheDesk(house, browser, { options: { reducedMotion: 'reduce' }, tolerate: AWAY });
    const first = await codeOn(house, login);
    demo.program.signal('SIGKILL');
    await sees(login, 'Connection lost. Trying again…');
    await shoot(login, 'login-offline');
    await assertAccessible(login, 'login, offline');

    await house.demo(new URL(demo.address).port); // it has forgotten everything
    await login.getByText('Connection lost').filter({ visible: true }).waitFor({ state: 'detached' });
    await inState(login, 'waiting');
    assert.notEqual(await codeOn(house, login), first);
  });

  scene('the phone page says that the server is gone', async (house) => {
    const { demo, login, phone } = await atTheDesk(house, browser, { tolerate: AWAY });
    await phone.goto(await codeOn(house, login));
    await demo.program.stop();
    await phone.getByRole('button', { name: 'Scan as Alice' }).click();
    await phone.getByRole('alert').getByText('The server cannot be reached.').waitFor();
    await shoot(phone, 'phone-unreachable');
  });
});
