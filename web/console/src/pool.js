import { preview } from './preview.js';
import { t } from './words.js';

/**
 * Makes the form of a pool show its changes: how many are not saved, and all of them before they are.
 * @param {HTMLFormElement} form
 */
export function editPool(form) {
  const pending = form.querySelector('[data-part="pending"]');
  const review = document.querySelector('[data-part="review"]');
  const note = () => {
    const { length } = differences(form);
    pending.textContent = length ? t('Unsaved changes: %s', length) : '';
    preview(form);
  };
  form.addEventListener('input', note);
  note();

  let confirmed = false;
  form.addEventListener('submit', (event) => {
    if (confirmed || event.submitter?.name === 'reset') return;
    const changes = differences(form);
    if (changes.length === 0) return; // the server answers
    event.preventDefault();
    review.querySelector('[data-part="differences"]').replaceChildren(...changes.map(row));
    review.showModal();
    review.querySelector('[data-part="confirm"]').focus();
  });
  review.querySelector('[data-part="confirm"]').addEventListener('click', () => {
    confirmed = true;
    form.requestSubmit();
  });
  review.querySelector('[data-part="back"]').addEventListener('click', () => review.close());
}

/** The settings whose value in the form is not the one that the page was loaded with. */
function differences(form) {
  const changes = [];
  for (const setting of form.querySelectorAll('.setting')) {
    const [before, input] = ['was', 'set'].map((kind) => form.elements.namedItem(`${kind}.${setting.id}`));
    const element = input instanceof RadioNodeList ? input[0] : input; // a switch and its hidden input
    const isSwitch = element.type === 'checkbox';
    const after = isSwitch ? String(element.checked) : element.value;
    if (normalize(after) === normalize(before.value) || (before.value === '0' && after === '' && element.placeholder)) continue;
    const words = (text) => (isSwitch ? t(text === 'true' ? 'on' : 'off') : text || t(text === '' && element.placeholder && before.value !== text ? 'server default' : 'nothing'));
    changes.push({ label: setting.dataset.label, before: words(before.value === '0' && element.placeholder ? '' : before.value), after: words(after) });
  }
  return changes;
}

/** A list may be written with commas, spaces or lines. */
function normalize(text) {
  return text.trim().split(/[\s,]+/).join(' ');
}

function row({ label, before, after }) {
  const tr = document.createElement('tr');
  for (const [name, text] of [['th', label], ['td', before], ['td', after]]) {
    const cell = document.createElement(name);
    if (name === 'th') cell.scope = 'row';
    cell.textContent = text;
    tr.append(cell);
  }
  return tr;
}
