/**
 * Functions that the pages share: find elements, show a state or a user's picture,
 * and call the server. External text is inserted as text, not as HTML.
 */
import { lang, words } from './words.js';

const DEADLINE = 10_000; // milliseconds; the server answers within 2 s, with an error if it is overloaded

/**
 * The element under root that is marked `data-part="name"`.
 * @template {HTMLElement} T
 * @param {ParentNode} root
 * @param {string} name
 * @param {new () => T} type
 * @returns {T}
 */
export function part(root, name, type) {
  const element = root.querySelector(`[data-part="${name}"]`);
  if (!(element instanceof type)) throw new Error(`no ${type.name} is the part ${name}`);
  return element;
}

/**
 * Shows the elements of a state: `data-in` lists the states of an element.
 * @param {HTMLElement} root
 * @param {string} state
 */
export function showState(root, state) {
  root.dataset.state = state;
  for (const element of root.querySelectorAll('[data-in]')) {
    const states = element.getAttribute('data-in')?.split(' ') ?? [];
    element.toggleAttribute('hidden', !states.includes(state));
  }
}

/**
 * Shows a user's picture, or the first letter of the name if there is no picture
 * or it cannot be loaded.
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string} [photo]
 */
export function showFace(element, name, photo) {
  const [letter = '?'] = name;
  element.textContent = letter.toUpperCase();
  if (!photo) return;
  const image = new Image();
  image.alt = '';
  image.referrerPolicy = 'no-referrer';
  image.addEventListener('error', () => image.remove());
  image.src = photo;
  element.append(image);
}

/** The server refused, or did not answer. The message is shown to the user. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {number} status HTTP status; 0 if there was no answer
   * @param {number} [code] the code of the error
   */
  constructor(message, status, code = status) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** The same call may succeed later. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * Posts to the server and returns its answer.
 * @param {string} path relative to the page
 * @param {object | Blob} body sent as JSON; a Blob unchanged
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 * @throws {Refusal}
 */
export async function post(path, body, headers = {}) {
  const isBlob = body instanceof Blob;
  const type = isBlob ? body.type || 'application/octet-stream' : 'application/json';
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': type, 'x-authing-lang': lang, ...headers },
    body: isBlob ? body : JSON.stringify(body),
    credentials: 'same-origin',
    signal: AbortSignal.timeout(DEADLINE),
  }).catch(() => {
    throw new Refusal(words.unreachable, 0);
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(answer.message || words.failed, response.status, answer.code);
  return answer;
}
