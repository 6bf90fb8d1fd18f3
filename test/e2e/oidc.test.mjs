/** OpenID Connect clients as they are on npm, with the authorization page in a browser. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import * as client from 'openid-client';

import { DESKTOP, launch, openContext, PHONE } from './browser.mjs';
import { onlyInAll, scenario, variations } from './harness.mjs';
import { ALICE, app, bundle, CLIENT_SECRET, logIn, openProvider, serveSite, watchCodes } from './oidc-provider.mjs';
import { until } from './process.mjs';

const SECONDS = 90;

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Opens an address in a new browser context, and returns its page and the codes that it gets. */
async function visit(sandbox, address, options = DESKTOP) {
  const page = await (await openContext(sandbox, browser, options)).newPage();
  const codes = watchCodes(page);
  await page.goto(address);
  return { page, codes };
}

/** A provider with the confidential client `portal`, as openid-client discovers it. */
async function openPortal(sandbox, authenticate, settings = {}) {
  const site = await serveSite(sandbox);
  const redirectUri = `${site}/callback`;
  const provider = await openProvider(sandbox, [{
    id: 'portal', name: 'Portal', secret: CLIENT_SECRET, redirect_uris: [redirectUri],
    scopes: ['openid', 'profile', 'email', 'offline_access'], ...settings,
  }]);
  const config = await client.discovery(new URL(provider.issuer), 'portal', undefined, authenticate(CLIENT_SECRET), { execute: [client.allowInsecureRequests] });
  return { site, redirectUri, provider, config };
}

/** The parameters of a request, and what its response must fit. */
async function newRequest(redirectUri) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expected = { pkceCodeVerifier, expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true };
  const parameters = {
    redirect_uri: redirectUri, scope: 'openid profile email offline_access', state: expected.expectedState, nonce: expected.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  };
  return { parameters, expected };
}

/** Asserts that a call is refused with an error of OAuth. */
const assertRefused = (call, error) => assert.rejects(call, (thrown) => thrown.error === error || assert.fail(thrown));

/** The whole life of a login: code, tokens, user, introspection, refresh, replay, revocation. */
async function assertLifeOfALogin(sandbox, { site, redirectUri, provider, config }) {
  const { parameters, expected } = await newRequest(redirectUri);
  const { page, codes } = await visit(sandbox, client.buildAuthorizationUrl(config, parameters).href);
  await page.getByRole('heading', { name: 'Log in to Portal' }).waitFor();
  await logIn(provider, codes);
  await page.waitForURL(`${site}/callback?**`);
  const callback = new URL(page.url());
  assert.equal(callback.searchParams.get('iss'), provider.issuer);

  const tokens = await client.authorizationCodeGrant(config, callback, expected);
  assert.deepEqual([tokens.claims().sub, tokens.claims().aud, tokens.claims().amr], ['alice', 'portal', ['qr']]);
  const { nickname, email } = await client.fetchUserInfo(config, tokens.access_token, 'alice');
  assert.deepEqual([nickname, email], [ALICE.nickname, ALICE.email]);
  const seen = await client.tokenIntrospection(config, tokens.access_token);
  assert.deepEqual([seen.active, seen.sub, seen.client_id], [true, 'alice', 'portal']);

  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
  assert.equal(refreshed.claims().sub, 'alice');

  await client.tokenRevocation(config, refreshed.refresh_token);
  await assertRefused(client.refreshTokenGrant(config, refreshed.refresh_token), 'invalid_grant');
  for (const { access_token: token } of [tokens, refreshed]) {
    assert.equal((await client.tokenIntrospection(config, token)).active, false);
  }
}

/** The script of a single-page application with oidc-client-ts. */
const SPA = `
import { UserManager } from 'oidc-client-ts';
const settings = { ...globalThis.oidcSettings, redirect_uri: location.origin + '/callback', automaticSilentRenew: false };
globalThis.manager = new UserManager(settings);
if (location.pathname === '/callback') {
  manager.signinCallback().then((user) => { globalThis.user = user; }, (error) => { globalThis.failure = error.error ?? error.message; });
} else {
  globalThis.manager.signinRedirect();
}
`;

/** Serves the application, and starts the provider of its public client `spa`. */
async function openSPA(sandbox) {
  const files = { '/page.js': await bundle(SPA) };
  const site = await serveSite(sandbox, files);
  const provider = await openProvider(sandbox, [{
    id: 'spa', name: 'Shop', redirect_uris: [`${site}/callback`], scopes: ['openid', 'profile', 'email', 'offline_access'],
  }]);
  const settings = { authority: provider.issuer, client_id: 'spa', scope: 'openid profile email offline_access', loadUserInfo: true };
  files['/'] = files['/callback'] = ['text/html; charset=utf-8', `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">
<script>globalThis.oidcSettings = ${JSON.stringify(settings)}</script><script src="/page.js"></script></html>`];
  return { site, provider };
}

/** What the application learned at its callback. */
const outcome = (page) => until(20, 'the application handles the response', () => page.evaluate(
  () => (globalThis.user || globalThis.failure) && { profile: globalThis.user?.profile, failure: globalThis.failure }));

describe('OpenID Connect clients on two nodes', { concurrency: 2 }, () => {
  for (const name of variations(['ClientSecretBasic', 'ClientSecretPost'])) {
    scenario(`openid-client with ${name}: login, user, introspection, refresh and revocation`, async (sandbox) => {
      await assertLifeOfALogin(sandbox, await openPortal(sandbox, client[name]));
    }, { seconds: SECONDS });
  }

  scenario('oidc-client-ts in a browser: login on our page, the user, and a renewal with the refresh token', async (sandbox) => {
    const { site, provider } = await openSPA(sandbox);
    const { page, codes } = await visit(sandbox, site);
    await logIn(provider, codes);
    await page.waitForURL(`${site}/callback?**`);
    const { profile, failure } = await outcome(page);
    assert.equal(failure, undefined);
    assert.deepEqual([profile.sub, profile.nickname, profile.email], ['alice', ALICE.nickname, ALICE.email]);
    const renewed = await page.evaluate(async () => {
      const before = globalThis.user.access_token;
      const { access_token: now, profile: { sub } } = await globalThis.manager.signinSilent();
      return { isNew: now !== before, sub };
    });
    assert.deepEqual(renewed, { isNew: true, sub: 'alice' });
  }, { seconds: SECONDS });

  scenario('openid-client: a device logs in with the link of its code', async (sandbox) => {
    const { issuer, ...provider } = await openProvider(sandbox, [{ id: 'tv', name: 'TV', secret: CLIENT_SECRET, device: true }], { pool: { typed_codes: true } });
    const config = await client.discovery(new URL(issuer), 'tv', undefined, client.ClientSecretBasic(CLIENT_SECRET), { execute: [client.allowInsecureRequests] });
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid profile' });
    const tokens = client.pollDeviceAuthorizationGrant(config, device);
    const random = new URL(device.verification_uri_complete).pathname.split('/').at(-1);
    await app(provider, 'scanned', random);
    await app(provider, 'confirm', random);
    assert.deepEqual([(await tokens).claims().sub, (await tokens).claims().aud], ['alice', 'tv']);
  }, { seconds: SECONDS });

  const others = [
    ['"Back to Shop" returns access_denied', async ({ page }) => {
      await page.getByRole('button', { name: 'Back to Shop' }).click();
    }, 'access_denied'],
    ['a cancel on the phone shows another code, which logs in', async ({ codes, provider }) => {
      const first = await until(20, 'the page shows a code', () => codes[0]);
      await app(provider, 'scanned', first);
      await app(provider, 'cancel', first);
      await until(20, 'the page shows another code', () => codes[1]);
      await logIn(provider, codes);
    }, undefined],
  ];
  for (const [guarantee, steps, error] of onlyInAll(others)) {
    scenario(`oidc-client-ts on a small screen: ${guarantee}`, async (sandbox) => {
      const { site, provider } = await openSPA(sandbox);
      const { page, codes } = await visit(sandbox, site, PHONE);
      await page.getByRole('heading', { name: 'Log in to Shop' }).waitFor();
      await steps({ page, codes, provider });
      await page.waitForURL(`${site}/callback?**`);
      const { profile, failure } = await outcome(page);
      assert.deepEqual([failure, profile?.sub], [error, error ? undefined : 'alice']);
    }, { seconds: SECONDS });
  }

  for (const use of onlyInAll(['again'])) {
    scenario(`openid-client: a code that is used ${use} revokes the tokens of its first use`, async (sandbox) => {
      const { site, redirectUri, provider, config } = await openPortal(sandbox, client.ClientSecretBasic);
      const { parameters, expected } = await newRequest(redirectUri);
      const { page, codes } = await visit(sandbox, client.buildAuthorizationUrl(config, parameters).href);
      await logIn(provider, codes);
      await page.waitForURL(`${site}/callback?**`);
      const tokens = await client.authorizationCodeGrant(config, new URL(page.url()), expected);
      await assertRefused(client.authorizationCodeGrant(config, new URL(page.url()), expected), 'invalid_grant');
      assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false);
    }, { seconds: SECONDS });
  }
});
