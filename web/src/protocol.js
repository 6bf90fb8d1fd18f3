/** Constants of the server's protocol, and the reading of its messages. See docs/api.md. */

/** `readyState` of an open WebSocket. */
export const OPEN = 1;
/** `readyState` of a closed WebSocket. */
export const CLOSED = 3;

/** Close code if the server has no such user pool. */
export const UNKNOWN_POOL = 4404;
/** Not sent by the server: it refuses pages of this origin. */
export const ORIGIN = 4403;
/** Close codes after which nothing more can come, and why. */
export const FINAL = new Map([
  [1000, 'the server ended the login without a ticket'],
  [1008, 'the server refused what this page sent'],
  [UNKNOWN_POOL, 'there is no such user pool'],
  [ORIGIN, `the origin of this page, ${globalThis.location?.origin}, is not in the user pool's origins`],
]);
/** Close code of a lost connection. */
export const LOST = 1006;
/** Close code of a node that stops. */
export const GOING_AWAY = 1012;
/**
 * Seconds after which a page of a stopping node reconnects, so that not all do at once.
 * @param {string} event the last event; pages that wait for a user are few
 */
export const restartPause = (event) => Math.random() * (event === 'scanned' ? 0.5 : 5);
export const BUSY = 1013;
/** Close code when the server creates no more codes without user action. */
export const EXHAUSTED = 4408;

/** Not sent by the server: the code does not exist any more. The connection is usable. */
export const GONE = 2241;
/** Not sent by the server: an intermediary buffers the event stream. */
export const BUFFERED = 4000;

/** The close codes that correspond to error codes and HTTP statuses. */
export const REFUSED = new Map([[2224, UNKNOWN_POOL], [2247, ORIGIN], [2231, 1008], [2241, GONE], [429, BUSY], [503, BUSY], [1000, BUSY]]);

/** Events after which a code does not change. */
export const FINAL_EVENTS = new Set(['confirmed', 'canceled', 'expired']);
/** Events that carry a status. */
export const STATUS_EVENTS = new Set(['waiting', 'scanned', ...FINAL_EVENTS]);

/** Seconds within which the server's first message arrives: it answers within 2 s. */
export const FIRST_MESSAGE = 5;

/**
 * The message in data, or undefined if there is none.
 * @param {unknown} data
 * @returns {any}
 */
export function parse(data) {
  try {
    const message = JSON.parse(`${data}`);
    return typeof message === 'object' ? message : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The event for an answer about a code to type.
 * @param {any} message
 * @param {string | undefined} current id of the code on the screen
 * @returns {['typed-code' | 'typed-code-error', any] | undefined}
 */
export function typedCodeEvent({ event, action, random, typedCode, code, message }, current) {
  if (event === 'typed-code' && random === current) return ['typed-code', { random, typedCode }];
  return event === 'error' && action === 'typed-code' ? ['typed-code-error', { code, message }] : undefined;
}
