import { t } from './words.js';

/**
 * Makes a button copy the text of the part that it names.
 * @param {HTMLButtonElement} button
 */
export function copySnippet(button) {
  const source = document.querySelector(`[data-part="${button.dataset.copy}"]`);
  const note = document.querySelector('[data-part="copied"]');
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(source.textContent); // absent over http, except on this machine
      note.textContent = t('Copied');
    } catch {
      getSelection().selectAllChildren(source);
      note.textContent = t('Select the text and copy it.');
    }
  });
}
