/**
 * The demo's login page. The element <scan-login> handles the login; the page, which
 * is the site in the demo, exchanges the ticket and greets the user.
 */
import '../scanlogin.js';
import { part, post, Refusal, showFace, showState } from './page.js';
import { lang, localize, words } from './words.js';

const root = /** @type {HTMLElement} */ (document.querySelector('main'));
const login = /** @type {import('./src/scanlogin.js').ScanLoginElement} */ (document.querySelector('scan-login'));
const { pool = '', name = '' } = root.dataset;

const title = part(root, 'title', HTMLElement);
const face = part(root, 'face', HTMLElement);
const nickname = part(root, 'nickname', HTMLElement);
const detail = part(root, 'detail', HTMLElement);
const status = part(root, 'status', HTMLElement);
const userText = part(root, 'user', HTMLElement);
const phone = part(document, 'phone', HTMLAnchorElement);

/**
 * @param {string} state
 * @param {string} [text]
 */
function show(state, text = '') {
  showState(root, state);
  title.textContent = state === 'confirmed' ? name : words.logInTo(name);
  status.textContent = text;
  phone.href = 'phone';
}

/** @param {any} user */
function greet(user) {
  nickname.textContent = user.nickname ?? '';
  showFace(face, user.nickname ?? '', user.photo);
  detail.textContent = user.email || user.phone || user.username || '';
  userText.textContent = JSON.stringify(user, null, 2);
  show('confirmed', words.loggedIn);
}

for (const type of ['code', 'scanned', 'canceled', 'expired', 'exhausted', 'error']) {
  login.addEventListener(type, (event) => {
    show(login.state);
    if (type === 'code') phone.href = `phone?code=${/** @type {CustomEvent} */ (event).detail.random}`;
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
document.title = words.logInTo(name);
title.textContent = words.logInTo(name);
