/** A pool with apps and a color: what phones find on the host, in pictures and on pages. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, launch, openContext, PHONE, saveScreenshot } from './browser.mjs';
import { curl } from './curl.mjs';
import { codeOf, ExampleSite, waitForElement } from './example-site.mjs';
import { POOL, scenario, variations } from './harness.mjs';
import { readCode } from './zbar.mjs';

const IOS = 'ABCDE12345.com.example.shop';
const FINGERPRINT = '146de983c5730650d8eeb9952f34fc6416a08342e61dbea88a0496b23fcf44e5';
const LINKS = [{ '/': `/s/${POOL}/*` }];

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** The color of a part of the element, or of its pseudo-element. */
function style(page, selector, property) {
  return page.locator(`scan-login ${selector}`).evaluate((node, name) => getComputedStyle(node).getPropertyValue(name), property);
}

describe('apps and color of a pool', { concurrency: 2 }, () => {
  for (const [colorScheme, color, drawn] of variations([['dark', '#000000', 'color(srgb 0.6 0.6 0.6)'], ['light', '#c2185b', 'rgb(194, 24, 91)']])) {
    scenario(`a picture that opens the app, and readable pages in the pool's color, ${colorScheme}`, async (sandbox) => {
      const apps = { ios: [IOS], android: [{ package: 'com.example.shop', sha256: [FINGERPRINT] }] };
      const site = await ExampleSite.open(sandbox, { single: true, pool: { payload_format: 'url', brand_color: color, apps } });
      const apple = await curl(`${site.a.address}/.well-known/apple-app-site-association`);
      assert.deepEqual([apple.status, apple.answer.applinks.details], [200, [{ appIDs: [IOS], components: LINKS }]]);
      const google = await curl(`${site.a.address}/.well-known/assetlinks.json`);
      assert.deepEqual([google.status, google.answer.map(({ target }) => target.package_name)], [200, ['com.example.shop']]);

      const options = { ...DESKTOP, colorScheme, reducedMotion: 'reduce' };
      const page = await site.visit(browser, { options });
      const random = await codeOf(page);
      await page.locator('scan-login .wait').waitFor({ state: 'hidden' });
      await assertAccessible(page, 'waiting');
      assert.equal(await style(page, '.bar', 'background-color'), drawn); // on dark pages mixed with white, to be seen
      const path = join(sandbox.dir, 'screen.png');
      await page.screenshot({ path });
      const link = await readCode(path);
      assert.equal(link, `${site.a.address}/s/${POOL}/${random}`);

      const opened = await (await openContext(sandbox, browser, { ...PHONE, colorScheme })).newPage();
      await opened.goto(link);
      await assertAccessible(opened, 'link');
      await saveScreenshot(opened, `link-${colorScheme}`);
      const isLoaded = ({ naturalWidth, src }) => naturalWidth > 0 && new URL(src).pathname;
      assert.equal(await opened.locator('.logo').evaluate(isLoaded), `/assets/brand/${color.slice(1)}.svg`);

      await site.app('scanned', link);
      await waitForElement(page, 'scanned');
      await assertAccessible(page, 'scanned');
      assert.equal(await style(page, '.avatar', 'color'), drawn);
      await site.app('confirm', link);
      await waitForElement(page, 'confirmed');
      await assertAccessible(page, 'confirmed');
      assert.equal(await style(page, '[data-kind="success"] .icon', 'background-color'), drawn);
      await saveScreenshot(page, `color-${colorScheme}`);
    }, { seconds: 60 }); // axe looks at four pages
  }
});
