/**
 * What a test plays on: a redis-server, nodes and the demo, in a folder of its
 * own, all gone when the test is over. A failure prints what they said.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { EndedEarly, Program, run, until, within } from './process.mjs';
import { scanloginPath, tool } from './tools.mjs';

const TRIES = 5; // a free port may be taken before it is used

/** The pool of the nodes here, and its secrets. */
export const POOL = 'shop';
export const POOL_SECRET = 'the secret of the pool, in the tests';
const TOKEN_SECRET = 'the secret under which the app signs, in the tests';

/** Of variations of one story: all of them in `make test-all`, the first in `make test`. */
export function variations(all) {
  return process.env.SCANLOGIN_TEST_ALL ? all : all.slice(0, 1);
}

/**
 * A test that is given a House. It ends by a deadline.
 * @param {string} promise what the test holds
 * @param {(house: House) => Promise<void>} story
 */
export function scene(promise, story, { seconds = 40 } = {}) {
  test(promise, { timeout: (seconds + 30) * 1000 }, async () => {
    const house = await House.open();
    try {
      await within(seconds, promise, story(house));
      assert.deepEqual(house.complaints, [], 'what pages complained about');
    } catch (error) {
      console.error(house.log);
      throw error;
    } finally {
      await house.close();
    }
  });
}

/** A port that nobody listens on at this moment, below those that outgoing connections take. */
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

export class House {
  /** @type {Program[]} */
  #programs = [];
  /** @type {(() => unknown)[]} */
  #farewells = [];
  /** What was noticed meanwhile and should not be; one fails the test. */
  complaints = [];

  static async open() {
    const house = new House();
    house.dir = await mkdtemp(join(tmpdir(), 'scanlogin-e2e-'));
    return house;
  }

  get log() {
    return [...this.#programs.map((program) => program.log), ...this.complaints].join('\n');
  }

  /** Has something done when the test is over. The last one is done first. */
  atEnd(farewell) {
    this.#farewells.unshift(farewell);
  }

  async close() {
    for (const farewell of this.#farewells) await farewell();
    await Promise.all(this.#programs.map((program) => program.stop()));
    await rm(this.dir, { recursive: true, force: true });
  }

  start(path, args, options = {}) {
    const program = new Program(path, args, { cwd: this.dir, ...options });
    this.#programs.push(program);
    return program;
  }

  /** Starts what needs a port, on another one if that was taken meanwhile. */
  async #onFreePort(start) {
    for (let tries = TRIES; ; tries--) {
      try {
        return await start(await freePort());
      } catch (error) {
        if (!(error instanceof EndedEarly) || tries === 1) throw error;
      }
    }
  }

  /** A redis-server; returns its address. */
  redis() {
    return this.#onFreePort(async (port) => {
      const program = this.start(tool('redis-server'),
        ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.dir]);
      await program.says('that it is ready', (out) => out.includes('Ready to accept connections'));
      return `redis://127.0.0.1:${port}/0`;
    });
  }

  /**
   * A node with one pool. `pool` overrides what the pool is by default, `settings` the rest.
   * @param {{ name?: string, redis?: string, pool?: object, settings?: object }} [options]
   * @returns {Promise<Node>}
   */
  node({ name = 'node', redis, pool = {}, settings = {} } = {}) {
    return this.#onFreePort(async (port) => {
      const address = `http://127.0.0.1:${port}`;
      const file = join(this.dir, `${name}.yaml`);
      await writeFile(file, JSON.stringify({ // which is YAML, too
        listen: `127.0.0.1:${port}`, ops_listen: '127.0.0.1:0', public_url: address, redis_url: redis,
        pools: [{
          id: POOL, name: 'Shop', secret: POOL_SECRET,
          identity: { jwt: { hs256_secret: TOKEN_SECRET } }, ...pool,
        }],
        ...settings,
      }));
      const program = this.start(scanloginPath(), ['serve', '--config', file], { name });
      const ops = await program.says('where it serves', (_, log) => log.match(/"msg":"serving".*"ops":"([^"]+)"/)?.[1]);
      await until(15, `${name} is ready`, () => run(scanloginPath(), ['healthcheck', '--url', `http://${ops}/readyz`]));
      return { address, ops: `http://${ops}`, program };
    });
  }

  /**
   * The demo; on a free port, if none is named.
   * @returns {Promise<Node & { secret: string }>}
   */
  async demo(port = 0, flags = []) {
    const program = this.start(scanloginPath(), ['demo', '--listen', `127.0.0.1:${port}`, ...flags], { name: 'demo' });
    const [, address, secret] = await program.says('where it is',
      (out) => out.match(/login page\s+(\S+)\/\n[^]*its secret\s+(\S+)\n/));
    return { address, secret, program };
  }
}

/** @typedef {{ address: string, ops?: string, program: Program }} Node */

/** The token of a user of the app, as the pool's identity takes it. */
export function appToken(user) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iat: now, exp: now + 600, ...user })}`;
  return `${text}.${createHmac('sha256', TOKEN_SECRET).update(text).digest('base64url')}`;
}
