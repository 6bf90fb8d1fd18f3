/** authing-node-sdk, a V3 client of Authing, as it is on npm. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { AuthenticationClient } from 'authing-node-sdk';

import { appToken, scenario, variations } from './harness.mjs';
import { ALICE, openProvider } from './oidc-provider.mjs';

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
});
