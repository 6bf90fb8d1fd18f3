/** Programs of others that log users in with OpenID Connect, with the settings that docs/oidc.md shows. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';

import { parse } from 'yaml';

import { Balancer } from './balancer.mjs';
import { EndedEarly, run, until } from './process.mjs';
import { tool } from './tools.mjs';

export const ROOT = resolve(import.meta.dirname, '../..');
const BUILD_SECONDS = 120; // of an idle machine, where nothing is in the cache

/**
 * A block of docs/oidc.md, by the name in its info string. `replaced` has what stands for a value
 * of the test; each must occur.
 */
export async function snippet(name, replaced) {
  const guide = await readFile(join(ROOT, 'docs/oidc.md'), 'utf8');
  let [, text] = guide.match(new RegExp(`^\`\`\`\\w+ snippet=${name}\\n([^]*?)^\`\`\``, 'm')) ?? assert.fail(`the guide has no snippet ${name}`);
  for (const [placeholder, value] of Object.entries(replaced)) {
    assert.ok(text.includes(placeholder), `${name} has ${placeholder}`);
    text = text.replaceAll(placeholder, value);
  }
  return text;
}

/** The settings of a client in docs/oidc.md, with the secret of the tests. */
export async function clientOf(name, replaced, secret) {
  const [client] = parse(await snippet(`${name}-client`, replaced));
  return client.secret ? { ...client, secret } : client;
}

/** Serves pages that show the headers of their request. They are what the programs protect. */
export async function serveHeaders(sandbox) {
  const server = createServer(({ headers }, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    const text = JSON.stringify(headers).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    response.end(`<!doctype html><html lang="en"><title>Protected</title><link rel="icon" href="data:,"><pre>${text}</pre></html>`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  sandbox.onClose(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** The headers that a page of `serveHeaders` shows, once the browser is there. */
export async function headersOn(page) {
  return JSON.parse(await page.locator('pre').textContent());
}

/** A site whose address is known before its program runs, so that the provider can list its redirect URIs. */
export function openSite(sandbox) {
  return Balancer.open(sandbox);
}

/** Waits until a program answers requests. */
async function serves(program, address) {
  await until(15, `${program.name} answers`, async () => program.isOver || fetch(address, { redirect: 'manual' }));
  if (program.isOver) throw new EndedEarly(program);
}

/** Builds oauth2-proxy, in the version of test/oidcclients, unless Go's cache has it. */
async function buildProxy(sandbox) {
  const path = join(sandbox.dir, 'oauth2-proxy');
  await run(tool('nice'), [ // other tests have deadlines
    '-n', '19', tool('go'), '-C', join(ROOT, 'test/oidcclients'), 'build', '-trimpath', '-o', path, 'github.com/oauth2-proxy/oauth2-proxy/v7',
  ], { seconds: BUILD_SECONDS });
  return path;
}

/** Starts oauth2-proxy for the site in front of `upstream`, with the flags of the guide and some more. */
export async function startProxy(sandbox, site, { issuer, upstream, secret, flags = '' }) {
  const path = await buildProxy(sandbox);
  await sandbox.onFreePort(async (port) => {
    const command = await snippet('oauth2-proxy', {
      'oauth2-proxy ': `exec ${path} --http-address=127.0.0.1:${port} --cookie-secure=false ${flags} `, // without TLS
      'https://login.example.com/oidc/acme': issuer, 'https://app.example.com': site.address, 'http://127.0.0.1:8080': upstream,
    });
    const program = sandbox.start('/bin/bash', ['-c', command], { name: 'oauth2-proxy', env: { PROXY_SECRET: secret } });
    await serves(program, `http://127.0.0.1:${port}/ping`);
    site.nodes = [`http://127.0.0.1:${port}`];
  });
}

/** What Debian's Apache has in its own configuration: modules, a user, and where it writes. */
const APACHE = (port, folder) => `
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
Mutex sysvsem
ErrorLog |/bin/cat
LogLevel warn auth_openidc:info
${process.getuid() === 0 ? 'User nobody\nGroup nogroup\n' : ''}
${['mpm_event', 'authz_core', 'authn_core', 'authz_user', 'headers', 'proxy', 'proxy_http', 'auth_openidc']
    .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
`;

/** Starts Debian's Apache with mod_auth_openidc for the site in front of `upstream`. */
export async function startApache(sandbox, site, { issuer, upstream, secret }) {
  const folder = join(sandbox.dir, 'apache');
  await mkdir(folder);
  const apache = tool('apache2');
  await sandbox.onFreePort(async (port) => {
    const settings = await snippet('apache', {
      'https://login.example.com/oidc/acme': issuer, 'https://wiki.example.com': site.address, 'http://127.0.0.1:8080': upstream,
    });
    const file = join(folder, 'apache.conf');
    await writeFile(file, APACHE(port, folder) + settings);
    const program = sandbox.start(apache, ['-D', 'FOREGROUND', '-f', file], { name: 'apache', env: { WIKI_SECRET: secret, OIDC_PASSPHRASE: 'of the cookies, in the tests' } });
    await serves(program, `http://127.0.0.1:${port}/`);
    site.nodes = [`http://127.0.0.1:${port}`];
  });
}

/** Runs the commands of the guide with oidc-agent, for a user who has a password for its files. */
export async function startAgent(sandbox, issuer) {
  for (const needed of ['oidc-agent', 'curl']) tool(needed);
  const folder = join(sandbox.dir, 'oidc-agent');
  await mkdir(folder);
  const command = await snippet('cli', {
    'eval "$(oidc-agent)"': 'eval "$(oidc-agent)" >&2\ntrap "kill $OIDCD_PID" EXIT',
    'oidc-gen acme': 'oidc-gen acme --pw-env --prompt=none',
    'https://login.example.com/oidc/acme': issuer,
  });
  return sandbox.start('/bin/bash', ['-euc', command], {
    name: 'oidc-agent', env: { HOME: folder, TMPDIR: folder, OIDC_CONFIG_DIR: folder, OIDC_ENCRYPTION_PW: 'of the files, in the tests' },
  });
}
