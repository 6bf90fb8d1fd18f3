/** Makes text from third parties safe to show. */

// Unicode classes Cc, Cf, Co, Cs, Zl, Zp and invisible characters of other classes, as ranges: Hermes of older
// React Native versions has no \p{…}. A test compares them with the engine's classes.
const HIDDEN: readonly (readonly [number, number])[] = [
  [0x00, 0x1f], [0x7f, 0x9f], [0xad, 0xad], [0x34f, 0x34f], [0x600, 0x605], [0x61c, 0x61c], [0x6dd, 0x6dd],
  [0x70f, 0x70f], [0x890, 0x891], [0x8e2, 0x8e2], [0x115f, 0x1160], [0x17b4, 0x17b5], [0x180e, 0x180e], [0x200b, 0x200f],
  [0x2028, 0x202e], [0x2060, 0x2064], [0x2066, 0x206f], [0x2800, 0x2800], [0x3164, 0x3164], [0xd800, 0xf8ff],
  [0xfeff, 0xfeff], [0xffa0, 0xffa0], [0xfff9, 0xfffc], [0x110bd, 0x110bd], [0x110cd, 0x110cd], [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3], [0x1d173, 0x1d17a], [0xe0001, 0xe0001], [0xe0020, 0xe007f], [0xf0000, 0xffffd], [0x100000, 0x10fffd],
];

/**
 * Returns text, such as a value of `customData`, with at most `limit` characters, in one line, and without control
 * characters, invisible characters and characters that change the order of others.
 */
export function displayText(text: string, limit = 200): string {
  const visible = Array.from(text.replace(/[^\S\ufeff]/g, ' ')).filter((character) => {
    const point = character.codePointAt(0)!;
    return !HIDDEN.some(([from, to]) => point >= from && point <= to);
  });
  const characters = Array.from(visible.join('').replace(/ +/g, ' ').trim());
  return characters.length <= limit ? characters.join('') : `${characters.slice(0, Math.max(0, limit - 1)).join('')}…`;
}
