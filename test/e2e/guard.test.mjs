/** Authing's login widget Guard 5.3.9 as it is on npm, plain, for React and for Vue, pointed at our nodes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import esbuild from 'esbuild';

import { DESKTOP, launch, openContext, saveScreenshot } from './browser.mjs';
import { phone } from './curl.mjs';
import { appToken, onlyInAll, scenario, variations } from './harness.mjs';
import { PATIENCE, until } from './process.mjs';

const APP = 'shop-app';
const ALICE = { sub: 'alice', nickname: 'Alice', email: 'alice@example.com' };

const SECONDS = 120; // Guard has 2.5 MB of JavaScript

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** What a page of a site has in addition to Guard: it records the events. */
function watchGuard(guard) {
  globalThis.events = [];
  const on = (name) => guard.on(name, (first) => globalThis.events.push({ name, user: name === 'login' ? { ...first } : undefined }));
  for (const name of ['load', 'load-error', 'login', 'login-error']) on(name);
  guard.start('#guard').then((user) => globalThis.events.push({ name: 'started', user: { ...user } }));
}

/** Serves a page with a form of Guard on an origin of its own. */
async function serveSite(sandbox, form) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(import.meta.dirname, 'guard', form)], bundle: true, write: false, outdir: sandbox.dir, logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' }, loader: { '.woff': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl', '.eot': 'dataurl' },
  });
  const built = (end) => outputFiles.find(({ path }) => path.endsWith(end)).contents;
  const site = { options: {} };
  const server = createServer(({ url }, response) => {
    const [type, body] = {
      '/page.js': ['text/javascript', built('.js')], '/page.css': ['text/css', built('.css')],
    }[url] ?? ['text/html; charset=utf-8', `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"><div id="root"></div>
<script>${watchGuard}; globalThis.guardOptions = ${JSON.stringify(site.options)}</script><script src="/page.js"></script></html>`];
    response.setHeader('content-type', type);
    response.end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  sandbox.onClose(() => {
    server.close();
    server.closeAllConnections();
  });
  site.origin = `http://127.0.0.1:${server.address().port}`;
  return site;
}

/** A node for a site whose browsers exchange tickets, as Guard does. */
function openNode(sandbox, site, pool = {}) {
  return sandbox.node({ pool: { name: 'Acme Shop', app_ids: [APP], origins: [site.origin], allow_browser_exchange: true, ...pool } });
}

/** Opens the page. `codes` are the ids of the codes that it gets, in order. */
async function openPage(sandbox, site, node, options = {}) {
  site.options = { appId: APP, host: node.address, lang: 'en-US', ...options };
  const context = await openContext(sandbox, browser, DESKTOP, /usercontents|authing\.c|ERR_NAME_NOT_RESOLVED|ERR_INTERNET|ERR_TUNNEL|ERR_PROXY/);
  context.setDefaultTimeout(PATIENCE * 60_000);
  const page = await context.newPage();
  const codes = [];
  page.on('response', async (response) => {
    if (response.request().method() !== 'POST' || !response.url().endsWith('/qrcode/gene')) return;
    codes.push((await response.json()).data.random);
  });
  await page.goto(site.origin, { waitUntil: 'commit' });
  await until(60, 'Guard asks for a code', () => codes[0]);
  return { page, codes };
}

async function app(node, step, random) {
  const { answer } = await phone(node, step, random, appToken(ALICE));
  assert.equal(answer.code, 200, JSON.stringify(answer));
}

/** The user that Guard reports. */
const loggedIn = (page) => until(30, 'Guard reports the login', () => page.evaluate(
  () => globalThis.events.find(({ name }) => name === 'login')?.user));

describe('Guard', { concurrency: 2 }, () => {
  for (const form of variations(['plain.js', 'react.jsx', 'vue.js'])) {
    scenario(`${form}: shows the name of the pool and its code, and reports the user after the login`, async (sandbox) => {
      const site = await serveSite(sandbox, form);
      const node = await openNode(sandbox, site);
      const { page, codes: [random] } = await openPage(sandbox, site, node);
      await page.getByText('Acme Shop').waitFor();
      await until(15, 'the logo is shown', () => page.locator('img').first().evaluate((logo) => logo.naturalWidth > 0));
      await saveScreenshot(page, `guard-${form}-waiting`);
      await app(node, 'scanned', random);
      await page.getByText('Scan Success').waitFor();
      await saveScreenshot(page, `guard-${form}-scanned`);
      await app(node, 'confirm', random);
      const user = await loggedIn(page);
      assert.deepEqual([user.id, user.nickname, user.email], ['alice', 'Alice', 'alice@example.com']);
      await saveScreenshot(page, `guard-${form}-confirmed`);
    }, { seconds: SECONDS });
  }

  const states = [
    ['cancel on the phone shows a code to click, and the next login succeeds', {}, async (node, { page, codes }) => {
      await app(node, 'scanned', codes[0]);
      await app(node, 'cancel', codes[0]);
    }],
    ['an expired code is replaced by a click, and the next login succeeds', { code_ttl: '3s', confirm_ttl: '30s' }, async () => {}],
  ];
  for (const [guarantee, pool, end] of onlyInAll(states)) {
    scenario(guarantee, async (sandbox) => {
      const site = await serveSite(sandbox, 'plain.js');
      const node = await openNode(sandbox, site, { logo: 'https://acme.example/logo.svg', ...pool });
      const { page, codes } = await openPage(sandbox, site, node);
      await end(node, { page, codes });
      const again = page.getByText('Refresh', { exact: true });
      await again.waitFor({ timeout: PATIENCE * 30_000 });
      await saveScreenshot(page, `guard-${Object.keys(pool)[0] ?? 'canceled'}`);
      await again.click();
      await until(15, 'there is a second code', () => codes[1]);
      await app(node, 'scanned', codes[1]);
      await app(node, 'confirm', codes[1]);
      assert.equal((await loggedIn(page)).id, 'alice');
    }, { seconds: SECONDS });
  }

  for (const lang of onlyInAll(['zh-CN'])) {
    scenario(`in ${lang}, the texts are Chinese`, async (sandbox) => {
      const site = await serveSite(sandbox, 'plain.js');
      const node = await openNode(sandbox, site, {});
      const { page } = await openPage(sandbox, site, node, { lang });
      await page.getByText('移动端 APP 扫码登录').filter({ visible: true }).waitFor();
      await saveScreenshot(page, `guard-${lang}`);
    }, { seconds: SECONDS });
  }

  scenario('without allow_browser_exchange, the log names the setting', async (sandbox) => {
    const site = await serveSite(sandbox, 'plain.js');
    const node = await openNode(sandbox, site, { allow_browser_exchange: false });
    await openPage(sandbox, site, node);
    await until(10, 'the log names the setting', () => node.program.log.includes('allow_browser_exchange: true'));
  }, { seconds: SECONDS, testAllOnly: true });
});
