/**
 * The module /scanlogin.js: the element <scan-login> for login pages, and the class ScanLogin,
 * which has no user interface. See docs/website.md.
 *
 * It guarantees that states never go back on one connection, that a lost connection is resumed
 * with the code on the screen, that other transports are used where WebSockets are blocked, that
 * a ticket is delivered once and never for a withdrawn code, that a hidden page requests no
 * codes, and that data from third parties is only inserted as text.
 */
import { ScanLoginElement } from './element.js';

export { ScanLogin } from './client.js';
export { ScanLoginElement } from './element.js';
export { words } from './words.js';

if (globalThis.customElements && !customElements.get('scan-login')) {
  customElements.define('scan-login', ScanLoginElement);
}
