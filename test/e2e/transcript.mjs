/**
 * Runs the transcripts of a document. The fenced blocks whose info string has
 * `transcript=NAME` form one bash script; those with `transcript-output=NAME` contain
 * its expected standard output. `…` matches any text within a line, and any lines if it
 * is a line of its own. The lines of one block must be consecutive; other lines may
 * come between blocks.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';

import { freePort } from './harness.mjs';
import { within } from './process.mjs';

/** The ports that a document may use. They are replaced by free ones. */
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

/** Runs a transcript in a directory, and asserts that it prints the expected output. */
export async function runTranscript(sandbox, folder, { script, outputs }, { seconds }) {
  const ports = new Map();
  for (const port of PORTS) ports.set(port, `${await freePort()}`);
  const here = (text) => text.replace(new RegExp(`\\b(${PORTS.join('|')})\\b`, 'g'), (port) => ports.get(port));

  const bash = sandbox.start('/bin/bash', ['-euo', 'pipefail', '-c', here(script)], {
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
    assert(!await isOpen(free), `a process of the transcript still listens on ${port}; do not start daemons`);
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

/** The line after the lines from `start` that match `expected`; -1 if they do not. */
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
