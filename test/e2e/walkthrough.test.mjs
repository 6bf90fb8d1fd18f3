/** Runs the transcripts of docs/walkthrough.md in a fresh copy of the source. */
import assert from 'node:assert/strict';
import { cp, readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { scenario } from './harness.mjs';
import { PATIENCE, run } from './process.mjs';
import { pythonPath, tool } from './tools.mjs';
import { runTranscript, transcripts } from './transcript.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const SECONDS = 120; // most of it to build, where nothing is in the cache

/** Copies the files that git tracks or would add. */
async function freshCopy(folder) {
  const { stdout } = await run(tool('git'), ['-C', ROOT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  for (const name of new Set(stdout.split('\0').filter(Boolean))) {
    await cp(join(ROOT, name), join(folder, name), { recursive: true }).catch((error) => {
      if (error.code !== 'ENOENT') throw error; // removed, but not committed so
    });
  }
  return folder;
}

scenario('the transcript of docs/walkthrough.md prints the output it shows, and leaves nothing', async (sandbox) => {
  for (const needed of ['redis-server', 'curl']) tool(needed);
  pythonPath();
  const found = transcripts(await readFile(join(ROOT, 'docs/walkthrough.md'), 'utf8'));
  const folder = await freshCopy(join(sandbox.dir, 'source'));
  for (const transcript of found.values()) await runTranscript(sandbox, folder, transcript, { seconds: SECONDS });
  assert.deepEqual(await readdir(join(folder, 'bin')), ['scanlogin'], 'files that the transcript left');
}, { seconds: 2 * SECONDS });

/** A document of one transcript; ''' are its fences. */
const document = (text) => text.replaceAll("'''", '```');

const GOOD = document(`
'''sh
exit 1 # is no transcript
'''
'''sh transcript=greeting
port=8081
[ $port != $((8000 + 81)) ] # a free one
echo "hello $port"
echo noise
'''
and then
'''sh title="more" transcript=greeting
printf '%s\\n' 'a [b] (c) 17 d' e f g end
'''
'''text transcript-output=greeting
hell… 8081
'''
'''text transcript-output=greeting
a [b] (c) … d
…
g
'''
`);

for (const [what, text, fault] of [
  ['passes', GOOD],
  ['fails where a line differs', GOOD.replace('hell… 8081', 'hallo …'), /expected, after line 0:\nhallo/],
  ['fails where a line of a block is missing', GOOD.replace('\n…\n', '\n'), /expected, after line 1:\na/],
  ['fails where the order differs', GOOD.replace('hell… 8081', 'g'), /expected, after line 6:\na/],
  ['fails where a port differs', GOOD.replace('hell… 8081', 'hell… 8082'), /expected, after line 0:\nhell/],
  ['fails where a command fails', GOOD.replace('echo noise', 'false | cat'), /ended with 1/],
  ['fails where a variable is not set', GOOD.replace('echo noise', 'echo $noise'), /ended with (1|127)/],
  ['fails where it does not end', GOOD.replace('echo noise', 'sleep 60'), new RegExp(`ends: not within ${PATIENCE} s`)],
  ['fails without a transcript', document("'''sh\necho\n'''\n"), /there is no transcript/],
  ['fails where output has no commands', document("'''text transcript-output=x\nx\n'''\n"), /no commands/],
]) {
  scenario(`a transcript ${what}`, async (sandbox) => {
    const all = async () => {
      for (const transcript of transcripts(text).values()) await runTranscript(sandbox, sandbox.dir, transcript, { seconds: 1 });
    };
    await (fault ? assert.rejects(all, fault) : all());
  });
}

scenario('processes that a transcript leaves running end with it', async (sandbox) => {
  const text = document(`
'''sh transcript=server
node -e "require('net').createServer().listen(8081, '127.0.0.1', () => console.log('up'))" > server.log &
until grep -q up server.log; do sleep 0.05; done
'''
`);
  await runTranscript(sandbox, sandbox.dir, transcripts(text).get('server'), { seconds: 10 }); // asserts that the port is free again
});
