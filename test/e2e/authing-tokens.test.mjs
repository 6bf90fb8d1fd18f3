/** Clients of Authing, as they are on npm, that get tokens: authing-node-sdk (V3) and @authing/web. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { AuthenticationClient } from 'authing-node-sdk';

import { DESKTOP, launch, openContext } from './browser.mjs';
import { appToken, scenario, variations } from './harness.mjs';
import { ALICE, bundle, logIn, openProvider, serveSite, watchCodes } from './oidc-provider.mjs';
import { until } from './process.mjs';

const SECONDS = 90;
const APP = 'shop-app';
const APP_SECRET = 'secret-of-the-client-without-special-characters';

/** Returns the data of an answer of V3. */
function dataOf({ statusCode, data, message, apiCode }) {
  assert.deepEqual([statusCode, apiCode], [200, undefined], message);
  return data;
}

/** A client of authing-node-sdk with options. */
const sdk = (provider, options) => new AuthenticationClient({
  appHost: provider.address, appId: APP, appSecret: APP_SECRET, redirectUri: 'https://shop.example.com/callback', ...options,
});

/** Two nodes with the confidential client APP, whose pool gives the ticket to everybody who knows the code, as the SDK needs. */
const openShop = (sandbox) => openProvider(sandbox, [{
  id: APP, name: 'Shop', secret: APP_SECRET, redirect_uris: ['https://shop.example.com/callback'], scopes: ['openid', 'profile', 'email', 'offline_access'],
}], { pool: { bind_browser: false } });

/** Creates a code, has Alice confirm it, and returns the ticket: all with the SDK. */
async function ticketOf(provider, site) {
  const phone = sdk(provider, { accessToken: appToken(ALICE), tokenEndPointAuthMethod: 'none' });
  const { qrcodeId, url } = dataOf(await site.geneQrCode({ type: 'MOBILE_APP' }));
  assert.equal((await fetch(url)).headers.get('content-type'), 'image/png');
  const statusIs = async (want) => {
    const data = dataOf(await site.getQrCodeStatus({ qrcodeId }));
    assert.equal(data.status, want);
    return data;
  };
  await statusIs('PENDING');
  dataOf(await phone.setQrCodeStatus({ qrcodeId, action: 'SCAN' }));
  assert.equal((await statusIs('SCANNED')).briefUserInfo.displayName, ALICE.nickname);
  dataOf(await phone.setQrCodeStatus({ qrcodeId, action: 'CONFIRM' }));
  return (await statusIs('AUTHORIZED')).ticket;
}

/** The script of a page with @authing/web. */
const PAGE = `
import { Authing } from '@authing/web';
const authing = new Authing({ ...globalThis.authingOptions, redirectUri: location.origin + '/callback' });
if (authing.isRedirectCallback()) authing.handleRedirectCallback().then((state) => { globalThis.state = state; }, (error) => { globalThis.failure = String(error); });
else authing.loginWithRedirect();
`;

describe('Authing clients that get tokens', { concurrency: 2 }, () => {
  for (const method of variations(['client_secret_basic', 'client_secret_post'])) {
    scenario(`authing-node-sdk with ${method}: code, exchange, profile, ID token and refresh`, async (sandbox) => {
      const provider = await openShop(sandbox);
      const site = sdk(provider, { tokenEndPointAuthMethod: method });
      const ticket = await ticketOf(provider, site);
      const inBody = method === 'client_secret_post' ? { client_id: APP, client_secret: APP_SECRET } : {};
      const tokens = dataOf(await site.exchangeTokenSetWithQrCodeTicket({ ticket, ...inBody }));
      const again = await site.exchangeTokenSetWithQrCodeTicket({ ticket, ...inBody });
      assert.deepEqual([again.statusCode, again.apiCode], [410, 2246]);

      const { sub, aud } = await site.parseIDToken(tokens.id_token);
      assert.deepEqual([sub, aud], ['alice', APP]);
      const { client_id: client } = await site.parseAccessToken(tokens.access_token);
      assert.equal(client, APP);
      const refreshed = await site.getNewAccessTokenByRefreshToken(tokens.refresh_token);
      assert.notEqual(refreshed.access_token, tokens.access_token);
      const user = sdk(provider, { accessToken: refreshed.access_token });
      const profile = dataOf(await user.getProfile({}));
      assert.deepEqual([profile.userId, profile.nickname, profile.email], ['alice', ALICE.nickname, ALICE.email]);
      assert.equal((await site.getUserInfoByAccessToken(refreshed.access_token)).sub, 'alice');
    }, { seconds: SECONDS });
  }

  scenario('@authing/web: login by redirect through our page', async (sandbox) => {
    // The SDK refuses an address with a port, so the browser maps a name to that of the balancer.
    const publicURL = 'http://login.localhost';
    const files = { '/page.js': await bundle(PAGE) };
    const site = await serveSite(sandbox, files);
    const provider = await openProvider(sandbox, [{ id: APP, name: 'Shop', redirect_uris: [`${site}/callback`] }], { publicURL });
    const options = { domain: publicURL, appId: APP, userPoolId: 'shop', redirectResponseMode: 'query', scope: 'openid profile' };
    files['/'] = files['/callback'] = ['text/html; charset=utf-8', `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">
<script>globalThis.authingOptions = ${JSON.stringify(options)}</script><script src="/page.js"></script></html>`];
    const browser = await launch([`--host-resolver-rules=MAP login.localhost ${new URL(provider.address).host}`, '--no-proxy-server']);
    sandbox.onClose(() => browser.close());
    const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
    const codes = watchCodes(page);
    await page.goto(site);
    await logIn(provider, codes);
    const found = await until(20, 'the SDK handles the response', () => page.evaluate(
      () => (globalThis.state || globalThis.failure) && { state: globalThis.state, failure: globalThis.failure }));
    assert.equal(found.failure, undefined);
    assert.deepEqual([found.state.parsedIdToken.sub, found.state.parsedAccessToken.client_id], ['alice', APP]);
  }, { seconds: SECONDS });
});
