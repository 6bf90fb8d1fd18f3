/** The demo's pages on two nodes, with a camera, and their security headers. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { assertAccessible, DESKTOP, waitForState, launch, openContext, PHONE, waitForText, saveScreenshot } from './browser.mjs';
import { gene } from './curl.mjs';
import { codeOn } from './demo-pages.mjs';
import { Balancer } from './balancer.mjs';
import { appToken, POOL, scenario, variations } from './harness.mjs';
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
async function twoDemos(sandbox) {
  const [demo, redis, ...balancers] = await Promise.all([sandbox.demo(), sandbox.redis(), Balancer.open(sandbox), Balancer.open(sandbox)]);
  const pool = { id: 'demo', name: 'Demo', origins: balancers.map((balancer) => balancer.address), allow_browser_exchange: true };
  for (const [i, balancer] of balancers.entries()) {
    const node = await sandbox.node({ name: `node-${i}`, redis, pool });
    Object.assign(balancer, { nodes: [node.address], pages: demo.address });
    balancer.answers['/demo/token'] = ({ user }) => ({ token: appToken({ sub: user, nickname: user.toUpperCase(), email: `${user}@example.com` }) });
  }
  return balancers;
}

describe('the pages', { concurrency: 2 }, () => {
  for (const colorScheme of variations(['light', 'dark'])) {
    scenario(`a login across two nodes with both pages as narrow as phones, ${colorScheme}`, async (sandbox) => {
      const [a, b] = await twoDemos(sandbox);
      const options = { ...PHONE, colorScheme, reducedMotion: 'reduce' };
      const login = await (await openContext(sandbox, browser, options)).newPage();
      const phone = await (await openContext(sandbox, browser, options)).newPage();
      const look = async (page, state) => {
        await waitForState(page, state);
        const name = `narrow-${page === login ? 'login' : 'phone'}-${state}-${colorScheme}`;
        await saveScreenshot(page, name);
        await assertAccessible(page, name);
      };
      await login.goto(`${a.address}/login`);
      await look(login, 'waiting');
      await phone.goto(`${b.address}/phone`);
      const scan = async () => {
        await phone.getByLabel('Login code').fill(await codeOn(sandbox, login));
        await phone.getByRole('button', { name: 'Scan as Alice' }).click();
        await look(phone, 'consent');
        await look(login, 'scanned');
      };
      await scan();
      await phone.getByRole('button', { name: 'Cancel' }).click();
      await waitForText(login, 'Canceled. Here is a new code.');
      await phone.getByRole('button', { name: 'Done' }).click();
      await scan();
      await phone.getByRole('button', { name: 'Agree' }).click();
      await look(phone, 'confirmed');
      await look(login, 'confirmed');
      await waitForText(login, 'alice@example.com');
    }, { seconds: 60 });
  }

  scenario('the phone page scans with the camera, and works without one', async (sandbox) => {
    const demo = await sandbox.demo();
    const login = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    await login.goto(`${demo.address}/login`);
    await waitForState(login, 'waiting');
    const film = join(sandbox.dir, 'film.mjpeg');
    await login.locator('scan-login .wait').waitFor({ state: 'hidden' }); // the code is drawn after the state
    await writeFile(film, await login.screenshot({ type: 'jpeg', quality: 90, animations: 'disabled' }));

    const camera = await chromium.launch({
      executablePath: chromiumPath(),
      args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${film}`],
    });
    sandbox.onClose(() => camera.close());
    const context = await openContext(sandbox, camera, PHONE);
    const phone = await context.newPage();
    await phone.goto(`${demo.address}/phone`);
    await phone.getByText('Bob', { exact: true }).click();
    await phone.getByRole('button', { name: 'Use the camera' }).click();
    await phone.getByRole('heading', { name: 'Log in to Demo?' }).waitFor();
    await waitForText(phone, 'as Bob');
    await phone.getByRole('button', { name: 'Agree' }).click();
    await waitForText(login, 'bob@example.com');

    // Where there is no camera, a picture can be chosen.
    const plain = await (await openContext(sandbox, browser, PHONE)).newPage();
    await plain.goto(`${demo.address}/phone`);
    await waitForState(plain, 'start');
    await plain.getByRole('button', { name: 'Use the camera' }).click();
    await waitForText(plain, 'The camera cannot be used.');
    await plain.getByText('Choose a picture of the code').waitFor();
  });

  scenario('every page has the security headers', async (sandbox) => {
    const [demo, node] = await Promise.all([sandbox.demo(), sandbox.node({ pool: { payload_format: 'url' } })]);
    const { random } = await gene(node, POOL);
    for (const address of [`${demo.address}/`, `${demo.address}/login`, `${demo.address}/phone`, `${node.address}/s/${random}`]) {
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
