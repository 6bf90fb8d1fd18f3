/**
 * The environment of a test: a redis-server, nodes and the demo, with a directory of
 * its own. All of it is removed after the test. A failure prints the output.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { EndedEarly, PATIENCE, Program, run, until, within } from './process.mjs';
import { scanloginPath, tool } from './tools.mjs';

const TRIES = 5; // a free port may be taken before it is used

/** The pool of the nodes here, and its secrets. */
export const POOL = 'shop';
export const POOL_SECRET = 'the secret of the pool, in the tests';
/** Signs the tokens of the app. */
export const TOKEN_SECRET = 'the secret under which the app signs, in the tests';

/** `make test-all` runs, not `make test`. */
const TEST_ALL = Boolean(process.env.SCANLOGIN_TEST_ALL);

/** Selects variations of one test: all in `make test-all`, only the first in `make test`. */
export const variations = (all) => (TEST_ALL ? all : all.slice(0, 1));

/** Selects what only `make test-all` tests. */
export const onlyInAll = (all) => (TEST_ALL ? all : []);

/**
 * Defines a test that gets a Sandbox and has a deadline.
 * @param {string} guarantee
 * @param {(sandbox: Sandbox) => Promise<void>} steps
 * @param {{ seconds?: number, testAllOnly?: boolean }} [options]
 */
export function scenario(guarantee, steps, { seconds = 40, testAllOnly = false } = {}) {
  if (testAllOnly && !TEST_ALL) return;
  test(guarantee, { timeout: (PATIENCE * seconds + 30) * 1000 }, async () => {
    const sandbox = await Sandbox.open();
    try {
      await within(seconds, guarantee, steps(sandbox));
      assert.deepEqual(sandbox.pageErrors, [], 'errors and warnings of pages');
    } catch (error) {
      console.error(sandbox.log);
      throw error;
    } finally {
      await sandbox.close();
    }
  });
}

/** A port that is free now, below the range of outgoing connections. */
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer();
    const isFree = await new Promise((resolve) => server.once('error', () => resolve(false)).listen(port, () => resolve(true)));
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

export class Sandbox {
  /** @type {Program[]} */
  #programs = [];
  /** @type {(() => unknown)[]} */
  #closeHandlers = [];
  /** Errors and warnings of pages. Any of them fails the test. */
  pageErrors = [];

  static async open() {
    const sandbox = new Sandbox();
    sandbox.dir = await mkdtemp(join(tmpdir(), 'scanlogin-e2e-'));
    return sandbox;
  }

  get log() {
    return [...this.#programs.map((program) => program.log), ...this.pageErrors].join('\n');
  }

  /** Adds a function that is called after the test, the last one first. */
  onClose(handler) {
    this.#closeHandlers.unshift(handler);
  }

  async close() {
    for (const handler of this.#closeHandlers) await handler();
    await Promise.all(this.#programs.map((program) => program.stop()));
    await rm(this.dir, { recursive: true, force: true });
  }

  start(path, args, options = {}) {
    const program = new Program(path, args, { cwd: this.dir, ...options });
    this.#programs.push(program);
    return program;
  }

  /** The program of that name that was started last. */
  program(name) {
    return this.#programs.findLast((program) => program.name === name);
  }

  /** Starts a program that needs a port, and retries if the port was taken meanwhile. */
  async onFreePort(start) {
    for (let tries = TRIES; ; tries--) {
      try {
        return await start(await freePort());
      } catch (error) {
        if (!(error instanceof EndedEarly) || tries === 1) throw error;
      }
    }
  }

  /** Starts a redis-server and returns its address. */
  redis() {
    return this.onFreePort(async (port) => {
      const program = this.start(tool('redis-server'),
        ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.dir]);
      await program.waitForOutput('the readiness message', (out) => out.includes('Ready to accept connections'));
      return `redis://127.0.0.1:${port}/0`;
    });
  }

  /**
   * Starts a node with one pool. `pool` overrides settings of the pool, `settings` others.
   * @param {{ name?: string, redis?: string, pool?: object, settings?: object }} [options]
   * @returns {Promise<Node>}
   */
  node({ name = 'node', redis, pool = {}, settings = {} } = {}) {
    return this.onFreePort(async (port) => {
      const address = `http://127.0.0.1:${port}`;
      const file = join(this.dir, `${name}.yaml`);
      await writeFile(file, JSON.stringify({ // JSON is valid YAML
        listen: `127.0.0.1:${port}`, ops_listen: '127.0.0.1:0', public_url: address, redis_url: redis,
        pools: [{
          id: POOL, name: 'Shop', secret: POOL_SECRET,
          identity: { jwt: { hs256_secret: TOKEN_SECRET } }, ...pool,
        }],
        ...settings,
      }));
      const program = this.start(scanloginPath(), ['serve', '--config', file], { name });
      const ops = await program.waitForOutput('its addresses', (_, log) => log.match(/"msg":"serving".*"ops":"([^"]+)"/)?.[1]);
      await until(15, `${name} is ready`, () => run(scanloginPath(), ['healthcheck', '--url', `http://${ops}/readyz`]));
      return { address, ops: `http://${ops}`, program };
    });
  }

  /**
   * Starts the demo, on a free port unless one is given.
   * @returns {Promise<Node & { secret: string }>}
   */
  async demo(port = 0, flags = []) {
    const program = this.start(scanloginPath(), ['demo', '--listen', `127.0.0.1:${port}`, ...flags], { name: 'demo' });
    const [, address, secret] = await program.waitForOutput('its addresses',
      (out) => out.match(/open\s+(\S+)\/\n[^]*its secret\s+(\S+)\n/));
    return { address, secret, program };
  }
}

/** @typedef {{ address: string, ops?: string, program: Program }} Node */

/** A token of the app for a user, which the pool's identity accepts. */
export function appToken(user) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iat: now, exp: now + 600, ...user })}`;
  return `${text}.${createHmac('sha256', TOKEN_SECRET).update(text).digest('base64url')}`;
}
