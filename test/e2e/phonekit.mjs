/** Packs clients/phone, installs it in a consumer project, and answers or disturbs its requests. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';

import { gene } from './curl.mjs';
import { appToken, POOL } from './harness.mjs';
import { PATIENCE, run } from './process.mjs';
import { tool } from './tools.mjs';

const SOURCE = resolve(import.meta.dirname, '../../clients/phone');
const VECTORS = resolve(import.meta.dirname, '../../clients/vectors');
/** The user of the app. */
export const ALICE = { sub: 'alice', nickname: 'Alice' };

const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');

/** Runs the TypeScript compiler in a folder, and returns what it says. */
export async function compile(cwd, ...args) {
  const { stdout } = await run(process.execPath, [TSC, ...args], { cwd, seconds: 120, mayFail: true });
  return stdout;
}

/**
 * Builds and packs the kit as for npm, and installs the package in a new project.
 * @returns {Promise<{ dir: string, packed: string[], load: () => Promise<typeof import('@scanlogin/phone')>, remove: () => Promise<void> }>}
 */
export async function installKit() {
  const dir = await mkdtemp(join(tmpdir(), 'scanlogin-phone-'));
  const source = join(dir, 'source');
  const consumer = join(dir, 'consumer');
  await cp(SOURCE, source, { recursive: true, filter: (path) => !['node_modules', 'dist'].includes(basename(path)) });
  const errors = await compile(source, '-p', '.');
  if (errors) throw new Error(errors);
  await mkdir(consumer);
  const { stdout } = await run(tool('npm'), ['pack', '--json', '--pack-destination', dir], { cwd: source, seconds: 60 });
  const [{ filename, files }] = JSON.parse(stdout);
  await writeFile(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  await run(tool('npm'), ['install', '--offline', '--no-audit', '--no-fund', join(dir, filename)], { cwd: consumer, seconds: 60 });
  return {
    dir: consumer,
    packed: files.map(({ path }) => path),
    load: () => import(pathToFileURL(join(consumer, 'node_modules/@scanlogin/phone/dist/index.js')).href),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export async function readVectors(name) {
  return JSON.parse(await readFile(join(VECTORS, name), 'utf8'));
}

async function listen(sandbox, handler) {
  const server = createServer(handler);
  await new Promise((done, reject) => server.once('error', reject).listen(0, '127.0.0.1', done));
  sandbox.onClose(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A server that gives the answers that it is told, in the form of the vectors. */
export async function openReplay(sandbox) {
  const replay = { answers: [], requests: [] };
  replay.address = await listen(sandbox, async (incoming, outgoing) => {
    replay.requests.push({ url: incoming.url, headers: incoming.headers, body: await text(incoming) });
    const { status, headers, body } = replay.answers.shift();
    outgoing.writeHead(status, headers);
    outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  return replay;
}

/**
 * A network between phone and node that loses messages: `faults` has, for the last segment of a path, what happens to the
 * next requests. `request`: the node does not get it. `response`: the node gets it, and the phone does not get the
 * answer. `silence`: the node does not get it, and the connection stays open. `limit`: a proxy refuses it with 429. `pass`: nothing
 * happens.
 */
export async function openNetwork(sandbox, node) {
  const network = { faults: {}, requests: [] };
  network.address = await listen(sandbox, (incoming, outgoing) => {
    const step = incoming.url.match(/(\w+)(\?.*)?$/)[1];
    network.requests.push({ step, url: incoming.url, headers: incoming.headers });
    const fault = network.faults[step]?.shift() ?? 'pass';
    if (fault === 'silence') return;
    if (fault === 'request') return incoming.socket.destroy();
    if (fault === 'limit') return outgoing.writeHead(429, { 'retry-after': '1' }).end('slow down');
    const { method, url, headers } = incoming;
    const onward = request(node.address + url, { method, headers }, (answer) => {
      if (fault === 'response') {
        answer.resume().on('end', () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  });
  network.count = (step) => network.requests.filter((one) => one.step === step).length;
  return network;
}

/**
 * Installs the kit before the tests of a file, and removes it after them. `kit` is complete when the tests run.
 * `kitOf` is the kit of Alice's app, and `more` overrides its options.
 */
export function useKit() {
  const kit = {
    /** @type {Awaited<ReturnType<typeof installKit>>} */
    project: undefined,
    /** @type {typeof import('@scanlogin/phone')} */
    phone: undefined,

    kitOf(server, more = {}) {
      return new kit.phone.PhoneKit({ server, pool: POOL, token: () => appToken(ALICE), allowHttp: true, ...more });
    },

    /** Asserts that a call fails with this kind of error, and returns the error. */
    async refusal(promise, kind) {
      const error = await promise.then((value) => assert.fail(`no error: ${JSON.stringify(value)}`), (reason) => reason);
      assert.ok(error instanceof kit.phone.LoginError, error.stack);
      assert.equal(error.kind, kind, error.stack);
      assert.ok(error.advice.en && error.advice.zh && error.advice.next);
      return error;
    },
  };
  before(async () => {
    kit.project = await installKit();
    kit.phone = await kit.project.load();
  }, { timeout: PATIENCE * 240_000 });
  after(() => kit.project?.remove());
  return kit;
}

/** A new code of the node, scanned. */
export async function scanNew(node, kit) {
  const { payload } = await gene(node, POOL);
  return kit.scan(kit.read(payload));
}
