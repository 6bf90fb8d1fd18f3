/** Chooses the transport and the pause before the next connection. */
import { FetchTransport } from './fetch-transport.js';

/** @import { Code, CodeRequest, Transport } from './types.js' */

/** The transports, best first. */
const [SOCKET, STREAM, POLL] = [0, 1, 2];

/** Failures in a row after which a WebSocket that has worked counts as blocked. */
const MAX_FAILURES = 3;
const MAX_PAUSE = 30; // seconds

export class TransportChooser {
  #kind = SOCKET;
  /** A WebSocket has delivered a message. */
  #socketWorks = false;
  /** Connections in a row without a message. */
  #failures = 0;
  #api;
  #codeRequest;

  /**
   * @param {string} api address of the API
   * @param {CodeRequest} codeRequest
   */
  constructor(api, codeRequest) {
    this.#api = api;
    this.#codeRequest = codeRequest;
  }

  /**
   * Connects.
   * @param {Code | undefined} code to continue with
   * @param {number} count number of codes so far
   * @returns {Transport}
   */
  open(code, count) {
    if (this.#kind !== SOCKET) {
      return new FetchTransport(this.#api, this.#codeRequest, code, count, this.#kind === STREAM);
    }
    const address = new URL(`${this.#api.replace('http', 'ws')}ws?${new URLSearchParams(this.#codeRequest)}`);
    const protocols = ['scanlogin.v1'];
    if (code) {
      address.searchParams.set('random', code.random);
      protocols.push(`key.${code.browserKey}`);
    }
    return /** @type {Transport} */ (/** @type {unknown} */ (new WebSocket(address, protocols)));
  }

  /** A message arrived. */
  succeeded() {
    this.#socketWorks ||= this.#kind === SOCKET;
    this.#failures = 0;
  }

  /** Forgets the failures. */
  reset() {
    this.#failures = 0;
  }

  /**
   * A connection ended without a message. Either the transport is blocked, and the next one is
   * tried at once, or the server is away. Returns the seconds to wait.
   * @param {boolean} stalled it was not refused: nothing happened
   */
  failed(stalled) {
    const isBlocked = this.#kind === SOCKET
      ? !this.#socketWorks || this.#failures >= MAX_FAILURES
      : this.#kind === STREAM && stalled;
    if (isBlocked) {
      this.#kind = this.#kind === SOCKET ? STREAM : POLL;
      return 0;
    }
    this.#kind = SOCKET;
    return this.nextPause();
  }

  /** Seconds before the next connection: random, and twice as long each time. */
  nextPause() {
    const pause = Math.min(MAX_PAUSE, 2 ** this.#failures++);
    return pause * (0.5 + Math.random() / 2);
  }
}
