/** The element's symbols: lines in a square of 24 units. */

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = {
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M7 7l10 10M17 7L7 17',
  offline: 'M4 4l16 16M9 13a5 5 0 0 1 4-1M5 9.5A11 11 0 0 1 8 7.6M11 6a12 12 0 0 1 8 3.5M12 18h.01',
  clock: 'M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16M12 8v4l3 2',
  alert: 'M12 5L3.5 19h17zM12 10v4M12 16.5v.01',
  phone: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1M11 18h2',
  scan: 'M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M9 9h2v2H9zM13 9h2M9 13v2M13 13h2v2h-2z',
  shield: 'M12 3l7 3v5c0 5-3 8-7 10c-4-2-7-5-7-10V6zM9 12l2 2l4-4',
};

/** @typedef {keyof typeof PATHS} Icon */

/**
 * An icon that screen readers ignore.
 * @param {Icon} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.ariaHidden = 'true';
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('pathLength', '1');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
