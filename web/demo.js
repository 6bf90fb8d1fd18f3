/**
 * The demo's first page: the login page and the phone beside each other, as one story. On a small
 * screen it only links to both: a code that is shown where the camera is cannot be scanned.
 */
import { localize, words } from './words.js';

const main = /** @type {HTMLElement} */ (document.querySelector('main'));
const login = /** @type {HTMLElement} */ (document.querySelector('scan-login'));
const phone = /** @type {HTMLElement} */ (document.querySelector('[data-app="phone"]'));
const isWide = matchMedia('(min-width: 60rem)'); // as in demo.css

/** @param {string} step */
function showStep(step) {
  for (const item of document.querySelectorAll('[data-step]')) {
    if (item.getAttribute('data-step') === step) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
  }
}

/**
 * Tells the phone which code the login page shows.
 * @param {string} [payload]
 */
function offer(payload) {
  phone.dispatchEvent(new CustomEvent('code', { detail: payload }));
}

/** Loads both, once there is room: the phone first, which then hears of the first code. */
async function open() {
  if (!isWide.matches) return;
  isWide.removeEventListener('change', open);
  await load(main.dataset.phone);
  await load(main.dataset.login);
}

/** @param {string | undefined} address relative to the page */
function load(address = '') {
  return import(new URL(address, document.baseURI).href);
}

for (const step of ['code', 'scanned', 'confirmed']) {
  login.addEventListener(step, (event) => {
    showStep(step);
    offer(step === 'code' ? /** @type {CustomEvent} */ (event).detail.payload : undefined);
  });
}
for (const end of ['expired', 'exhausted', 'error']) login.addEventListener(end, () => offer());

localize();
document.title = words.demoTitle;
showStep('code');
isWide.addEventListener('change', open);
open();
