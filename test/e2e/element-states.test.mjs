/** <scan-login> in every state: accessible, in its place, with the focus, at every width. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, launch, PHONE } from './browser.mjs';
import { SHOWN, showAll, stateScript } from './element-states.mjs';
import { scenario, variations } from './harness.mjs';
import { until } from './process.mjs';
import { ScriptedSite } from './scripted-site.mjs';
import { readCode } from './zbar.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const { steps: _, loading: __, ...WITHOUT_STEPS } = SHOWN;

async function open(sandbox, states, { options = DESKTOP, ...attributes } = {}) {
  const site = await ScriptedSite.open(sandbox, undefined, stateScript());
  const page = await site.visit(browser, { reducedMotion: 'reduce', ...options }, 'loading');
  await showAll(page, states, { lang: 'en', size: 280, ...attributes });
  return page;
}

/** Where the focus is: a class in the element, or the name of another element. */
const focused = (page) => page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.className ?? document.activeElement.localName);
const over = (page, kind) => page.locator(`scan-login [data-over="${kind}"]`).waitFor();

describe('the states of the element', { concurrency: 2 }, () => {
  for (const [colorScheme, lang, size] of variations([['dark', 'zh', 120], ['light', 'en', 240], ['light', 'zh', 480], ['dark', 'en', 280]])) {
    scenario(`axe accepts each, and nothing protrudes: ${colorScheme}, ${lang}, ${size} pixels`, async (sandbox) => {
      const page = await open(sandbox, SHOWN, { options: { ...DESKTOP, colorScheme }, lang, size });
      await assertAccessible(page, 'all states');
      const protruding = await page.evaluate(() => [...document.querySelectorAll('scan-login')].flatMap((element) => {
        const { left, right } = element.getBoundingClientRect();
        return [...element.shadowRoot.querySelectorAll('.flow *:not(.spoken)')].filter((part) => {
          const box = part.getBoundingClientRect();
          return box.width > 0 && (box.left < left - 9 || box.right > right + 9); // a quiet button has a margin of its own
        }).map((part) => `${element.id}: ${part.className}`);
      }));
      assert.deepEqual(protruding, []);
    });
  }

  for (const size of variations([120, 200, 280, 480])) {
    scenario(`none moves the page: ${size} pixels`, async (sandbox) => {
      const page = await open(sandbox, WITHOUT_STEPS, { size });
      const heights = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll('scan-login')].map((element) => [element.id, element.offsetHeight])));
      const expected = Object.fromEntries(Object.keys(heights).map((id) => [id, heights.waiting]));
      assert.deepEqual(heights, expected);
    });
  }

  scenario("each looks the same where the page's rem is 10 pixels", async (sandbox) => {
    const page = await open(sandbox, WITHOUT_STEPS);
    const boxes = () => page.evaluate(() => [...document.querySelectorAll('scan-login')].map((element) =>
      [...element.shadowRoot.querySelectorAll('.flow *')].map((part) => [part.className, part.clientWidth, part.clientHeight].join(' '))));
    const before = await boxes();
    await page.evaluate(() => { document.documentElement.style.fontSize = '62.5%'; });
    assert.deepEqual(await boxes(), before);
  });

  scenario('a code can be scanned with forced colors', async (sandbox) => {
    const page = await open(sandbox, { waiting: 'waiting' }, { options: { ...DESKTOP, colorScheme: 'dark', forcedColors: 'active' } });
    await page.locator('scan-login .wait').waitFor({ state: 'hidden' });
    const path = join(sandbox.dir, 'code.png');
    await page.screenshot({ path });
    assert.match(await readCode(path), /"random":"a+"/);
    await assertAccessible(page, 'forced colors');
  });

  scenario('nothing moves for users who prefer reduced motion', async (sandbox) => {
    const page = await open(sandbox, WITHOUT_STEPS);
    const count = () => page.evaluate(() => [...document.querySelectorAll('scan-login')].flatMap((element) => element.shadowRoot.getAnimations()).length);
    assert.equal(await count(), 0);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    await until(5, 'animations for others', async () => await count() > 0);
  });

  scenario('phones lead with the link that opens the app, in a room that is kept', async (sandbox) => {
    const page = await open(sandbox, { typable: 'waiting', scanned: 'scanned', waiting: 'waiting' }, { options: PHONE, size: 340 });
    const top = (id, part) => page.locator(`#${id} ${part}`).evaluate((element) => element.getBoundingClientRect().top - element.getRootNode().host.getBoundingClientRect().top);
    assert.equal(await top('typable', '.link'), 0);
    assert(await page.locator('#waiting .hint').isVisible(), 'a pool without links says so');
    const frame = await top('typable', '.frame');
    assert(frame > 40);
    assert.deepEqual([await top('scanned', '.frame'), await top('waiting', '.frame')], [frame, frame]);
  });

  scenario('the instruction names the app', async (sandbox) => {
    const page = await open(sandbox, { steps: 'waiting' });
    assert.deepEqual(await page.locator('scan-login .step').allTextContents(), ['Open Acme on your phone', 'Scan this code', 'Confirm the login']);
    assert.equal(await page.locator('scan-login b').first().textContent(), 'Acme');
    assert.equal(await page.getByRole('list').count(), 1);
  });
});

describe('the focus in the element', { concurrency: 2 }, () => {
  scenario('is never lost: a code to type, by keyboard', async (sandbox) => {
    const page = await open(sandbox, { typable: 'waiting' });
    const announced = () => page.getByRole('status').textContent();
    await page.evaluate(() => { document.querySelector('scan-login').setAttribute('pool', 'typed'); });
    await page.locator('scan-login .help').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'help');
    await page.keyboard.press('Enter');
    await over(page, 'typed');
    assert.equal(await focused(page), 'status');
    assert.match(await announced(), /^W D J B - M J H T Enter this code in your app$/);
    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(page), 'button quiet');
    await page.keyboard.press('Enter');
    await over(page, '');
    assert.equal(await focused(page), 'status');
    assert.equal(await announced(), 'Scan the code with your app');
  });

  for (const [state, pool, kind] of [['exhausted', 'waiting', ''], ['failed', 'scanned', 'user'], ['offline', 'offline', 'offline']]) {
    scenario(`is never lost: the button of ${state}`, async (sandbox) => {
      const page = await open(sandbox, { [state]: SHOWN[state] });
      await page.evaluate((next) => { // what the next connection gets
        const element = document.querySelector('scan-login');
        const start = element.start.bind(element);
        element.start = () => {
          if (element.getAttribute('pool') === next) start();
          else element.setAttribute('pool', next);
        };
      }, pool);
      await page.keyboard.press('Tab');
      assert.equal(await focused(page), 'button');
      await page.keyboard.press('Enter');
      await over(page, kind);
      assert.equal(await focused(page), state === 'offline' ? 'button' : 'status'); // a button that stays keeps it
    });
  }
});

describe('the success', { concurrency: 2 }, () => {
  const timeOf = async (sandbox, meanwhile) => {
    const site = await ScriptedSite.open(sandbox, undefined, stateScript());
    const page = await site.visit(browser, DESKTOP, 'loading');
    return page.evaluate(async (act) => {
      const element = document.createElement('scan-login');
      element.setAttribute('pool', 'success');
      const events = [];
      for (const type of ['scanned', 'confirmed']) element.addEventListener(type, () => events.push({ type, at: performance.now() }));
      document.body.append(element);
      const frame = () => new Promise(requestAnimationFrame);
      while (element.state !== 'confirmed') await frame();
      const seen = performance.now();
      if (act) element[act]();
      while (performance.now() < seen + 2000 && events.length < 2) await frame();
      return events.map(({ type, at }) => [type, at - seen]);
    }, meanwhile);
  };

  scenario('is shown for 0.4 seconds before the page gets the ticket', async (sandbox) => {
    const [[, scanned], [type, after]] = await timeOf(sandbox);
    assert.equal(type, 'confirmed');
    assert(scanned <= 0 && after > 350, `${after} ms`);
  });

  for (const act of ['stop', 'remove']) {
    scenario(`is not reported after ${act}()`, async (sandbox) => {
      assert.deepEqual((await timeOf(sandbox, act)).map(([type]) => type), ['scanned']);
    });
  }
});
