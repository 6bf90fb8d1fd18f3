/**
 * The API reference: search, one language for all samples, and buttons that copy. Without it the
 * page shows everything.
 */
const search = /** @type {HTMLLabelElement} */ (document.querySelector('.search'));
const input = /** @type {HTMLInputElement} */ (search.querySelector('input'));
const found = /** @type {HTMLElement} */ (document.querySelector('.found'));
const entries = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.entry')]);
const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll('nav li > a')]);
const texts = new Map(entries.map((entry) => [entry, `${entry.id} ${entry.textContent}`.toLowerCase()]));

/** Shows the entries that contain every word, and the links to them. */
function find() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = entries.filter((entry) => words.every((word) => texts.get(entry)?.includes(word)));
  for (const entry of entries) entry.hidden = !matches.includes(entry);
  for (const group of document.querySelectorAll('.group')) {
    group.toggleAttribute('hidden', !matches.some((entry) => group.contains(entry)));
  }
  const ids = matches.map(({ id }) => `#${id}`);
  for (const link of links) link.hidden = words.length > 0 && !ids.includes(link.hash);
  found.textContent = words.length === 0 ? '' : `${matches.length} of ${entries.length} entries`;
}

/**
 * @param {string} text
 * @param {string} kind
 * @param {(button: HTMLButtonElement) => void} press
 */
function buttonOf(text, kind, press) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = kind;
  button.textContent = text;
  button.addEventListener('click', () => press(button));
  return button;
}

/** @param {string} lang shown in all samples that have it; others show their first */
function choose(lang) {
  for (const samples of document.querySelectorAll('.samples')) {
    const figures = /** @type {HTMLElement[]} */ ([...samples.querySelectorAll('figure')]);
    const shown = figures.find((figure) => figure.dataset.lang === lang) ?? figures[0];
    for (const figure of figures) figure.hidden = figure !== shown;
    for (const button of samples.querySelectorAll('.languages button')) {
      button.setAttribute('aria-pressed', `${button.textContent === shown?.dataset.lang}`);
    }
  }
}

for (const samples of document.querySelectorAll('.samples')) {
  const languages = document.createElement('div');
  languages.className = 'languages';
  for (const figure of samples.querySelectorAll('figure')) {
    const lang = figure.dataset.lang ?? '';
    languages.append(buttonOf(lang, '', () => choose(lang)));
    figure.querySelector('figcaption')?.setAttribute('hidden', '');
    figure.append(buttonOf('Copy', 'copy', async (button) => {
      await navigator.clipboard.writeText(figure.querySelector('code')?.textContent ?? '').then(
        () => { button.textContent = 'Copied'; },
        () => { button.textContent = 'Not allowed'; },
      );
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    }));
  }
  samples.prepend(languages);
}

choose('curl');
search.hidden = false;
input.addEventListener('input', find);
addEventListener('hashchange', () => {
  const target = document.querySelector(`#${CSS.escape(location.hash.slice(1))}`);
  if (target?.matches('[hidden], [hidden] *')) { // a link to what the search hides
    input.value = '';
    find();
    target.scrollIntoView();
  }
});
