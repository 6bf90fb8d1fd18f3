/** The texts of this page's language, by the English ones. The server puts them into the page. */
const words = JSON.parse(document.body.dataset.words ?? '{}');

/**
 * Returns a text in the page's language, with `value` in the place of %s.
 * @param {string} english
 * @param {unknown} [value]
 */
export function t(english, value) {
  return (words[english] ?? english).replace('%s', () => String(value));
}

/** The page's language, for the formats of Intl. */
export const language = document.documentElement.lang || 'en';
