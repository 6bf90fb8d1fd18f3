/** The pattern of a code, and its place in the pixels of the screen. */
import { correction, generate } from 'lean-qr/nano';

/** @import { Bitmap2D } from 'lean-qr/nano' */

/** Light modules that ISO/IEC 18004 requires around a code. */
const QUIET_ZONE = 4;

/**
 * With a logo, the smallest module in CSS pixels. A code with a logo needs the error correction
 * of level H and has more modules; where they would be smaller, the logo is left out.
 */
const MIN_MODULE_WITH_LOGO = 2;

/**
 * Part of the code's side that a logo may cover. The square is 6 % of the area, and touches at
 * most 11 % of the codewords; level H corrects 30 %.
 */
const LOGO_PART = 1 / 4;

/**
 * Where a code is drawn. Lengths are in device pixels.
 * @typedef {object} Layout
 * @property {number} canvas side of the canvas
 * @property {number} scale side of a module
 * @property {number} origin left and upper edge of the pattern
 */

/**
 * Each module is as many whole device pixels as fit. A code that needs the margin gets it; one
 * that needs more than the canvas makes it larger, at one pixel per module.
 * @param {number} modules side of the pattern
 * @param {number} available side of the canvas
 * @param {number} margin kept free inside the canvas, if possible
 * @returns {Layout}
 */
function layOut(modules, available, margin) {
  const side = modules + 2 * QUIET_ZONE;
  const scale = Math.max(1, Math.floor((available - 2 * margin) / side));
  const canvas = Math.max(available, scale * side);
  return { canvas, scale, origin: Math.floor((canvas - scale * side) / 2) + scale * QUIET_ZONE };
}

/** A code that can be drawn in any size. */
export class QRCode {
  /** @type {Map<number, Bitmap2D>} Patterns by level. */
  #patterns = new Map();
  #text;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /**
   * Draws the code, black on white: with level M, like the server's picture, or with level H if
   * it has a logo. Returns the square for the logo in device pixels, or undefined if there is no
   * logo or it does not fit.
   * @param {HTMLCanvasElement} canvas
   * @param {object} options
   * @param {number} options.available side of the canvas in device pixels
   * @param {number} options.margin kept free inside the canvas, if possible, in device pixels
   * @param {number} options.ratio device pixels per CSS pixel
   * @param {'none' | 'loading' | 'ready'} options.logo `loading` draws the code as for a logo, but whole
   * @throws {Error} if the browser cannot draw, or the text is too long
   */
  draw(canvas, { available, margin, ratio, logo }) {
    let withLogo = logo !== 'none';
    let pattern = this.#pattern(withLogo);
    let place = layOut(pattern.size, available, margin);
    if (withLogo && place.scale < MIN_MODULE_WITH_LOGO * ratio) {
      withLogo = false;
      pattern = this.#pattern(false);
      place = layOut(pattern.size, available, margin);
    }
    canvas.width = canvas.height = place.canvas;
    const context = canvas.getContext('2d');
    if (!context) throw new Error('no canvas');
    paint(context, pattern, place);
    if (!withLogo) return undefined;
    const covered = oddAtMost(pattern.size * LOGO_PART) * place.scale;
    const start = place.origin + (pattern.size * place.scale - covered) / 2;
    if (logo === 'ready') {
      context.fillStyle = '#fff';
      context.fillRect(start, start, covered, covered);
    }
    return { start, side: covered, padding: place.scale / 2 };
  }

  /** @param {boolean} withLogo */
  #pattern(withLogo) {
    const level = withLogo ? correction.H : correction.M;
    const pattern = this.#patterns.get(level) ?? generate(this.#text, { minCorrectionLevel: level });
    this.#patterns.set(level, pattern);
    return pattern;
  }
}

/**
 * Patterns have an odd number of modules, so an odd square is exactly in the center.
 * @param {number} number
 */
function oddAtMost(number) {
  return 2 * Math.floor((number + 1) / 2) - 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Bitmap2D} pattern
 * @param {Layout} place
 */
function paint(context, pattern, { scale, origin }) {
  const quiet = QUIET_ZONE * scale;
  const side = pattern.size * scale + 2 * quiet;
  context.fillStyle = '#fff';
  context.fillRect(origin - quiet, origin - quiet, side, side);
  context.fillStyle = '#000';
  for (let y = 0; y < pattern.size; y++) {
    for (let x = 0; x < pattern.size; x++) {
      if (pattern.get(x, y)) context.fillRect(origin + x * scale, origin + y * scale, scale, scale);
    }
  }
}
