/** docs/oidc.md as it stands: programs of others log their users in, with the authorization page in a browser. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { DESKTOP, launch, openContext } from './browser.mjs';
import { curl } from './curl.mjs';
import { scenario, variations } from './harness.mjs';
import { clientOf, headersOn, openSite, serveHeaders, snippet, startAgent, startApache, startProxy } from './oidc-programs.mjs';
import { ALICE, app, CLIENT_SECRET, logIn, openProvider, watchCodes } from './oidc-provider.mjs';

const SECONDS = 90;
const BUILD_SECONDS = 120; // oauth2-proxy, where nothing is in Go's cache

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** A page of a new browser, and the codes that it gets. */
async function openPage(sandbox) {
  const page = await (await openContext(sandbox, browser, DESKTOP)).newPage();
  return { page, codes: watchCodes(page) };
}

describe('programs of docs/oidc.md on two nodes', { concurrency: 2 }, () => {
  for (const [who, user, flags, email] of variations([
    ['the user', ALICE, '', ALICE.email],
    ['a user without an email address', { sub: 'alice' }, '--oidc-email-claim=sub', 'alice'],
  ])) {
    scenario(`oauth2-proxy sends a visitor to our login page, and passes ${who} on in headers`, async (sandbox) => {
      const [site, upstream] = await Promise.all([openSite(sandbox), serveHeaders(sandbox)]);
      const provider = await openProvider(sandbox, [await clientOf('oauth2-proxy', { 'https://app.example.com': site.address }, CLIENT_SECRET)]);
      await startProxy(sandbox, site, { issuer: provider.issuer, upstream, secret: CLIENT_SECRET, flags });
      const { page, codes } = await openPage(sandbox);
      await page.goto(`${site.address}/reports?of=may`);
      await page.getByRole('heading', { name: 'Log in to Intranet' }).waitFor();
      await logIn(provider, codes, user);
      await page.waitForURL(`${site.address}/reports?of=may`);
      const headers = await headersOn(page);
      assert.deepEqual([headers['x-forwarded-user'], headers['x-forwarded-email']], ['alice', email]);
    }, { seconds: SECONDS + BUILD_SECONDS });
  }

  scenario('Apache with mod_auth_openidc sends a visitor to our login page, says who the user is, and logs out', async (sandbox) => {
    const [site, upstream] = await Promise.all([openSite(sandbox), serveHeaders(sandbox)]);
    const provider = await openProvider(sandbox, [await clientOf('apache', { 'https://wiki.example.com': site.address }, CLIENT_SECRET)]);
    await startApache(sandbox, site, { issuer: provider.issuer, upstream, secret: CLIENT_SECRET });
    const { page, codes } = await openPage(sandbox);
    await page.goto(`${site.address}/pages/1`);
    await page.getByRole('heading', { name: 'Log in to Wiki' }).waitFor();
    await logIn(provider, codes);
    await page.waitForURL(`${site.address}/pages/1`);
    const headers = await headersOn(page);
    assert.deepEqual([headers['x-remote-user'], headers.oidc_claim_sub, headers.oidc_claim_email], ['alice', 'alice', ALICE.email]);
    assert.equal(Buffer.from(headers.oidc_claim_nickname, 'latin1').toString(), ALICE.nickname);

    const userInfo = () => curl(`${provider.issuer}/me`, '--header', `Authorization: Bearer ${headers.oidc_access_token}`);
    assert.equal((await userInfo()).status, 200);
    await page.goto(`${site.address}${await snippet('apache-logout', { 'wiki.example.com': encodeURIComponent(new URL(site.address).host), 'https%': 'http%' })}`);
    assert.equal(page.url(), `${site.address}/goodbye`);
    assert.equal((await userInfo()).status, 401, 'the login has ended here, too');
    await page.goto(`${site.address}/pages/1`);
    await page.getByRole('heading', { name: 'Log in to Wiki' }).waitFor();
  }, { seconds: SECONDS });

  scenario('oidc-agent shows a code, which the user types into the app, and gets access tokens', async (sandbox) => {
    const provider = await openProvider(sandbox, [await clientOf('cli', {})], { pool: { typed_codes: true } });
    const agent = await startAgent(sandbox, provider.issuer);
    const typed = await agent.waitForOutput('the user code', (...out) => out.join('\n').match(/enter the code: (\S+)/)?.[1]);
    const { random, device } = await app(provider, 'scanned', typed);
    assert.deepEqual(device, { client: 'Command line', userCode: typed });
    await app(provider, 'confirm', random);
    const user = JSON.parse(await agent.waitForOutput('the user', (out) => out.match(/^\{.*\}$/m)?.[0], 30));
    assert.deepEqual([user.sub, user.email], ['alice', ALICE.email]);
  }, { seconds: SECONDS });
});
