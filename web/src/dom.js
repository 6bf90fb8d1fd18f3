/** Helpers for the element's parts. */
import styles from 'styles.css'; // minified by web/build.sh

/** @type {CSSStyleSheet | undefined} One for all elements. */
let sheet;

export function styleSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
  }
  return sheet;
}

/**
 * Creates an element; its part name is its class, too.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} name
 * @param {...Node} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, name, ...children) {
  const element = document.createElement(tag);
  element.className = name;
  element.part.value = name;
  element.append(...children);
  return element;
}

/**
 * Minutes and seconds.
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${`${whole % 60}`.padStart(2, '0')}`;
}

/**
 * An address that opens the app, or '' if the text is no address or could run a script.
 * @param {string} text
 */
export function safeLink(text) {
  if (!URL.canParse(text)) return '';
  return /^(javascript|data|blob|file|vbscript|about):$/.test(new URL(text).protocol) ? '' : text;
}
