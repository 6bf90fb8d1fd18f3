/** Reads QR codes in pictures with zbarimg. */
import { run } from './process.mjs';
import { tool } from './tools.mjs';

/** The text of the only QR code in a picture file. */
export async function readCode(file) {
  const { stdout } = await run(tool('zbarimg'), ['--quiet', '--raw', '--nodbus', '-Sdisable', '-Sqrcode.enable', file]);
  return stdout.replace(/\n$/, '');
}
