/** zbarimg reads in each picture the text that the server returns as `payload`. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { join } from 'node:path';

import { launch } from './browser.mjs';
import { curl, download, gene } from './curl.mjs';
import { POOL, scenario } from './harness.mjs';
import { readCode } from './zbar.mjs';

const LARGEST = 512; // bytes of custom data once escaped

/** Custom data that takes so many bytes as JSON, in which 愛 is escaped to 6. */
function customData(bytes) {
  return { note: '愛'.repeat(40).padEnd(bytes - '{"note":""}'.length - 40 * 5, 'x') };
}

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

for (const [what, pool, body] of [
  ['an address', { payload_format: 'url' }, {}],
  ['JSON', {}, {}],
  ['JSON with the maximum of custom data', {}, { customData: customData(LARGEST) }],
]) {
  scenario(`a PNG of any size encodes ${what}`, async (sandbox) => {
    const node = await sandbox.node({ pool });
    const { url, payload } = await gene(node, POOL, body);
    assert.match(payload, /^[\x20-\x7e]+$/);
    if (payload.startsWith('{')) assert.deepEqual(JSON.parse(payload).customData, body.customData ?? {});
    for (const query of ['', '?size=120', '?size=123', '?size=240', '?size=500', '?size=1024']) {
      const file = await download(url + query, join(sandbox.dir, `code${query.slice(1)}.png`));
      assert.equal(await readCode(file), payload, `PNG ${query}`);
    }
  });

  scenario(`an SVG drawn by Chromium encodes ${what}`, async (sandbox) => {
    const node = await sandbox.node({ pool });
    const { url, payload } = await gene(node, POOL, body);
    for (const size of [240, 600]) {
      const page = await browser.newPage({ viewport: { width: size, height: size } });
      sandbox.onClose(() => page.close());
      await page.goto(`${url.replace(/png$/, 'svg')}?size=${size}`);
      const path = join(sandbox.dir, `${size}.png`);
      await page.screenshot({ path });
      assert.equal(await readCode(path), payload, `SVG of ${size} pixels`);
    }
  });
}

scenario('custom data over the limit is rejected', async (sandbox) => {
  const node = await sandbox.node();
  const { status, answer } = await curl(`${node.address}/api/v2/qrcode/gene`, '--header', `x-authing-userpool-id: ${POOL}`,
    '--header', 'content-type: application/json', '--data-binary', JSON.stringify({ customData: customData(LARGEST + 1) }));
  assert.deepEqual([status, answer.code, answer.data], [400, 2231, null]);
});
