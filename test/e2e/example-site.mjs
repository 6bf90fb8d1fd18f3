/**
 * A site that has put <scan-login> on its login page, under a policy as strict
 * as a careful site's: two nodes on one Redis, behind a load balancer, and the
 * page on another origin than theirs.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';

import { person } from './browser.mjs';
import { phone } from './curl.mjs';
import { Front } from './front.mjs';
import { appToken, POOL } from './harness.mjs';
import { until } from './process.mjs';

const EVENTS = ['code', 'scanned', 'confirmed', 'canceled', 'expired', 'exhausted', 'error', 'offline', 'online'];

const escape = (text) => `${text}`.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

function html(front, attributes) {
  const written = Object.entries({ pool: POOL, name: 'Shop', ...attributes }).map(([name, value]) => ` ${name}="${escape(value)}"`);
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Shop</title>
  <link rel="icon" href="/alice.svg">
  <link rel="stylesheet" href="/site.css">
  <script type="module" src="/site.js"></script>
  <script type="module" src="${front}/scanlogin.js"></script>
</head>
<body>
  <main>
    <h1>Log in to Shop</h1>
    <scan-login${written.join('')}></scan-login>
  </main>
</body>
</html>`;
}

const SCRIPT = `
const login = document.querySelector('scan-login');
window.told = [];
for (const type of ${JSON.stringify(EVENTS)}) login.addEventListener(type, ({ detail }) => told.push({ type, detail }));
`;

const STYLE = `
body { margin: 0; padding: 2rem 1rem; background: Canvas; color: CanvasText; font: 16px/1.5 system-ui, sans-serif; text-align: center; }
.red { --scan-login-accent: rgb(170, 0, 0); }
.red::part(status) { letter-spacing: 2px; }
`;

const FACE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#7c3aed" d="M0 0h8v8H0z"/></svg>';

async function serve(house, front) {
  const policy = ["default-src 'none'", `script-src 'self' ${front}`, "style-src 'self'", `img-src 'self' ${front}`,
    `connect-src ${front} ${front.replace('http', 'ws')}`, "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"];
  const server = createServer(({ url }, answer) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const [type, body] = {
      '/site.js': ['text/javascript', SCRIPT], '/site.css': ['text/css', STYLE], '/alice.svg': ['image/svg+xml', FACE],
    }[pathname] ?? ['text/html; charset=utf-8', html(front, Object.fromEntries(searchParams))];
    answer.writeHead(200, { 'content-type': type, 'content-security-policy': policy.join('; ') });
    answer.end(body);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  house.atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

export class Shop {
  /** Two nodes on one redis-server, or one without. */
  static async open(house, { pool = {}, alone = false } = {}) {
    const shop = new Shop();
    shop.house = house;
    shop.front = await Front.open(house);
    shop.address = await serve(house, shop.front.address);
    const redis = alone ? undefined : await house.redis();
    const names = alone ? ['a'] : ['a', 'b'];
    const nodes = await Promise.all(names.map((name) => house.node({ name: `node-${name}`, redis, pool: { origins: [shop.address], ...pool } })));
    [shop.a, shop.b = shop.a] = nodes;
    shop.front.nodes = nodes.map((node) => node.address);
    shop.alice = { sub: 'alice', nickname: 'Alice', picture: `${shop.address}/alice.svg`, email: 'alice@example.com' };
    return shop;
  }

  /** Opens the login page; `attributes` are the element's. */
  async visit(browser, { options, attributes = {}, tolerate, prepare } = {}) {
    const context = await person(this.house, browser, options, tolerate);
    if (prepare) await context.addInitScript(prepare);
    const page = await context.newPage();
    await page.goto(`${this.address}/?${new URLSearchParams(attributes)}`);
    return page;
  }

  /** What the app does, on the second node unless another is named. */
  async app(step, random, node = this.b, more = {}) {
    const { answer } = await phone(node, step, random, appToken(this.alice), more);
    assert.equal(answer.code, 200, JSON.stringify(answer));
  }

  /** Somebody else scans the code, and cancels: who does that again and again is left in peace for a while. */
  async decline(random, sub) {
    for (const step of ['scanned', 'cancel']) {
      const { answer } = await phone(this.b, step, random, appToken({ ...this.alice, sub }));
      assert.equal(answer.code, 200, JSON.stringify(answer));
    }
  }
}

/** Waits until the element is in a state. */
export async function shows(page, state) {
  await page.locator(`scan-login [data-state="${state}"]`).waitFor();
}

/** The id of the code that is shown, once it is another than `before`. */
export function codeOf(page, before = '') {
  return until(15, 'a code is shown', async () => {
    await shows(page, 'waiting');
    const src = await page.locator('scan-login .code').getAttribute('src');
    const random = src.match(/image\/(\w{30})\.svg$/)[1];
    return random !== before && random;
  });
}

/** What the element has told of a kind. */
export async function told(page, type) {
  return (await page.evaluate(() => globalThis.told)).filter((one) => one.type === type).map((one) => one.detail);
}
