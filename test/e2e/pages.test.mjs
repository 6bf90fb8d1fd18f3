/** The demo's pages on two nodes, through a camera, and what their headers say. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESK, inState, launch, person, PHONE, sees, shoot } from './browser.mjs';
import { gene } from './curl.mjs';
import { codeOn } from './desk.mjs';
import { Front } from './front.mjs';
import { appToken, POOL, scene, variations } from './harness.mjs';
import { chromiumPath } from './tools.mjs';

import { chromium } from 'playwright-core';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/**
 * Two nodes on one redis-server, each with the demo's pages before it. The app's
 * tokens are those that the nodes take.
 */
async function twoDemos(house) {
  const [demo, redis, ...fronts] = await Promise.all([house.demo(), house.redis(), Front.open(house), Front.open(house)]);
  const pool = { id: 'demo', name: 'Demo', origins: fronts.map((front) => front.address), allow_browser_exchange: true };
  for (const [i, front] of fronts.entries()) {
    const node = await house.node({ name: `node-${i}`, redis, pool });
    Object.assign(front, { nodes: [node.address], pages: demo.address });
    front.answers['/demo/token'] = ({ user }) => ({ token: appToken({ sub: user, nickname: user.toUpperCase(), email: `${user}@example.com` }) });
  }
  return fronts;
}

describe('the pages', { concurrency: 2 }, () => {
  for (const colorScheme of variations(['light', 'dark'])) {
    scene(`a login page on one node, the phone page on the other, both as narrow as phones, ${colorScheme}`, async (house) => {
      const [a, b] = await twoDemos(house);
      const options = { ...PHONE, colorScheme, reducedMotion: 'reduce' };
      const login = await (await person(house, browser, options)).newPage();
      const phone = await (await person(house, browser, options)).newPage();
      const look = async (page, state) => {
        await inState(page, state);
        const name = `narrow-${page === login ? 'login' : 'phone'}-${state}-${colorScheme}`;
        await shoot(page, name);
        await assertAccessible(page, name);
      };
      await login.goto(a.address);
      await look(login, 'waiting');
      await phone.goto(`${b.address}/phone`);
      const scan = async () => {
        await phone.getByLabel('Login code').fill(await codeOn(house, login));
        await phone.getByRole('button', { name: 'Scan as Alice' }).click();
        await look(phone, 'consent');
        await look(login, 'scanned');
      };
      await scan();
      await phone.getByRole('button', { name: 'Cancel' }).click();
      await sees(login, 'Canceled. Here is a new code.');
      await phone.getByRole('button', { name: 'Done' }).click();
      await scan();
      await phone.getByRole('button', { name: 'Agree' }).click();
      await look(phone, 'confirmed');
      await look(login, 'confirmed');
      await sees(login, 'alice@example.com');
    }, { seconds: 60 });
  }

  scene('the camera of a browser that reads codes scans one; no camera, no harm', async (house) => {
    const demo = await house.demo();
    const login = await (await person(house, browser, DESK)).newPage();
    await login.goto(demo.address);
    await inState(login, 'waiting');
    const film = join(house.dir, 'film.mjpeg');
    await login.locator('scan-login img').first().evaluate((picture) => picture.decode()); // it comes after the state
    await writeFile(film, await login.screenshot({ type: 'jpeg', quality: 90, animations: 'disabled' }));

    const camera = await chromium.launch({
      executablePath: chromiumPath(),
      args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${film}`],
    });
    house.atEnd(() => camera.close());
    const context = await person(house, camera, PHONE);
    // Chromium on Linux has no reader of its own: here the demo reads what the camera sees.
    const hasReader = await (await context.newPage()).evaluate(() => 'BarcodeDetector' in globalThis);
    if (!hasReader) {
      await context.addInitScript(() => {
        globalThis.BarcodeDetector = class {
          async detect(video) {
            const canvas = new OffscreenCanvas(video.videoWidth || 1, video.videoHeight || 1);
            canvas.getContext('2d').drawImage(video, 0, 0);
            const answer = await fetch('demo/decode', { method: 'POST', body: await canvas.convertToBlob() });
            return answer.ok ? [{ rawValue: (await answer.json()).text }] : [];
          }
        };
      });
    }
    const phone = await context.newPage();
    await phone.goto(`${demo.address}/phone`);
    await phone.getByText('Bob', { exact: true }).click();
    await phone.getByRole('button', { name: 'Use the camera' }).click();
    await phone.getByRole('heading', { name: 'Log in to Demo?' }).waitFor();
    await sees(phone, 'as Bob');
    await phone.getByRole('button', { name: 'Agree' }).click();
    await sees(login, 'bob@example.com');

    // Without a reader the button is not there; where the camera is refused, a picture still may be picked.
    const plain = await (await person(house, browser, PHONE)).newPage();
    await plain.goto(`${demo.address}/phone`);
    await inState(plain, 'start');
    if (!hasReader) assert.equal(await plain.getByRole('button', { name: 'Use the camera' }).count(), 0);
    await plain.addInitScript(() => { globalThis.BarcodeDetector = class {}; });
    await plain.reload();
    await plain.getByRole('button', { name: 'Use the camera' }).click();
    await sees(plain, 'The camera cannot be used.');
    await plain.getByText('Choose a picture of the code').waitFor();
  });

  scene('every page has the headers of a page that can be trusted', async (house) => {
    const [demo, node] = await Promise.all([house.demo(), house.node({ pool: { payload_format: 'url' } })]);
    const { random } = await gene(node, POOL);
    for (const address of [`${demo.address}/`, `${demo.address}/phone`, `${node.address}/s/${random}`]) {
      const answer = await fetch(address);
      const header = (name) => answer.headers.get(name) ?? '';
      assert.equal(answer.status, 200, address);
      assert.match(header('content-type'), /^text\/html; charset=utf-8$/, address);
      const policy = new Map(header('content-security-policy').split(';').map((part) => {
        const [name, ...sources] = part.trim().split(/\s+/);
        return [name, sources];
      }));
      for (const name of ['default-src', 'object-src', 'base-uri', 'frame-ancestors']) assert.deepEqual(policy.get(name), ["'none'"], `${address}: ${name}`);
      for (const name of ['script-src', 'style-src']) assert.deepEqual(policy.get(name), ["'self'"], `${address}: ${name}`);
      assert.deepEqual(policy.get('form-action'), ["'self'"]);
      assert.doesNotMatch(header('content-security-policy'), /unsafe|http:|\*/, address);
      assert.equal(header('x-content-type-options'), 'nosniff', address);
      assert.equal(header('x-frame-options'), 'DENY', address);
      assert.equal(header('referrer-policy'), 'no-referrer', address);
      assert.equal(header('cross-origin-opener-policy'), 'same-origin', address);
      assert.equal(header('cross-origin-resource-policy'), 'same-origin', address);
      assert.equal(header('access-control-allow-origin'), '', address);
      assert.equal(header('set-cookie'), '', address);
      const text = await answer.text();
      assert.doesNotMatch(text, /<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)/i, `${address}: something is inline`);
      for (const [, source] of text.matchAll(/(?:src|href)="([^"]+)"/g)) {
        assert.equal(new URL(source, address).origin, new URL(address).origin, `${address} takes ${source} from elsewhere`);
      }
    }
    const module = await fetch(`${node.address}/scanlogin.js`, { headers: { origin: 'https://www.example.com' } });
    assert.equal(module.headers.get('access-control-allow-origin'), '*');
    assert.equal(module.headers.get('cross-origin-resource-policy'), 'cross-origin');
    assert.match(module.headers.get('etag'), /^"[\w-]+"$/);
  });
});
