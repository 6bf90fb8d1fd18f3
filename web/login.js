/**
 * The demo's login page. The element <scan-login> handles the login; the page, which
 * is the site in the demo, exchanges the ticket and greets the user.
 */
import '../scanlogin.js';
import { part, post, Refusal, showFace, showState } from './page.js';
import { lang, localize, words } from './words.js';

const root = /** @type {HTMLElement} */ (document.querySelector('[data-app="login"]'));
const login = /** @type {import('./src/scanlogin.js').ScanLoginElement} */ (document.querySelector('scan-login'));
const { pool = '', name = '' } = root.dataset;

const title = part(root, 'title', HTMLElement);
const face = part(root, 'face', HTMLElement);
const detail = part(root, 'detail', HTMLElement);
const status = part(root, 'status', HTMLElement);
const userText = part(root, 'user', HTMLElement);

/** The link to the phone page, if the page is alone. */
const phone = document.querySelector('[data-part="phone"]');

/** @param {string} address */
function linkPhone(address) {
  phone?.setAttribute('href', address);
}

/**
 * @param {string} state
 * @param {string} [text]
 */
function show(state, text = '') {
  showState(root, state);
  if (state !== 'confirmed') title.textContent = words.logInTo(name);
  status.textContent = text;
  linkPhone('phone');
}

/** @param {any} user */
function greet(user) {
  title.textContent = words.welcome(user.nickname ?? user.username ?? user.id);
  showFace(face, user.nickname ?? '', user.photo);
  detail.textContent = user.email || user.phone || user.username || '';
  userText.textContent = JSON.stringify(user, null, 2);
  show('confirmed', words.loggedIn(name));
}

for (const type of ['code', 'scanned', 'canceled', 'expired', 'exhausted', 'error']) {
  login.addEventListener(type, (event) => {
    show(login.state);
    if (type === 'code') linkPhone(`phone?code=${/** @type {CustomEvent} */ (event).detail.random}`);
  });
}

login.addEventListener('confirmed', async (event) => {
  const { ticket, browserKey } = /** @type {CustomEvent} */ (event).detail;
  show('exchanging');
  try {
    const headers = { 'x-authing-userpool-id': pool, 'x-browser-key': browserKey };
    const { data: user } = await post('api/v2/qrcode/userinfo', { ticket }, headers);
    greet(user);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    show('refused', error.message);
  }
});

part(root, 'again', HTMLButtonElement).addEventListener('click', () => {
  status.focus(); // the button is removed next
  show('loading');
  login.start();
});

localize();
login.lang = lang;
if (root.matches('main')) document.title = words.logInTo(name);
title.textContent = words.logInTo(name);
