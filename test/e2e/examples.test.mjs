/** The examples do what they show, each started by its one command in a fresh copy. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { after, before, describe } from 'node:test';

import { DESKTOP, launch, openContext, waitForText, saveScreenshot } from './browser.mjs';
import { curl, phone } from './curl.mjs';
import { appToken, freePort, onlyInAll, POOL, POOL_SECRET, scenario } from './harness.mjs';
import { run, until } from './process.mjs';
import { SocketPage } from './socketpage.mjs';
import { scanloginPath, tool } from './tools.mjs';

const EXAMPLES = resolve(import.meta.dirname, '../../examples');
const ALICE = { sub: 'alice', nickname: 'Alice', email: 'alice@example.com' };
const SECONDS = 120; // npm and Go fetch and build, where nothing is in a cache

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** A scanlogin node, and the example as its site. */
async function openExample(sandbox, name) {
  const copy = join(sandbox.dir, 'examples');
  await cp(EXAMPLES, copy, { recursive: true, filter: (path) => !['node_modules', 'dist'].includes(basename(path)) });
  const listen = `127.0.0.1:${await freePort()}`;
  const address = `http://${listen}`;
  const node = await sandbox.node({ pool: { origins: [address] } });
  const command = name === 'go' ? ['go', 'run', '.'] : ['npm', 'start'];
  const site = sandbox.start(tool(command[0]), command.slice(1), {
    name, cwd: join(copy, name),
    env: { LISTEN: listen, SCANLOGIN_URL: node.address, SCANLOGIN_POOL: POOL, EXAMPLE_SECRET: POOL_SECRET, GOFLAGS: '-trimpath', GOWORK: 'off' },
  });
  await site.waitForOutput('where it is', (out) => out.includes(`open ${address}/`), SECONDS);
  await until(10, 'the site answers', async () => (await curl(`${address}/`)).status === 200);
  return { node, address };
}

async function app(node, step, random) {
  const { answer } = await phone(node, step, random, appToken(ALICE));
  assert.equal(answer.code, 200, JSON.stringify(answer));
}

/** A user logs in on the page, and out again. */
async function runTranscript(sandbox, { node, address }) {
  const context = await openContext(sandbox, browser, DESKTOP);
  const page = await context.newPage();
  let random = '';
  page.on('console', (message) => { random = message.text().match(/^code (\w{30})$/)?.[1] ?? random; });
  await page.goto(address);
  await until(15, 'a code is shown', () => random);
  const session = async () => (await context.cookies(address)).find(({ name }) => name === 'session');
  const before = await session();
  assert.deepEqual([before.httpOnly, before.sameSite], [true, 'Lax']);
  await app(node, 'scanned', random);
  await waitForText(page, 'Confirm on your phone');
  await app(node, 'confirm', random);
  await waitForText(page, 'Hello, Alice!');
  await saveScreenshot(page, `example-${new URL(address).port}`);
  assert.notEqual((await session()).value, before.value, 'who is logged in has a new session');
  await page.reload();
  await waitForText(page, 'Hello, Alice!');
  await page.getByRole('button', { name: 'Log out' }).click();
  await waitForText(page, 'Scan the code with your app');
}

/** A visitor of the site without a browser. */
class Visitor {
  constructor(sandbox, address, name) {
    this.address = address;
    this.jar = join(sandbox.dir, `${name}.cookies`);
  }

  post(path, body, origin = this.address) {
    return curl(this.address + path, '--cookie', this.jar, '--cookie-jar', this.jar, '--header', 'content-type: application/json',
      ...(origin ? ['--header', `origin: ${origin}`] : []), '--data-binary', JSON.stringify(body));
  }

  async me() {
    return (await curl(`${this.address}/me`, '--cookie', this.jar, '--cookie-jar', this.jar)).answer;
  }
}

/** An attacker cannot log a visitor in as another user (login CSRF). */
async function assertNoLoginCSRF(sandbox, { node, address }) {
  const attacker = new Visitor(sandbox, address, 'attacker');
  const victim = new Visitor(sandbox, address, 'victim');
  const page = new SocketPage(node, { userPoolId: POOL });
  sandbox.onClose(() => page.close());
  const { random } = await page.next('code');
  await app(node, 'scanned', random);
  await app(node, 'confirm', random);
  const { ticket } = await until(10, 'the ticket', async () => {
    const { answer } = await curl(`${node.address}/api/v2/qrcode/check?random=${random}`, '--user', `${POOL}:${POOL_SECRET}`);
    return answer.data.ticket && answer.data;
  });
  await attacker.me();
  await victim.me();
  assert.equal((await attacker.post('/login/code', { random })).status, 200);
  for (const [what, attempt] of [
    ['from another site', victim.post('/login', { ticket }, 'https://evil.example.com')],
    ['without an origin', victim.post('/login', { ticket }, '')],
    ['the code noted from another site', victim.post('/login/code', { random }, 'https://evil.example.com')],
    ["in the victim's session", victim.post('/login', { ticket })],
    ['an invented ticket', attacker.post('/login', { ticket: `${random}.${'x'.repeat(43)}` })],
  ]) {
    assert.equal((await attempt).status, 403, what);
  }
  assert.equal(await victim.me(), null);
  assert.equal((await attacker.post('/login', { ticket })).answer.nickname, 'Alice'); // their own session only
  assert.equal((await attacker.me()).nickname, 'Alice');
  assert.equal((await attacker.post('/login', { ticket })).status, 403, 'twice');
}

describe('the examples', { concurrency: 2 }, () => {
  for (const name of ['go', 'node', 'react', ...onlyInAll(['vue'])]) {
    scenario(`examples/${name} logs users in${['go', 'node'].includes(name) ? ', and resists login CSRF' : ''}`, async (sandbox) => {
      const example = await openExample(sandbox, name);
      await runTranscript(sandbox, example);
      if (['go', 'node'].includes(name)) await assertNoLoginCSRF(sandbox, example);
    }, { seconds: SECONDS + 60 });
  }
});

scenario('examples/app.sh acts as the app, and examples/scanlogin.yaml is valid', async (sandbox) => {
  const copy = join(sandbox.dir, 'examples');
  await cp(EXAMPLES, copy, { recursive: true, filter: (path) => !['node_modules', 'dist'].includes(basename(path)) });
  const node = await sandbox.node({ pool: { identity: undefined } });
  const page = new SocketPage(node, { userPoolId: POOL });
  sandbox.onClose(() => page.close());
  const { random } = await page.next('code');
  const env = { SCANLOGIN_URL: node.address, SCANLOGIN_POOL: POOL, EXAMPLE_SECRET: POOL_SECRET };
  for (const step of ['scanned', 'confirm']) {
    const { stdout } = await run(join(copy, 'app.sh'), [step, random], { env });
    assert.equal(JSON.parse(stdout).code, 200, stdout);
  }
  await run(scanloginPath(), ['check-config', '--config', join(copy, 'scanlogin.yaml')], { env });
});
