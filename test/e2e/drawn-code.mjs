/** Measures the code that <scan-login> has drawn: on its canvas, and on the screen. */
import { writeFile } from 'node:fs/promises';

/**
 * Takes a screenshot, and saves the code with its quiet zone as a PNG file.
 * @returns {Promise<Measured>}
 *
 * Lengths are in device pixels, except `quiet`, which is in modules.
 * @typedef {{ canvas: number, scale: number, modules: number, quiet: number, broken: number, differing: number }} Measured
 * `canvas` is the side of the canvas and `scale` that of a module; `broken` counts the pixels that
 * differ from the first pixel of their module, `differing` those that the screen shows otherwise.
 */
export async function capture(page, file) {
  const screenshot = (await page.screenshot()).toString('base64');
  await page.evaluate(IN_PAGE.join('\n'));
  const { picture, ...measured } = await page.evaluate((png) => globalThis.measureCode(png), screenshot);
  await writeFile(file, Buffer.from(picture, 'base64'));
  return measured;
}

// The functions below run in the page.

function pixelsOf(image) {
  const copy = new OffscreenCanvas(image.width, image.height);
  const context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  return { copy, pixels, width: image.width, at: (x, y) => pixels[y * image.width + x] };
}

/** Finds the code on its canvas: quiet zone, pattern, module. `count` visits all pixels, or some lines. */
function findCode({ pixels, width, at }) {
  const [black, white] = [0xff000000, 0xffffffff];
  const line = (pixel) => Math.floor(pixel / width);
  const [start, end, dark] = [line(pixels.indexOf(white)), line(pixels.lastIndexOf(white)) + 1, line(pixels.indexOf(black))];
  let finder = 0; // side of a finder pattern: seven modules
  while (at(dark + finder, dark) === black) finder++;
  const count = (visit, step = 1) => {
    let found = 0;
    for (let y = start; y < end; y += step) for (let x = start; x < end; x++) if (visit(x, y)) found++;
    return found;
  };
  return { start, side: end - start, dark, scale: finder / 7, count };
}

/** Finds the canvas on the screen: it begins at a device pixel next to its position. */
function findOnScreen(canvas, drawn, shown, count) {
  const { x: left, y: top } = canvas.getBoundingClientRect();
  let best = { some: Infinity };
  for (const x of [-1, 0, 1].map((d) => Math.round(left * devicePixelRatio) + d)) {
    for (const y of [-1, 0, 1].map((d) => Math.round(top * devicePixelRatio) + d)) {
      const differs = (column, line) => shown.at(x + column, y + line) !== drawn.at(column, line);
      const some = count(differs, 16);
      if (some < best.some) best = { some, differs, x, y };
    }
  }
  return { x: best.x, y: best.y, differing: count(best.differs) };
}

/** A square of the screen as PNG, in base64. */
async function cut(copy, x, y, side, enlarge) {
  const part = new OffscreenCanvas(side * enlarge, side * enlarge);
  const context = part.getContext('2d');
  context.imageSmoothingEnabled = false;
  context.drawImage(copy, x, y, side, side, 0, 0, side * enlarge, side * enlarge);
  const bytes = new Uint8Array(await (await part.convertToBlob()).arrayBuffer());
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''));
}

async function measureCode(screenshot) {
  const canvas = document.querySelector('scan-login').shadowRoot.querySelector('.canvas');
  const drawn = pixelsOf(canvas);
  const png = Uint8Array.from(atob(screenshot), (character) => character.charCodeAt(0));
  const shown = pixelsOf(await createImageBitmap(new Blob([png])));
  const { start, side, dark, scale, count } = findCode(drawn);
  const { x, y, differing } = findOnScreen(canvas, drawn, shown, count);
  // A camera sees each pixel of a screen as several. zbar needs that, too, if a module is one pixel.
  const picture = await cut(shown.copy, x + start, y + start, side, scale < 3 ? 3 : 1);
  const first = (at) => at - (at - start) % scale; // pixel of the module
  const broken = count((column, line) => drawn.at(column, line) !== drawn.at(first(column), first(line)));
  return { picture, canvas: drawn.width, scale, modules: side / scale - 8, quiet: (dark - start) / scale, broken, differing };
}

const IN_PAGE = [pixelsOf, findCode, findOnScreen, cut, measureCode].map((f) => `globalThis.${f.name} = ${f};`);
