/** The class ScanLogin: a login without a user interface. */
import { OfflineDetector } from './offline.js';
import { BUFFERED, BUSY, EXHAUSTED, FINAL, FIRST_MESSAGE, GOING_AWAY, LOST, OPEN, parse, restartPause, STATUS_EVENTS, typedCodeEvent, UNKNOWN_POOL } from './protocol.js';
import { TransportChooser } from './transport.js';
import { BEFORE_END, HIDDEN_TOO_LONG, isHidden } from './visibility.js';

/** @import { Code, CodeRequest, Events, Status, Transport, TypedEventTarget } from './types.js' */

const SILENCE = 15; // seconds, as all below; the server reports the end of a code within 10 s

const Target = /** @type {new () => TypedEventTarget} */ (EventTarget);

export class ScanLogin extends Target {
  #api;
  #unknownPool;
  #transports;
  /** @type {Transport | undefined} */
  #transport;
  /** A message arrived on this connection. */
  #alive = false;
  /** @type {Code | undefined} The code on the screen. */
  #code;
  /** Number of codes since start(), without those that the user requested. */
  #count = 0;
  /** The page has withdrawn its code and waits for another. */
  #refreshing = false;
  /** @type {Status['event']} The last event of the code. */
  #lastEvent = 'waiting';
  /** Newest version on this connection. */
  #version = 0;
  /** When the code expires, by performance.now(). */
  #end = 0;
  #offline = new OfflineDetector((event) => this.#emit(event, null));
  /** The page is hidden and has no connection. */
  #suspended = false;
  /** When the page was hidden, by a clock that continues while the computer sleeps. */
  #hiddenAt = 0;
  /** The page has just become visible. */
  #isBack = false;
  /** Ends when the server has been silent too long. */
  #silenceTimer = 0;
  /** Ends just before the code of a hidden page expires. */
  #suspendTimer = 0;
  /** Runs before the next connection; 0 if none is planned. */
  #pauseTimer = 0;

  /**
   * @param {object} options
   * @param {string | URL} [options.server] default: the server of the module
   * @param {string} options.pool id of the user pool
   * @param {string} [options.codeChallenge] RFC 7636, S256
   * @param {string} [options.request] id of an authorization request, on its page
   */
  constructor({ server = new URL('.', import.meta.url), pool, codeChallenge = '', request = '' }) {
    super();
    this.#api = `${server}`.replace(/\/*$/, '/api/v2/qrcode/');
    this.#unknownPool = `${server} has no user pool "${pool}": check the attribute pool, and pools in its configuration`;
    this.#transports = new TransportChooser(this.#api, { userPoolId: pool, codeChallenge, ...(request && { request }) });
  }

  /** Seconds until the code on the screen expires; 0 if there is none. */
  get remaining() {
    return Math.max(0, (this.#end - performance.now()) / 1000);
  }

  /** Starts, or starts again with another code; if the page is hidden, when it becomes visible. */
  start() {
    this.stop();
    this.#listen('addEventListener');
    if (isHidden()) this.#suspend();
    else this.#connect();
  }

  /** Stops. No event follows. */
  stop() {
    this.#listen('removeEventListener');
    this.#suspended = false;
    this.#disconnect(true);
    this.#cancelReconnect();
    this.#transports.reset();
    this.#code = undefined;
    this.#end = this.#count = 0;
  }

  /** Withdraws the code and requests another: a user who scanned it can no longer log in. */
  refresh() {
    if (this.#refreshing) return;
    if (!this.#code || this.#transport?.readyState !== OPEN) {
      this.start();
      return;
    }
    this.#refreshing = true;
    this.#transport.send('{"action":"refresh"}');
    this.#expectMessage(0);
  }

  /** Connects at once if the connection is lost, instead of after a pause. */
  retry() {
    if (this.#offline.isOffline) this.#reconnectNow();
  }

  /** Requests a code to type. Answered by `typed-code` or `typed-code-error`. */
  requestTypedCode() {
    if (this.#transport?.readyState === OPEN) this.#transport.send('{"action":"typed-code"}');
  }

  /** @param {'addEventListener' | 'removeEventListener'} change */
  #listen(change) {
    globalThis[change]?.('online', this.#reconnectNow);
    globalThis[change]?.('offline', this.#networkLost);
    globalThis.document?.[change]('visibilitychange', this.#visibilityChanged);
  }

  #connect() {
    this.#pauseTimer = this.#version = 0;
    this.#suspended = this.#alive = false;
    this.#offline.disconnected();
    const transport = this.#transport = this.#transports.open(this.#code, this.#count);
    this.#silenceTimer = setTimeout(() => this.#reconnect(this.#transports.failed(true)), FIRST_MESSAGE * 1000);
    transport.onmessage = ({ data }) => this.#receive(data);
    transport.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  /**
   * Abandons the connection; its messages are ignored.
   * @param {boolean} [late] close it once it is open: browsers report an error otherwise
   */
  #disconnect(late) {
    clearTimeout(this.#silenceTimer);
    clearTimeout(this.#suspendTimer);
    this.#refreshing = false;
    const transport = this.#transport;
    this.#transport = undefined;
    if (!transport) return;
    transport.onmessage = transport.onclose = null;
    if (late && !transport.readyState) transport.onopen = () => transport.close();
    else transport.close();
  }

  #cancelReconnect() {
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = 0;
    this.#offline.cancel();
  }

  /**
   * @param {number} code
   * @param {string} [text] the server's reason
   */
  #closed(code, text) {
    const reason = FINAL.get(code);
    if (reason) {
      this.stop();
      this.#emit('error', { reason: code === UNKNOWN_POOL ? this.#unknownPool : text || reason, closeCode: code });
    } else if (code === EXHAUSTED && this.#isBack) {
      this.#isBack = false;
      this.start();
    } else if (code === EXHAUSTED) {
      this.stop();
      this.#emit('exhausted', null);
    } else if (code === GOING_AWAY) {
      const pause = restartPause(this.#lastEvent);
      this.#offline.disconnected(pause);
      this.#reconnect(pause);
    } else if (code !== BUFFERED && (code === BUSY || this.#alive)) {
      this.#reconnect(this.#transports.nextPause());
    } else {
      this.#reconnect(this.#transports.failed(code === BUFFERED));
    }
  }

  /** @param {number} pause seconds */
  #reconnect(pause) {
    if (this.#refreshing) this.#code = undefined; // it must not be resumed
    this.#disconnect();
    if (isHidden() && this.remaining === 0) {
      this.#suspend();
      return;
    }
    this.#offline.disconnected();
    this.#pauseTimer = setTimeout(() => this.#connect(), pause * 1000);
  }

  /** Connects at once: the network has changed, or the page has become visible. */
  #reconnectNow = () => {
    if (isHidden()) return;
    if (this.#refreshing) this.#code = undefined;
    this.#disconnect();
    clearTimeout(this.#pauseTimer);
    this.#connect();
  };

  #networkLost = () => {
    if (this.#transport) this.#reconnect(this.#transports.nextPause());
  };

  /** Waits until the page is visible: hidden pages request no codes. */
  #suspend() {
    this.#disconnect();
    this.#cancelReconnect();
    this.#suspended = true;
  }

  #visibilityChanged = () => {
    if (isHidden()) {
      this.#hiddenAt = Date.now();
      this.#suspendBeforeEnd();
    } else if (this.#suspended || this.#pauseTimer || Date.now() - this.#hiddenAt > HIDDEN_TOO_LONG * 1000) {
      this.#isBack = true;
      this.#reconnectNow();
    }
  };

  /**
   * A server that is silent after the code's end is lost.
   * @param {number} seconds
   */
  #expectMessage(seconds) {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#closed(LOST), (seconds + SILENCE) * 1000);
    this.#suspendBeforeEnd();
  }

  #suspendBeforeEnd() {
    clearTimeout(this.#suspendTimer);
    if (!isHidden()) return;
    const seconds = Math.max(0, this.remaining - BEFORE_END);
    this.#suspendTimer = setTimeout(() => isHidden() && this.#suspend(), seconds * 1000);
  }

  /** @param {unknown} data */
  #receive(data) {
    const message = parse(data);
    if (!message) return;
    this.#alive = true;
    this.#isBack = false;
    this.#transports.succeeded();
    this.#offline.connected();
    if (message.event === 'code') {
      this.#setCode(message);
    } else if (STATUS_EVENTS.has(message.event)) {
      this.#setStatus(message);
    } else {
      const [type, detail] = typedCodeEvent(message, this.#code?.random) ?? [];
      if (type && detail) this.#emit(type, detail);
    }
  }

  /** @param {Omit<Code, 'svg'> & { version?: number }} message may be the code's first status, too */
  #setCode({ random, url, payload, appLink, customLogo, brandColor, typedCodes, expiresIn, browserKey, version = 0 }) {
    if (!this.#refreshing) this.#count++;
    const svg = `${this.#api}image/${random}.svg`;
    this.#code = { random, url, svg, payload, appLink, customLogo, brandColor, typedCodes, expiresIn, browserKey };
    this.#refreshing = false;
    this.#lastEvent = 'waiting';
    this.#version = version;
    this.#setEnd(expiresIn);
    this.#emit('code', this.#code);
  }

  /** @param {Status} status */
  #setStatus(status) {
    if (status.random !== this.#code?.random || status.version < this.#version) return;
    this.#version = status.version;
    this.#setEnd(status.expiresIn);
    if (this.#refreshing) {
      // The phone was faster, but the user does not want this login.
      if (status.event === 'confirmed') this.start();
      return;
    }
    if (status.event === this.#lastEvent) return;
    this.#lastEvent = status.event;
    if (status.event === 'waiting') { // the store lost the scan; the code is valid again
      this.#emit('code', this.#code);
    } else if (status.event === 'confirmed') {
      this.#finish(this.#code, status);
    } else {
      if (status.event !== 'scanned' && isHidden()) this.#suspend();
      this.#emit(status.event, status);
    }
  }

  /** @type {(code: Code, status: Status) => void} */
  #finish({ random, browserKey }, { ticket, redirect, userInfo }) {
    this.stop();
    if (ticket || redirect) this.#emit('confirmed', { ticket, redirect, random, browserKey, userInfo });
    else this.#emit('error', { reason: 'the ticket is used, or this browser was not recognised', closeCode: 1000 });
  }

  /** @param {number} seconds */
  #setEnd(seconds) {
    this.#end = performance.now() + seconds * 1000;
    this.#expectMessage(seconds);
  }

  /** @type {<K extends keyof Events>(type: K, detail: Events[K]) => void} */
  #emit = (type, detail) => {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  };
}
