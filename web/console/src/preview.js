import { t } from './words.js';

const REQUIRED_CONTRAST = 4.5; // as internal/config requires; WCAG 2.2, 1.4.3

/**
 * Shows name, logo and color as the form has them, and the contrast of the color with white text.
 * @param {HTMLFormElement} form
 */
export function preview(form) {
  const pane = document.querySelector('[data-part="preview"]');
  const value = (name) => form.elements.namedItem(`set.${name}`)?.value.trim() ?? '';
  const part = (name) => pane.querySelector(`[data-part="${name}"]`);
  pane.hidden = false;
  part('name').textContent = value('name');

  const logo = part('logo');
  const address = URL.canParse(value('logo')) ? new URL(value('logo')) : undefined;
  logo.hidden = address?.protocol !== 'https:'; // the page's policy allows no others
  if (!logo.hidden && logo.src !== address.href) logo.src = address.href;

  const color = /^#[0-9a-f]{6}$/i.exec(value('brand_color'))?.[0];
  part('color').style.backgroundColor = color ?? '';
  const contrast = color && 1.05 / (luminance(color) + 0.05);
  const note = part('contrast');
  note.textContent = contrast ? t('Contrast with white text: %s. At least 4.5 is required.', contrast.toFixed(1)) : '';
  note.classList.toggle('problem', contrast < REQUIRED_CONTRAST);
}

/** Relative luminance of #rrggbb (WCAG 2.2). */
function luminance(color) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
