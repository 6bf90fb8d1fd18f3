/**
 * A site with <scan-login> on its login page and a strict content security policy:
 * two nodes on one Redis behind a load balancer, and the page on another origin.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';

import { openContext } from './browser.mjs';
import { phone } from './curl.mjs';
import { Balancer } from './balancer.mjs';
import { appToken, POOL } from './harness.mjs';
import { until } from './process.mjs';

/** The events of the element. */
export const EVENTS = ['code', 'scanned', 'confirmed', 'canceled', 'expired', 'exhausted', 'error', 'offline', 'online', 'typed-code', 'typed-code-error'];

const escape = (text) => `${text}`.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

function html(balancer, attributes) {
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
  <script type="module" src="${balancer}/scanlogin.js"></script>
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
window.receivedEvents = [];
for (const type of ${JSON.stringify(EVENTS)}) login.addEventListener(type, ({ detail }) => receivedEvents.push({ type, detail }));
`;

const STYLE = `
body { margin: 0; padding: 2rem 1rem; background: Canvas; color: CanvasText; font: 16px/1.5 system-ui, sans-serif; text-align: center; }
.red { --scan-login-accent: rgb(170, 0, 0); }
.red::part(status) { letter-spacing: 2px; }
`;

const FACE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#7c3aed" d="M0 0h8v8H0z"/></svg>';

async function serve(sandbox, balancer) {
  const policy = ["default-src 'none'", `script-src 'self' ${balancer}`, "style-src 'self'", `img-src 'self' ${balancer}`,
    `connect-src ${balancer} ${balancer.replace('http', 'ws')}`, "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"];
  const server = createServer(({ url }, answer) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const [type, body] = {
      '/site.js': ['text/javascript', SCRIPT], '/site.css': ['text/css', STYLE], '/alice.svg': ['image/svg+xml', FACE],
    }[pathname] ?? ['text/html; charset=utf-8', html(balancer, Object.fromEntries(searchParams))];
    answer.writeHead(200, { 'content-type': type, 'content-security-policy': policy.join('; ') });
    answer.end(body);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  sandbox.onClose(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

export class ExampleSite {
  /** Starts two nodes on one redis-server, or a single one without Redis. */
  static async open(sandbox, { pool = {}, single = false } = {}) {
    const site = new ExampleSite();
    site.sandbox = sandbox;
    site.balancer = await Balancer.open(sandbox);
    site.address = await serve(sandbox, site.balancer.address);
    const redis = single ? undefined : await sandbox.redis();
    const names = single ? ['a'] : ['a', 'b'];
    const nodes = await Promise.all(names.map((name) => sandbox.node({ name: `node-${name}`, redis, pool: { origins: [site.address], ...pool } })));
    [site.a, site.b = site.a] = nodes;
    site.balancer.nodes = nodes.map((node) => node.address);
    site.alice = { sub: 'alice', nickname: 'Alice', picture: `${site.address}/alice.svg`, email: 'alice@example.com' };
    return site;
  }

  /** Opens the login page with the given attributes of the element. */
  async visit(browser, { options, attributes = {}, tolerate, prepare } = {}) {
    const context = await openContext(this.sandbox, browser, options, tolerate);
    if (prepare) await context.addInitScript(prepare);
    const page = await context.newPage();
    await page.goto(`${this.address}/?${new URLSearchParams(attributes)}`);
    return page;
  }

  /** Makes a step of the app, on the second node unless another is given. */
  async app(step, random, node = this.b, more = {}) {
    const { answer } = await phone(node, step, random, appToken(this.alice), more);
    assert.equal(answer.code, 200, JSON.stringify(answer));
  }

  /** Another user scans and cancels. One user would enter a cool-down after several cancels. */
  async decline(random, sub) {
    for (const step of ['scanned', 'cancel']) {
      const { answer } = await phone(this.b, step, random, appToken({ ...this.alice, sub }));
      assert.equal(answer.code, 200, JSON.stringify(answer));
    }
  }
}

/** Waits until the element is in a state. */
export async function waitForElement(page, state) {
  await page.locator(`scan-login [data-state="${state}"]`).waitFor();
}

/** The id of the code that the element shows, once it differs from `before`. */
export function codeOf(page, before = '') {
  return until(15, 'a code is shown', async () => {
    await waitForElement(page, 'waiting');
    const random = (await eventsOf(page, 'code')).at(-1)?.random;
    return random !== before && random;
  });
}

/** The details of all events of a type that the element has sent. */
export async function eventsOf(page, type) {
  return (await page.evaluate(() => globalThis.receivedEvents)).filter((one) => one.type === type).map((one) => one.detail);
}

/** The details of the `confirmed` events, which follow the success that the user sees. */
export function ticketsOf(page) {
  return until(5, 'the page gets its ticket', async () => {
    const all = await eventsOf(page, 'confirmed');
    return all.length > 0 && all;
  });
}
