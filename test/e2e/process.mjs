/** Waits with deadlines, and runs programs that end with the test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

const STOP_SECONDS = 10; // scanlogin shuts down within that time

/** All deadlines are this many times what an idle machine may need: CI machines are often overcommitted. */
export const PATIENCE = 4;

/**
 * Resolves to the promise's value, or rejects after the deadline and names what is missing.
 * @template T
 * @param {number} seconds of an idle machine
 * @param {string} what
 * @param {Promise<T>} promise
 */
export async function within(seconds, what, promise) {
  const timer = new AbortController();
  const late = pause(PATIENCE * seconds * 1000, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what}: not within ${PATIENCE * seconds} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => {});
  }
}

/** Calls `ask` repeatedly until it returns a truthy value, and returns that. */
export async function until(seconds, what, ask) {
  const deadline = performance.now() + PATIENCE * seconds * 1000;
  for (let last; ; await pause(25)) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${PATIENCE * seconds} s`, { cause: last });
  }
}

/** Runs a program to its end. A code other than 0 is an error, unless `mayFail`. */
export async function run(path, args, { seconds = 20, mayFail = false, ...options } = {}) {
  const program = new Program(path, args, options);
  let code;
  try {
    code = await within(seconds, `the end of ${program.name}`, program.ended);
  } finally {
    await program.stop();
  }
  if (code !== 0 && !mayFail) throw new Error(`${program.name} ${args.join(' ')} ended with ${code}\n${program.log}`);
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** @type {Set<Program>} */
const running = new Set();
process.on('exit', () => running.forEach((program) => program.signal('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/** A child process with its own process group, which ends as a whole. */
export class Program {
  stdout = '';
  stderr = '';

  constructor(path, args, { name = path.split('/').at(-1), cwd, env = {} } = {}) {
    this.name = name;
    this.child = spawn(path, args, {
      cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(this);
    for (const stream of ['stdout', 'stderr']) {
      this.child[stream].setEncoding('utf8').on('data', (text) => { this[stream] += text; });
    }
    /** Exit code, or name of the signal; rejects if the program could not be started. */
    this.ended = once(this.child, 'exit').then(([code, signal]) => signal ?? code);
    this.closed = once(this.child, 'close'); // all output has been read
    this.isOver = false;
    const over = () => { this.isOver = true; };
    this.ended.then(over, over);
    this.closed.catch(() => {}); // ended reports the error
  }

  get log() {
    return `--- ${this.name}\n${this.stdout}${this.stderr}`;
  }

  /** Waits until `find` finds something in the output, and returns it. Rejects if the program ends. */
  async waitForOutput(what, find, seconds = 15) {
    const look = () => find(this.stdout, this.stderr);
    await until(seconds, `${this.name} prints ${what}`, () => look() || this.isOver);
    if (!look()) await this.stop(); // reads the rest of the output
    const found = look();
    if (!found) throw new EndedEarly(this);
    return found;
  }

  signal(name) {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }

  /** Ends the whole process group: with SIGTERM, then with SIGKILL. */
  async stop() {
    if (!running.delete(this)) return;
    this.signal('SIGTERM');
    await within(STOP_SECONDS, 'end', this.ended).catch(() => {});
    this.signal('SIGKILL');
    await within(STOP_SECONDS, `${this.name} closes its output`, this.closed.catch(() => {}));
  }
}

/** A program ended unexpectedly. */
export class EndedEarly extends Error {
  constructor(program) {
    super(`${program.name} ended\n${program.log}`);
  }
}
