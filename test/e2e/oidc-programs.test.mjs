/** docs/oidc.md as it stands: programs of others log their users in, with the authorization page in a browser. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { DESKTOP, launch, openContext, waitForState, waitForText } from './browser.mjs';
import { curl } from './curl.mjs';
import { scenario, variations } from './harness.mjs';
import { clientOf, headersOn, openSite, ROOT, serveHeaders, snippet, startAgent, startApache, startProxy } from './oidc-programs.mjs';
import { ALICE, app, CLIENT_SECRET, logIn, openProvider, watchCodes } from './oidc-provider.mjs';

const SECONDS = 90;
const BUILD_SECONDS = 120; // where nothing is in Go's cache

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

describe('the demo prints a command that logs in through OpenID Connect', { concurrency: 2 }, () => {
  /** Starts the demo and its command, and opens a browser. `look` finds in its output what the user needs. */
  async function openCommand(sandbox, look, flag = '') {
    const demo = await sandbox.demo();
    const [, command] = demo.program.stdout.match(/^ {2}(go run .+)$/m);
    const program = sandbox.start('/bin/bash', ['-c', `exec ${command.replace('./examples/oidc', `$& ${flag}`)}`], {
      name: 'examples/oidc', cwd: ROOT, env: { GOFLAGS: `${process.env.GOFLAGS ?? ''} -trimpath` },
    });
    const found = await program.waitForOutput('how to log in', (out) => out.match(look), BUILD_SECONDS);
    return { demo, program, found, context: await openContext(sandbox, browser, DESKTOP) };
  }

  /** Agrees on the phone page as Alice, and waits until the program knows it. */
  async function agree(phonePage, program) {
    await phonePage.getByRole('button', { name: 'Agree' }).click();
    await waitForState(phonePage, 'confirmed');
    const [, user] = await program.waitForOutput('the user', (out) => out.match(/^UserInfo (\{[^]*\})\n/m), 30);
    const { sub, nickname } = JSON.parse(user);
    assert.deepEqual([sub, nickname, await program.ended], ['alice', 'Alice', 0]);
  }

  scenario('whose address opens the login page, with a code to type on the phone page', async (sandbox) => {
    const { demo, program, found: [, address], context } = await openCommand(sandbox, /^open (\S+)$/m);
    const page = await context.newPage();
    await page.goto(address);
    await page.getByRole('heading', { name: 'Log in to Command line' }).waitFor();
    await page.getByRole('button', { name: 'Can’t scan?' }).click();
    await waitForText(page, 'Enter this code in your app');
    const phonePage = await context.newPage();
    await phonePage.goto(`${demo.address}/phone`);
    await phonePage.getByLabel('Login code').fill(await page.locator('scan-login .typed').textContent());
    await phonePage.getByRole('button', { name: 'Scan as Alice' }).click();
    await agree(phonePage, program);
    await page.bringToFront();
    await waitForText(page, 'You can close this page');
  }, { seconds: SECONDS + BUILD_SECONDS });

  scenario('whose device shows a code and a link to the phone page', async (sandbox) => {
    const { program, found: [, code, link], context } = await openCommand(sandbox, /type the code (\S+) [^]* open (\S+) /, '-device');
    const phonePage = await context.newPage();
    await phonePage.goto(link);
    await phonePage.getByRole('button', { name: 'Scan as Alice' }).click();
    await waitForText(phonePage, code);
    await agree(phonePage, program);
  }, { seconds: SECONDS + BUILD_SECONDS, testAllOnly: true });
});
