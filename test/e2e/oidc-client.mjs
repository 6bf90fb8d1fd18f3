/**
 * A site that logs its users in with OpenID Connect, and a node that is its provider. It knows
 * nothing about codes and scans.
 */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { openContext } from './browser.mjs';
import { phone } from './curl.mjs';
import { appToken, POOL } from './harness.mjs';
import { codeOn } from './demo-pages.mjs';
import { until } from './process.mjs';

const CLIENT = 'wiki';
const SECRET = 'the secret of the OAuth client, in the tests';

const escape = (text) => `${text}`.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** Serves each path of `pages`: a function of the request's parameters, which returns text or a redirect. */
async function serve(sandbox, pages) {
  const server = createServer(async (request, answer) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    let body = '';
    for await (const part of request) body += part;
    const page = pages[pathname];
    if (!page) return answer.writeHead(404).end();
    try {
      const { location, text } = await page(request.method === 'POST' ? new URLSearchParams(body) : searchParams, request.method);
      if (location) return answer.writeHead(302, { location }).end();
      answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      answer.end(`<!doctype html><html lang="en"><title>Wiki</title><link rel="icon" href="data:,"><h1>${escape(text)}</h1>`);
    } catch (error) {
      answer.writeHead(500).end(error.stack);
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  sandbox.onClose(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

export class OidcClient {
  /** Starts the site and its provider. */
  static async open(sandbox, { pool = {} } = {}) {
    const site = new OidcClient();
    site.sandbox = sandbox;
    /** Parameters of the authorization requests in addition to the usual ones. */
    site.more = {};
    /** The authorization responses, in order. */
    site.responses = [];
    site.home = await serve(sandbox, { '/denied': () => ({ text: 'You are not logged in' }) });
    site.address = await serve(sandbox, {
      '/login': () => ({ location: site.#request() }),
      '/callback': (params, method) => site.#callback(params, method),
    });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    site.node = await sandbox.node({
      settings: { signing_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) },
      pool: {
        max_codes: 3, clients: [{ id: CLIENT, name: 'Wiki <&>', secret: SECRET, redirect_uris: [`${site.address}/callback`] }], ...pool,
      },
    });
    site.issuer = `${site.node.address}/oidc/${POOL}`;
    return site;
  }

  /** The address of a new authorization request. */
  #request() {
    [this.state, this.nonce, this.verifier] = [0, 0, 0].map(() => randomBytes(32).toString('base64url'));
    return `${this.issuer}/auth?${new URLSearchParams({
      client_id: CLIENT, redirect_uri: `${this.address}/callback`, response_type: 'code', scope: 'openid profile email', state: this.state, nonce: this.nonce,
      code_challenge: createHash('sha256').update(this.verifier).digest('base64url'), code_challenge_method: 'S256', ...this.more,
    })}`;
  }

  /** Exchanges the code of an authorization response, and says who has logged in. */
  async #callback(params, method) {
    this.responses.push({ method, ...Object.fromEntries(params) });
    assert.equal(params.get('state'), this.state);
    assert.equal(params.get('iss'), this.issuer);
    if (params.has('error')) return { location: `${this.home}/denied` }; // on another origin
    const answer = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${CLIENT}:${encodeURIComponent(SECRET)}`)}` },
      body: new URLSearchParams({ grant_type: 'authorization_code', code: params.get('code'), redirect_uri: `${this.address}/callback`, code_verifier: this.verifier }),
    });
    const tokens = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(tokens));
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url').toString());
    assert.deepEqual([claims.iss, claims.aud, claims.nonce], [this.issuer, CLIENT, this.nonce]);
    const user = await (await fetch(`${this.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } })).json();
    assert.equal(user.sub, claims.sub);
    return { text: `Hello ${user.nickname}` };
  }

  /** Opens the authorization page as a user who clicks "Log in" on the site. */
  async visit(browser, options, tolerate) {
    const page = await (await openContext(this.sandbox, browser, options, tolerate)).newPage();
    await page.goto(`${this.address}/login`);
    assert.match(page.url(), /\/auth\?/);
    return page;
  }

  /** The id of the code in a screenshot of the page, once it differs from `before`. */
  codeOn(page, before = '') {
    return until(15, 'a code in the screenshot', async () => {
      const { random } = JSON.parse(await codeOn(this.sandbox, page));
      return random !== before && random;
    });
  }

  /** Makes a step of Alice's app. */
  async app(step, random) {
    const { answer } = await phone(this.node, step, random, appToken({ sub: 'alice', nickname: 'Alice', email: 'alice@example.com' }));
    assert.equal(answer.code, 200, JSON.stringify(answer));
  }
}
