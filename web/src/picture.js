/** The picture of a code in the element. */
import { make } from './dom.js';
import { QRCode } from './qr.js';

/** @import { Code } from './types.js' */
/** @typedef {'none' | 'loading' | 'ready'} LogoState */

/** CSS pixels of the frame's padding inside the picture (styles.css: .frame, .code). */
const MARGIN = 7;
const RETRY_AFTER = 2000; // milliseconds

/**
 * Draws codes in whole device pixels. If the browser cannot draw, it shows the server's picture.
 */
export class Picture {
  #canvas = make('canvas', 'canvas');
  #logo = make('img', 'logo');
  /** The server's picture. */
  #fallback = make('img', 'fallback');
  element = make('div', 'code', this.#canvas, this.#logo, this.#fallback);
  /** @type {Code | undefined} */
  #code;
  /** @type {QRCode | undefined} */
  #qr;
  /** Side of the canvas in device pixels; 0 while it is not displayed. */
  #available = 0;
  /** @type {LogoState} */
  #logoState = 'none';
  /** @type {Code | undefined} The code that is visible. */
  #drawn;
  #onDrawn;

  /** @param {() => void} onDrawn called whenever a code has become visible */
  constructor(onDrawn) {
    this.#onDrawn = onDrawn;
    this.element.role = 'img';
    this.#logo.alt = this.#fallback.alt = '';
    this.#logo.hidden = this.#fallback.hidden = true;
    this.#logo.referrerPolicy = 'no-referrer';
    this.#logo.addEventListener('load', () => this.#setLogoState('ready'));
    // The code stays as it is: a pattern that changes is harder to scan.
    this.#logo.addEventListener('error', () => { this.#logoState = 'none'; });
    this.#fallback.addEventListener('load', () => this.#finish());
    this.#fallback.addEventListener('error', () => this.#retry());
    this.#observeSize();
  }

  /** @param {string} text the text alternative */
  set label(text) {
    this.element.ariaLabel = text;
  }

  /** There is a code to show. */
  get hasCode() {
    return this.#code !== undefined;
  }

  /** A code is visible. */
  get isVisible() {
    return this.#drawn !== undefined;
  }

  /** The visible code is the previous one. */
  get isStale() {
    return this.isVisible && this.#drawn !== this.#code;
  }

  /** @param {Code} code */
  show(code) {
    this.#code = code;
    this.#qr = new QRCode(code.payload);
    this.#draw();
  }

  /** Removes the code. */
  clear() {
    this.#code = this.#qr = this.#drawn = undefined;
    this.#canvas.width = 0;
    this.#fallback.hidden = true;
    this.#fallback.removeAttribute('src');
  }

  /** @param {string} address of an image for the center of the code; '' for none */
  setLogo(address) {
    if (address) {
      if (this.#logo.getAttribute('src') === address) return;
      this.#setLogoState('loading');
      this.#logo.src = address;
    } else {
      this.#logo.removeAttribute('src');
      this.#setLogoState('none');
    }
  }

  /** @param {LogoState} state */
  #setLogoState(state) {
    this.#logoState = state;
    this.#draw();
  }

  #observeSize() {
    const observer = new ResizeObserver(([{ contentRect, devicePixelContentBoxSize: exact }]) => {
      const rounded = Math.round(contentRect.width * devicePixelRatio);
      const side = Math.min(exact?.[0].inlineSize ?? rounded, exact?.[0].blockSize ?? rounded);
      // Chrome ignores the pixel ratio in the exact size while developer tools emulate a device.
      this.#available = Math.abs(side - rounded) > 1 ? rounded : side;
      this.#draw();
    });
    try {
      observer.observe(this.#canvas, { box: 'device-pixel-content-box' });
    } catch { // Safari
      observer.observe(this.#canvas);
    }
  }

  #draw() {
    if (!this.#qr || !this.#available) return;
    try {
      const square = this.#qr.draw(this.#canvas, {
        available: this.#available, margin: Math.round(MARGIN * devicePixelRatio), ratio: devicePixelRatio, logo: this.#logoState,
      });
      this.#placeLogo(square);
      this.#fallback.hidden = true;
      this.#finish();
    } catch {
      this.#showFallback();
    }
  }

  /** @param {ReturnType<QRCode['draw']>} square */
  #placeLogo(square) {
    this.#logo.hidden = this.#logoState !== 'ready' || !square;
    if (!square) return;
    const { style } = this.#logo;
    style.left = style.top = `${square.start / devicePixelRatio}px`;
    style.width = style.height = `${square.side / devicePixelRatio}px`;
    style.padding = `${square.padding / devicePixelRatio}px`;
  }

  #showFallback() {
    this.#logo.hidden = true;
    this.#fallback.hidden = false;
    const { svg = '' } = this.#code ?? {};
    if (this.#fallback.getAttribute('src') !== svg) this.#fallback.src = svg;
  }

  #retry() {
    const { src } = this.#fallback;
    setTimeout(() => {
      if (this.#fallback.src === src && !this.#fallback.hidden) this.#fallback.src = src;
    }, RETRY_AFTER);
  }

  #finish() {
    this.#drawn = this.#code;
    this.#onDrawn();
  }
}
