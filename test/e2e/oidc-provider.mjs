/** An OpenID Connect provider for the clients of others: two nodes on one Redis behind a balancer. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import esbuild from 'esbuild';

import { Balancer } from './balancer.mjs';
import { phone } from './curl.mjs';
import { appToken, POOL } from './harness.mjs';
import { until } from './process.mjs';

export const CLIENT_SECRET = 'the secret of the client: with a space, 100 % and a +';
export const ALICE = { sub: 'alice', nickname: 'Alice 愛麗絲', email: 'alice@example.com', email_verified: true };

/**
 * Starts the nodes. Requests go to them in turn, so every login uses both. `publicURL` is the
 * address that browsers use, if it is not the balancer's.
 * @returns {Promise<{ address: string, issuer: string, balancer: Balancer }>}
 */
export async function openProvider(sandbox, clients, { pool = {}, publicURL = '' } = {}) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const balancer = await Balancer.open(sandbox);
  const settings = { public_url: publicURL || balancer.address, signing_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
  const redis = await sandbox.redis();
  const nodes = await Promise.all(['A', 'B'].map((name) => sandbox.node({ name: `node-${name}`, redis, settings, pool: { clients, ...pool } })));
  balancer.nodes = nodes.map(({ address }) => address);
  return { address: balancer.address, issuer: `${balancer.address}/oidc/${POOL}`, balancer };
}

/** Serves files of a site: each path has a type and a body. Other paths answer with an empty page. */
export async function serveSite(sandbox, files = {}) {
  const server = createServer(({ url }, response) => {
    const [type, body] = files[url.split('?')[0]] ?? ['text/html; charset=utf-8', '<!doctype html><html lang="en"><title>Site</title><link rel="icon" href="data:,"></html>'];
    response.setHeader('content-type', type).end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  sandbox.onClose(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** Bundles a script that imports packages, for a page. */
export async function bundle(contents) {
  const { outputFiles: [{ text }] } = await esbuild.build({
    stdin: { contents, resolveDir: import.meta.dirname }, bundle: true, write: false, format: 'iife', logLevel: 'error',
  });
  return ['text/javascript', text];
}

/** Notes the codes that pages of a context get, from now on. Returns the list of their ids. */
export function watchCodes(page) {
  const codes = [];
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
    const { event, random } = JSON.parse(payload);
    if (event === 'code') codes.push(random);
  }));
  return codes;
}

/** Makes a step on the phone of a user, and returns what the app learns. */
export async function app(provider, step, random, user = ALICE) {
  const { answer } = await phone(provider, step, random, appToken(user));
  assert.equal(answer.code, 200, JSON.stringify(answer));
  return answer.data;
}

/** Waits for the code on the authorization page, and logs in with the phone. */
export async function logIn(provider, codes, user = ALICE) {
  const random = await until(20, 'the authorization page shows a code', () => codes.at(-1));
  await app(provider, 'scanned', random, user);
  await app(provider, 'confirm', random, user);
}
