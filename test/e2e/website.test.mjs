/** The code in docs/website.md runs as it stands: page, back end, and the exchange in each language. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe } from 'node:test';

import { DESKTOP, launch, openContext, waitForText } from './browser.mjs';
import { curl, gene, phone } from './curl.mjs';
import { appToken, freePort, POOL, POOL_SECRET, scenario } from './harness.mjs';
import { run, until } from './process.mjs';
import { has, tool } from './tools.mjs';

const SECONDS = 60; // compilers, where nothing is in a cache
const ALICE = { sub: 'alice', nickname: 'Alice', email: 'alice@example.com' };

/** The blocks of the guide whose info string has `kind=NAME`, by name. */
async function blocks(kind) {
  const guide = await readFile(resolve(import.meta.dirname, '../../docs/website.md'), 'utf8');
  return new Map([...guide.matchAll(new RegExp(`^\`\`\`\\w+ ${kind}=(\\S+)\\n([^]*?)^\`\`\``, 'gm'))].map(([, name, code]) => [name, code]));
}

/** Each language: the file, the guide's function with a call, and the commands. */
const LANGUAGES = {
  node: {
    file: 'exchange.mjs', needs: 'node', command: ['node', 'exchange.mjs'],
    whole: (code) => `${code}\nconsole.log(JSON.stringify(await exchange(process.argv[2])));\n`,
  },
  go: {
    file: 'main.go', needs: 'go', command: ['go', 'run', 'main.go'],
    whole: (code) => `package main\n\n${code}
func main() {
	user, err := exchange(context.Background(), os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(user)
}
`,
  },
  python: {
    file: 'exchange.py', needs: 'python3', command: ['python3', 'exchange.py'],
    whole: (code) => `${code}\nimport sys\nprint(json.dumps(exchange(sys.argv[1])))\n`,
  },
  java: {
    file: 'Main.java', needs: 'java', command: ['java', 'Main.java'],
    whole: (code) => code.replace('class ScanLogin', 'class Main {\n    public static void main(String[] all) throws Exception {\n        System.out.println(ScanLogin.exchange(all[0]));\n    }\n}\n\nclass ScanLogin'),
  },
  php: {
    file: 'exchange.php', needs: 'php', command: ['php', 'exchange.php'],
    whole: (code) => `<?php\n${code}\necho json_encode(exchange($argv[1]));\n`,
  },
};
/** Those that need nothing that the other tests do not need. */
const ALWAYS = ['node', 'go', 'python'];

async function app(node, step, random) {
  const { answer } = await phone(node, step, random, appToken(ALICE));
  assert.equal(answer.code, 200, JSON.stringify(answer));
}

/** A ticket of Alice. */
async function ticketOf(node, random) {
  await app(node, 'scanned', random);
  await app(node, 'confirm', random);
  const { answer } = await curl(`${node.address}/api/v2/qrcode/check?random=${random}`, '--user', `${POOL}:${POOL_SECRET}`);
  return answer.data.ticket;
}

describe('docs/website.md: the exchange', { concurrency: 2 }, () => {
  for (const [language, { file, needs, command, whole }] of Object.entries(LANGUAGES)) {
    if (!ALWAYS.includes(language) && !has(needs)) continue;
    scenario(`in ${language} returns the user once`, async (sandbox) => {
      const code = (await blocks('exchange')).get(language);
      assert.ok(code, 'the guide has the snippet');
      await writeFile(join(sandbox.dir, file), whole(code));
      const node = await sandbox.node();
      const ticket = await ticketOf(node, (await gene(node, POOL)).random);
      const exchange = () => run(tool(command[0]), [...command.slice(1), ticket], {
        cwd: sandbox.dir, mayFail: true, seconds: SECONDS,
        env: { SCANLOGIN_URL: node.address, SCANLOGIN_POOL: POOL, EXAMPLE_SECRET: POOL_SECRET, GOFLAGS: '-trimpath', GOWORK: 'off' },
      });
      const first = await exchange();
      assert.equal(first.code, 0, first.stdout + first.stderr);
      const user = JSON.parse(first.stdout);
      assert.equal((user.data ?? user).email, ALICE.email);
      const second = await exchange();
      assert.notEqual(second.code, 0, 'the second exchange fails');
      assert.match(second.stdout + second.stderr, /Ticket is invalid or has been used/);
    }, { seconds: 3 * SECONDS });
  }
});

describe('docs/website.md: the site', () => {
  /** @type {import('playwright-core').Browser} */
  let browser;
  before(async () => { browser = await launch(); });
  after(() => browser?.close());

  scenario('logs users in by page and back end, and refuses a ticket of another session', async (sandbox) => {
    const folder = join(sandbox.dir, 'site');
    await mkdir(folder);
    const listen = await freePort();
    const address = `http://127.0.0.1:${listen}`;
    const node = await sandbox.node({ pool: { origins: [address] } });
    const here = (text) => text.replaceAll('http://127.0.0.1:8080', node.address).replaceAll('pool="example"', `pool="${POOL}"`)
      .replaceAll('http://127.0.0.1:3000', address).replaceAll('listen(3000,', `listen(${listen},`);
    for (const [file, code] of await blocks('file')) await writeFile(join(folder, file), here(code));
    await writeFile(join(folder, 'exchange.mjs'), (await blocks('exchange')).get('node'));
    sandbox.start(tool('node'), ['server.mjs'], { cwd: folder, env: { SCANLOGIN_URL: node.address, SCANLOGIN_POOL: POOL, EXAMPLE_SECRET: POOL_SECRET } });
    await until(10, 'the site answers', async () => (await curl(`${address}/`)).status === 200);

    const context = await openContext(sandbox, browser, DESKTOP, /favicon|ERR_FAILED|status of 502/);
    const page = await context.newPage();
    await page.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
    await page.route('**/scanlogin.js', (route) => route.abort());
    await page.goto(address);
    await waitForText(page, 'The QR code could not be loaded.');
    await page.unroute('**/scanlogin.js');
    await page.getByRole('link', { name: 'Try again' }).click();
    await page.locator('scan-login .steps').waitFor();
    assert.equal(await page.getByText('The QR code could not be loaded.').isVisible(), false);
    const noted = page.waitForRequest(`${address}/login/code`);
    await page.goto(address);
    const { random } = (await noted).postDataJSON();
    const cookie = async () => (await context.cookies(address)).find(({ name }) => name === 'session').value;
    const before = await cookie();

    const post = (path, body, session, origin = address) => curl(address + path, '--header', 'content-type: application/json',
      '--header', `origin: ${origin}`, '--cookie', `session=${session}`, '--data-binary', JSON.stringify(body));
    const stolen = await ticketOf(node, (await gene(node, POOL)).random);
    assert.equal((await post('/login', { ticket: stolen }, before)).status, 403, "an attacker's ticket in the visitor's session");
    assert.equal((await post('/login/code', { random }, before, 'https://evil.example.com')).status, 403, 'from another site');

    await page.route('**/login', (route) => route.fulfill({ status: 502, body: '{}' }), { times: 1 }); // an exchange without an answer
    await app(node, 'scanned', random);
    await app(node, 'confirm', random);
    await waitForText(page, 'Hello, Alice!');
    assert.notEqual(await cookie(), before, 'a logged-in user has a new session');
  });
});
