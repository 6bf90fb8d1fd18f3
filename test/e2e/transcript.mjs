/**
 * Runs what a README shows. Fenced blocks whose info string has `transcript=NAME`
 * are, one after the other, one bash script; those with `transcript-output=NAME`
 * hold what it prints on standard output. `…` stands for anything in a line,
 * and alone in a line for any lines. The lines of one block follow each other,
 * as printed; between blocks other lines may come.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';

import { freePort } from './harness.mjs';
import { within } from './process.mjs';

/** The ports that a README may use; they stand for free ones here. */
const PORTS = ['8081', '8082', '9081', '9082', '6390'];

/**
 * The transcripts in a Markdown text, by name.
 * @returns {Map<string, { script: string, outputs: string[][] }>}
 */
export function transcripts(markdown) {
  const found = new Map();
  for (const [, , info, body] of markdown.matchAll(/^(`{3,})([^`\n]*)\n([^]*?)^\1`*[ ]*$/gm)) {
    const [, kind, name] = info.match(/(?:^|\s)transcript(-output)?=(\S+)/) ?? [];
    if (!name) continue;
    if (!found.has(name)) found.set(name, { script: '', outputs: [] });
    const transcript = found.get(name);
    if (kind) transcript.outputs.push(body.replace(/\n$/, '').split('\n'));
    else transcript.script += body;
  }
  for (const [name, { script }] of found) assert(script, `${name} has output, but no commands`);
  assert(found.size > 0, 'there is no transcript');
  return found;
}

/** Plays a transcript in a folder, and asserts that it prints what it is said to. */
export async function play(house, folder, { script, outputs }, { seconds }) {
  const ports = new Map();
  for (const port of PORTS) ports.set(port, `${await freePort()}`);
  const here = (text) => text.replace(new RegExp(`\\b(${PORTS.join('|')})\\b`, 'g'), (port) => ports.get(port));

  const bash = house.start('/bin/bash', ['-euo', 'pipefail', '-c', here(script)], {
    name: 'the transcript', cwd: folder,
    env: { GOFLAGS: `${process.env.GOFLAGS ?? ''} -trimpath` }, // so that the build cache helps in any folder
  });
  let code;
  try {
    code = await within(seconds, 'the transcript ends', bash.ended);
  } finally {
    await bash.stop();
  }
  assert.equal(code, 0, `the transcript ended with ${code}\n${bash.log}`);
  assertPrinted(bash.stdout, outputs.map((lines) => lines.map(here)));
  for (const [port, free] of ports) {
    assert(!await isOpen(free), `the transcript leaves something behind that listens on ${port}; do not let it become a daemon`);
  }
}

function assertPrinted(stdout, outputs) {
  const lines = stdout.split('\n');
  let from = 0;
  for (const expected of outputs) {
    const end = lines.map((_, start) => start).slice(from).map((start) => matchAt(lines, start, expected)).find((n) => n >= 0);
    assert(end !== undefined, `expected, after line ${from}:\n${expected.join('\n')}\n--- printed:\n${stdout}`);
    from = end;
  }
}

/** The line after what matches `expected` from `start` on; -1 if nothing does. */
function matchAt(lines, start, [first, ...rest]) {
  if (first === undefined) return start;
  if (first.trim() === '…') {
    for (let next = start; next <= lines.length; next++) {
      const end = matchAt(lines, next, rest);
      if (end >= 0) return end;
    }
    return -1;
  }
  return start < lines.length && pattern(first).test(lines[start]) ? matchAt(lines, start + 1, rest) : -1;
}

function pattern(line) {
  return new RegExp(`^${line.trimEnd().split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}\\s*$`);
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('connect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
}
