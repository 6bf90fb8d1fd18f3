/**
 * A login page whose WebSocket is answered by the test: any messages, and any text for the code.
 * The page has the strictest policy that the element works under.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { resolve } from 'node:path';

import { WebSocketServer } from 'ws';

import { openContext } from './browser.mjs';
import { EVENTS } from './example-site.mjs';

const MODULE = resolve(import.meta.dirname, '../../web/scanlogin.js');

const SCRIPT = `
const login = document.querySelector('scan-login');
window.receivedEvents = [];
for (const type of ${JSON.stringify(EVENTS)}) login.addEventListener(type, ({ detail }) => receivedEvents.push({ type, detail }));
login.setAttribute('pool', location.pathname.slice(1));
`;

const HTML = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Log in</title>
  <link rel="icon" href="/logo.svg">
  <script type="module" src="/scanlogin.js"></script>
  <script type="module" src="/site.js"></script>
</head>
<body><scan-login></scan-login></body>
</html>`;

// A logo that covers its whole square, and is dark: the worst case for readers.
const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#4c1d95" d="M0 0h8v8H0z"/></svg>';

export class ScriptedSite {
  /** All paths that the page requested. */
  requests = [];

  /**
   * @param {import('./harness.mjs').Sandbox} sandbox
   * @param {{ address: string } | undefined} node whose module the page uses; by default that in web/
   * @param {(send: (message: object) => void, pool: string, socket: import('ws').WebSocket, resumes: boolean) => void} script called for each connection
   */
  static async open(sandbox, node, script) {
    const site = new ScriptedSite();
    site.sandbox = sandbox;
    const module = node ? await (await fetch(`${node.address}/scanlogin.js`)).text() : await readFile(MODULE, 'utf8');
    const files = { '/site.js': ['text/javascript', SCRIPT], '/scanlogin.js': ['text/javascript', module], '/logo.svg': ['image/svg+xml', LOGO] };
    const server = createServer(({ url }, answer) => {
      site.requests.push(url);
      const [type, body] = files[url] ?? ['text/html; charset=utf-8', HTML];
      answer.writeHead(200, { 'content-type': type, 'content-security-policy': site.policy });
      answer.end(body);
    });
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket, { url }) => {
      const query = new URL(url, site.address).searchParams;
      script((message) => socket.send(JSON.stringify(message)), query.get('userPoolId'), socket, query.has('random'));
    });
    await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    sandbox.onClose(() => {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
    });
    site.address = `http://127.0.0.1:${server.address().port}`;
    site.policy = ["default-src 'none'", "script-src 'self'", "img-src 'self'", `connect-src 'self' ${site.address.replace('http', 'ws')}`,
      "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"].join('; ');
    return site;
  }

  /** Opens the page in a context of its own. */
  async visit(browser, options, pool = 'shop') {
    const page = await (await openContext(this.sandbox, browser, options)).newPage();
    await page.goto(`${this.address}/${pool}`);
    return page;
  }
}
