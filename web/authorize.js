/**
 * The authorization page: the element <scan-login> handles the login, and the page returns to the
 * OAuth client with the redirect that the server gives to this browser.
 */
import '../scanlogin.js';
import { part } from './page.js';

/** @typedef {string | { action: string, fields: Record<string, string> }} Redirect */

const login = /** @type {import('./src/scanlogin.js').ScanLoginElement} */ (document.querySelector('scan-login'));
const ended = part(document, 'ended', HTMLElement);

part(document, 'broken', HTMLElement).hidden = true;

/** @param {Redirect} redirect */
function leave(redirect) {
  if (typeof redirect === 'string') {
    location.replace(redirect);
    return;
  }
  const form = document.createElement('form');
  form.method = 'post';
  form.action = redirect.action;
  for (const [name, value] of Object.entries(redirect.fields)) {
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = name;
    input.value = value;
    form.append(input);
  }
  form.hidden = true;
  document.body.append(form);
  HTMLFormElement.prototype.submit.call(form); // a field may be called submit
}

login.addEventListener('confirmed', (event) => {
  leave(/** @type {CustomEvent} */ (event).detail.redirect);
});

// Going back ends the request, of which this page needs to hear no more.
document.querySelector('form')?.addEventListener('submit', () => login.stop());

// The request has ended, or the browser lost its cookie: no code can come.
login.addEventListener('error', () => {
  login.hidden = true;
  ended.hidden = false;
  ended.focus();
});

// A page that the browser kept shows a code that is spent.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
