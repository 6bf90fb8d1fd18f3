/** <scan-login> when networks, nodes and people come and go. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESK, launch, sees, shoot } from './browser.mjs';
import { curl, exchange } from './curl.mjs';
import { POOL, POOL_SECRET, scene, variations } from './harness.mjs';
import { until } from './process.mjs';
import { codeOf, Shop, shows, told } from './shop.mjs';

const GONE = { tolerate: /WebSocket connection|net::ERR|Failed to load resource/ };

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** The page gets the ticket of this code, once, and it is good. */
async function assertLoggedIn(shop, page, random) {
  await shows(page, 'confirmed');
  const tickets = await told(page, 'confirmed');
  assert.deepEqual(tickets.map((detail) => detail.random), [random]);
  const { answer } = await exchange(shop.b, tickets[0].ticket, POOL, POOL_SECRET);
  assert.equal(answer.data.id, 'alice');
}

/** What the server says of a code: its event. */
async function standing(shop, random) {
  return (await curl(`${shop.b.address}/api/v2/qrcode/check?random=${random}`)).answer.data?.event;
}

/** Counts the codes that came over WebSockets. */
function countCodes(page) {
  const count = { codes: 0 };
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
    if (JSON.parse(payload).event === 'code') count.codes++;
  }));
  return count;
}

/** Lets a test say whether anybody looks at the page. */
const EYES = () => {
  let hidden = false;
  Object.defineProperty(document, 'hidden', { get: () => hidden });
  globalThis.look = (away) => {
    hidden = away;
    document.dispatchEvent(new Event('visibilitychange'));
  };
};
const hide = (page) => page.evaluate(() => globalThis.look(true));
const come = (page) => page.evaluate(() => globalThis.look(false));

describe('the element in trouble', { concurrency: 2 }, () => {
  scene('who goes offline is told so, and goes on with the same code', async (house) => {
    const shop = await Shop.open(house, { alone: true });
    const page = await shop.visit(browser, { options: { ...DESK, reducedMotion: 'reduce' }, ...GONE });
    const random = await codeOf(page);
    await page.context().setOffline(true);
    await sees(page, 'Connection lost. Trying again…');
    await shoot(page, 'element-offline');
    await assertAccessible(page, 'offline');
    await shop.app('scanned', random); // meanwhile
    await page.context().setOffline(false);
    await shows(page, 'scanned');
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    await shop.app('confirm', random);
    await assertLoggedIn(shop, page, random);
  });

  scene('a node that is killed in the middle of a story is not missed: the page goes on elsewhere, with the same code', async (house) => {
    const shop = await Shop.open(house);
    shop.front.nodes = [shop.a.address];
    const page = await shop.visit(browser, { options: DESK, ...GONE });
    const random = await codeOf(page);
    await shop.app('scanned', random);
    await shows(page, 'scanned');
    shop.front.nodes = [shop.a.address, shop.b.address];
    shop.a.program.signal('SIGKILL');
    await shop.a.program.ended;
    await shop.app('confirm', random);
    await assertLoggedIn(shop, page, random);
    assert.equal((await told(page, 'code')).filter((code) => code.random !== random).length, 0);
  });

  scene('a page that nobody looks at is made no codes, and has one at once when somebody comes', async (house) => {
    const shop = await Shop.open(house, { alone: true, pool: { code_ttl: '2s' } });
    const page = await shop.visit(browser, { options: DESK, prepare: EYES, attributes: { pool: '' } });
    const count = countCodes(page);
    await hide(page);
    await page.locator('scan-login').evaluate((element, pool) => element.setAttribute('pool', pool), POOL);
    assert.equal(count.codes, 0); // not even the first
    await come(page);
    const first = await codeOf(page);
    await hide(page);
    await until(10, 'the code is over', async () => await standing(shop, first) === 'expired');
    await until(10, 'the page has left', async () => /^scanlogin_sockets 0$/m.test((await curl(`${shop.a.ops}/metrics`)).answer));
    assert.equal(count.codes, 1);
    await come(page);
    await codeOf(page, first);
    assert.equal(count.codes, 2);
    await sees(page, 'New code in 0:0');
  });

  scene('who agrees while nobody looks at the page is logged in when somebody does', async (house) => {
    const shop = await Shop.open(house, { alone: true, pool: { code_ttl: '2s', confirm_ttl: '1s' } });
    const page = await shop.visit(browser, { options: DESK, prepare: EYES });
    const random = await codeOf(page);
    await hide(page);
    await shop.app('scanned', random);
    await shop.app('confirm', random);
    await come(page);
    await assertLoggedIn(shop, page, random);
  });

  scene('a WebSocket that is refused on its way is replaced by an event stream', async (house) => {
    const shop = await Shop.open(house);
    shop.front.upgrades = 'refuse';
    const page = await shop.visit(browser, { options: DESK, ...GONE });
    const first = await codeOf(page);
    await shop.app('scanned', first);
    await sees(page, 'Confirm in your app');
    await page.getByRole('button', { name: 'Not you? Get a new code' }).click();
    const second = await codeOf(page, first);
    await sees(page, 'Here is a new code.');
    await shop.app('scanned', second);
    await shop.app('cancel', second);
    const third = await codeOf(page, second);
    await sees(page, 'Canceled. Here is a new code.');
    await shop.app('scanned', third);
    await shows(page, 'scanned');
    await shop.app('confirm', third);
    await assertLoggedIn(shop, page, third);
    assert.equal(shop.front.count('/ws'), 1);
    assert.equal(shop.front.count('/check'), 0);
    assert((await told(page, 'offline')).length === 0);
  });

  scene('an event stream goes on where its node is killed', async (house) => {
    const shop = await Shop.open(house);
    shop.front.upgrades = 'refuse';
    shop.front.nodes = [shop.a.address];
    const page = await shop.visit(browser, { options: DESK, ...GONE });
    const random = await codeOf(page);
    await until(10, 'the page reads a stream', () => shop.front.count('/events') === 1);
    shop.front.nodes = [shop.b.address];
    shop.a.program.signal('SIGKILL');
    await shop.app('scanned', random);
    await shows(page, 'scanned');
    await shop.app('confirm', random);
    await assertLoggedIn(shop, page, random);
  });

  scene('where a proxy swallows WebSockets and holds streams back, the page asks again and again', async (house) => {
    const shop = await Shop.open(house, { alone: true });
    Object.assign(shop.front, { upgrades: 'swallow', holdsStreams: true });
    const page = await shop.visit(browser, { options: DESK, ...GONE });
    const random = await codeOf(page);
    await until(15, 'the page asks', () => shop.front.count('/check') > 0);
    await shop.app('scanned', random);
    await shows(page, 'scanned');
    await shop.app('confirm', random);
    await assertLoggedIn(shop, page, random);
  });

  for (const upgrades of variations(['pass', 'refuse'])) {
    scene(`six codes and a question: WebSockets ${upgrades}`, async (house) => {
      const shop = await Shop.open(house, { alone: true, pool: { code_ttl: '1s' } });
      shop.front.upgrades = upgrades;
      const page = await shop.visit(browser, { options: DESK, ...GONE });
      await shows(page, 'exhausted');
      const codes = (await told(page, 'code')).map((code) => code.random);
      assert.equal(new Set(codes).size, codes.length);
      assert.equal(codes.length, 6);
      await page.getByRole('button', { name: 'Show a new code' }).click();
      await shows(page, 'waiting');
    });
  }
});
