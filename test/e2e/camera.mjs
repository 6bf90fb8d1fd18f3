/** A camera for Chromium that sees a login code. */
import { writeFile } from 'node:fs/promises';

import { chromium } from 'playwright-core';

import { PATIENCE } from './process.mjs';
import { chromiumPath } from './tools.mjs';

const WIDTH = 640;
const HEIGHT = 480;

/** Draws the picture of a code as a camera sees it, tilted and grey, and returns its brightness as base64. Runs in a page. */
async function photograph({ url, width, height }) {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.fillStyle = '#b8b4aa';
  context.fillRect(0, 0, width, height);
  context.translate(width / 2, height / 2);
  context.rotate(0.15);
  context.drawImage(picture, -170, -170, 340, 340);
  const { data } = context.getImageData(0, 0, width, height);
  const luma = Uint8Array.from({ length: width * height }, (_, i) => 16 + 0.75 * data[4 * i]);
  let text = '';
  for (const one of luma) text += String.fromCharCode(one);
  return btoa(text);
}

/** Writes a video of one frame that shows the code in a picture of the page's own origin. */
export async function filmCode(page, url, file) {
  const luma = Buffer.from(await page.evaluate(photograph, { url, width: WIDTH, height: HEIGHT }), 'base64');
  const color = Buffer.alloc((WIDTH * HEIGHT) / 2, 128); // none
  await writeFile(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1 C420jpeg\nFRAME\n`), luma, color]));
  return file;
}

/** Starts Chromium with a camera that shows a video. */
export function launchWithCamera(sandbox, video) {
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
    '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${video}`];
  return chromium.launch({ executablePath: chromiumPath(), args, timeout: PATIENCE * 30_000 }).then((browser) => {
    sandbox.onClose(() => browser.close());
    return browser;
  });
}
