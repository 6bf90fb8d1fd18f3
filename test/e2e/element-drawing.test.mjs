/** The codes that <scan-login> draws: pixel by pixel, and read by two decoders, zbar and the demo's. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe } from 'node:test';

import { launch, PHONE } from './browser.mjs';
import { gene } from './curl.mjs';
import { capture } from './drawn-code.mjs';
import { waitForElement } from './example-site.mjs';
import { POOL, scenario, variations } from './harness.mjs';
import { ScriptedSite } from './scripted-site.mjs';
import { readCode } from './zbar.mjs';

const SIZES = [120, 160, 200, 280, 333, 480]; // CSS pixels
const MARGIN = 7; // CSS pixels that a code leaves free if it can
const MAX_CUSTOM_DATA = { note: 'x'.repeat(500) }; // 512 bytes

/** A page that shows any of the texts, and the demo's phone page, whose decoder reads them. */
async function open(sandbox, flags, options) {
  const browser = await launch(flags);
  sandbox.onClose(() => browser.close());
  const [demo, links, objects] = await Promise.all([
    sandbox.demo(), sandbox.node({ name: 'links', pool: { payload_format: 'url' } }), sandbox.node({ name: 'objects' }),
  ]);
  const codes = { url: await gene(links, POOL), json: await gene(objects, POOL), custom: await gene(objects, POOL, { customData: MAX_CUSTOM_DATA }) };
  const texts = Object.fromEntries(Object.entries(codes).map(([pool, { payload }]) => [pool, payload]));
  const site = await ScriptedSite.open(sandbox, links, (send, pool) => send({ ...codes[pool], event: 'code', customLogo: '/logo.svg' }));
  const page = await site.visit(browser, { ...options, reducedMotion: 'reduce' }, 'url');
  await waitForElement(page, 'waiting');
  const reader = await (await browser.newContext()).newPage();
  await reader.goto(`${demo.address}/phone`);
  return { reader, site, page, texts };
}

/** The text that the demo's decoder reads in a PNG; undefined if it finds none. */
async function decode(reader, png) {
  return reader.evaluate(async (base64) => {
    const { default: read } = await import(new URL(document.querySelector('[data-decoder]').dataset.decoder, document.baseURI).href);
    const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))]));
    const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
    context.drawImage(picture, 0, 0);
    try {
      return read(context.getImageData(0, 0, picture.width, picture.height));
    } catch {
      return undefined;
    }
  }, png.toString('base64'));
}

/** Sets attributes of the element, or removes those that are null, waits until it is drawn so, and returns whether it has a logo. */
function set(page, attributes) {
  return page.evaluate(async (values) => {
    const element = document.querySelector('scan-login');
    for (const [name, value] of Object.entries(values)) {
      if (value === null) element.removeAttribute(name);
      else element.setAttribute(name, value);
    }
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const logo = element.shadowRoot.querySelector('.logo');
    if (logo.src) await logo.decode().catch(() => {}); // it may be no image
    do await frame(); while (!element.shadowRoot.querySelector('.wait').hidden);
    return !logo.hidden;
  }, attributes);
}

/** Asserts what is guaranteed for every code without a logo. */
function assertCrisp({ canvas, differing, scale, modules, quiet, broken }, ratio, what) {
  assert.deepEqual({ differing, broken, quiet }, { differing: 0, broken: 0, quiet: 4 }, what);
  assert(Number.isInteger(scale) && modules % 4 === 1, `${what}: ${modules} modules of ${scale} pixels`);
  const room = canvas - 2 * Math.round(MARGIN * ratio);
  assert((scale + 1) * (modules + 8) > room, `${what}: larger modules fit`);
  assert(scale * (modules + 8) <= Math.max(room, modules + 8), `${what}: smaller modules were needed`);
}

/** The files in which a decoder does not read the text. */
async function unreadable(reader, files, text) {
  const failures = [];
  for (const file of files) {
    if (await readCode(file).catch((error) => error.message) !== text) failures.push(`zbar: ${basename(file)}`);
    if (await decode(reader, await readFile(file)) !== text) failures.push(`decoder.js: ${basename(file)}`);
  }
  return failures;
}

describe('drawn codes', { concurrency: 2 }, () => {
  for (const ratio of variations([2, 1, 1.5, 3])) {
    scenario(`codes of 120 to 480 pixels are crisp and readable at ${ratio} device pixels per pixel`, async (sandbox) => {
      const { reader, site, page, texts } = await open(sandbox, [`--force-device-scale-factor=${ratio}`, '--window-size=500,700'], { viewport: null });
      assert.equal(await page.evaluate(() => devicePixelRatio), ratio);
      for (const [pool, text] of Object.entries(texts)) {
        const files = [];
        await set(page, { pool });
        for (const [i, size] of SIZES.entries()) {
          for (const logo of [null, '/logo.svg']) {
            const colorScheme = (i % 2 === 0) === (logo === null) ? 'light' : 'dark';
            const what = `${pool} ${size} ${colorScheme} ${logo ?? 'plain'}`;
            await page.emulateMedia({ colorScheme });
            const hasLogo = await set(page, { size, logo });
            const file = join(sandbox.dir, `${what.replaceAll(/\W+/g, '-')}.png`);
            files.push(file);
            const measured = await capture(page, file);
            if (!hasLogo) assertCrisp(measured, ratio, what);
            if (pool === 'url' && size >= 160) assert.equal(hasLogo, logo !== null, what);
            if (pool === 'custom' && size <= 280) assert(!hasLogo, `${what}: with a logo the modules are too small`);
          }
        }
        assert.deepEqual(await unreadable(reader, files, text), [], text);
      }
      assert.deepEqual(site.requests.filter((path) => path.includes('/image/')), []);
    }, { seconds: 180 });
  }

  scenario("the pool's logo is shown on request, and a logo that cannot be loaded leaves the code whole", async (sandbox) => {
    const { reader, page, texts } = await open(sandbox, [], PHONE);
    const file = join(sandbox.dir, 'code.png');
    assert.equal(await set(page, { logo: '' }), true); // without a value: the pool's
    await capture(page, file);
    assert.deepEqual(await unreadable(reader, [file], texts.url), []);
    await page.route('**/broken.png', (route) => route.fulfill({ contentType: 'image/png', body: 'no image' }));
    assert.equal(await set(page, { logo: '/broken.png' }), false);
    assertCrisp(await capture(page, file), PHONE.deviceScaleFactor, 'emulated');
    assert.deepEqual(await unreadable(reader, [file], texts.url), []);
  });
});
