/**
 * Module scanlogin gets login codes for a page and tells what becomes of them.
 * It draws nothing: a page, or an element, shows what the events say.
 *
 *   const login = new ScanLogin({ server: 'https://scan.example.com', pool: '5fae…' });
 *   login.addEventListener('code', ({ detail }) => { img.src = detail.svg; });
 *   login.addEventListener('confirmed', ({ detail }) => { sendToMySite(detail.ticket); });
 *   login.start();
 *
 * It promises: states never go back while one connection lasts; a connection
 * that is lost is resumed with the code that is on the screen; a ticket is told
 * once; a ticket of a code that was given back by refresh() is never told.
 */

/**
 * A code to show.
 * @typedef {object} Code
 * @property {string} random     the code's id
 * @property {string} url        address of the picture as PNG
 * @property {string} svg        address of the picture as SVG, at the server this page speaks to
 * @property {string} payload    the text inside the picture
 * @property {number} expiresIn  seconds it had left when it came
 * @property {string} browserKey proof of being this browser; never shown or put into an address
 */

/**
 * Who scanned, as far as a page may know before the person agreed. Both come
 * from outside: show them as text and as a picture, never as markup.
 * @typedef {{ nickname?: string, photo?: string }} UserInfo
 */

/**
 * How a code stands, as the server tells it.
 * @typedef {object} Status
 * @property {'waiting' | 'scanned' | 'confirmed' | 'canceled' | 'expired'} event
 * @property {string} random
 * @property {UserInfo} userInfo
 * @property {string | null} ticket
 * @property {number} version
 * @property {number} expiresIn seconds
 */

/**
 * The person agreed. The ticket goes to the site's own server, which exchanges
 * it for the user; a page of a pool with `allow_browser_exchange` may do that
 * itself, with the browser key in the header `x-browser-key`.
 * @typedef {{ ticket: string, random: string, browserKey: string, userInfo: UserInfo }} Confirmed
 */

/**
 * What happens, and what comes with it (`event.detail`).
 * @typedef {object} Events
 * @property {Code} code         show this code, instead of whatever is shown
 * @property {Status} scanned    somebody scanned it and has not decided
 * @property {Confirmed} confirmed the person agreed; no further event comes
 * @property {Status} canceled   the person declined; a new code follows, or `exhausted`
 * @property {Status} expired    its time is over; a new code follows, or `exhausted`
 * @property {null} exhausted    no more codes by themselves: ask the person, then start()
 * @property {{ reason: string, closeCode: number }} error it cannot go on; `reason` is for developers
 * @property {null} offline      the connection has been away for a while; it is being tried again
 * @property {null} online       it is back
 */

/**
 * An EventTarget that knows its events.
 * @typedef {Omit<EventTarget, 'addEventListener'> & {
 *   addEventListener<K extends keyof Events>(
 *     type: K,
 *     listener: (event: CustomEvent<Events[K]>) => void,
 *     options?: boolean | AddEventListenerOptions,
 *   ): void
 * }} Target
 */
const Target = /** @type {new () => Target} */ (EventTarget);

// Seconds.
const OFFLINE_AFTER = 1.5; // shorter losses are nobody's concern
const SILENCE = 15; // the server says within 10 s of a code's end that it is over; later, nobody is there
const NODE_STOPS = 5; // the pages of a node that stops come back spread over this time
const LONGEST_PAUSE = 30;

/** Close codes after which nothing more can come, and why. */
const FINAL = new Map([
  [1000, 'the server ended the login without a ticket'],
  [1008, 'the server refused what this page sent'],
  [4404, 'the server knows no such user pool'],
]);
const GOING_AWAY = 1012;
const EXHAUSTED = 4408;

const STATUSES = new Set(['waiting', 'scanned', 'confirmed', 'canceled', 'expired']);

export class ScanLogin extends Target {
  /** Address under which the server's calls are. */
  #api;
  #pool;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {Code | undefined} The code on the screen. */
  #code;
  /** The page gave the code back, and waits for another. */
  #givenBack = false;
  /** @type {Status['event']} What was last told about the code. */
  #told = 'waiting';
  /** Newest version on this connection. */
  #version = 0;
  /** When the code ends, on the clock of performance.now(). */
  #end = 0;
  #offline = false;
  /** Connections in a row that brought nothing. */
  #failures = 0;
  /** @type {Timer} */
  #offlineTimer;
  /** @type {Timer} Runs out when the server has been silent for too long. */
  #silenceTimer;
  /** @type {Timer} Runs during the pause before the next connection. */
  #pauseTimer;

  /**
   * @param {object} options
   * @param {string | URL} [options.server] address of the scanlogin server; where this module came from if absent
   * @param {string} options.pool id of the user pool
   */
  constructor({ server = new URL('.', import.meta.url), pool }) {
    super();
    this.#api = `${server}`.replace(/\/*$/, '/api/v2/qrcode/');
    this.#pool = pool;
  }

  /** Seconds until the code on the screen is over; 0 if there is none. */
  get remaining() {
    return Math.max(0, (this.#end - performance.now()) / 1000);
  }

  /** Begins, or begins anew with another code. */
  start() {
    this.stop();
    globalThis.addEventListener?.('online', this.#hurry);
    this.#connect();
  }

  /** Ends it. No event comes afterwards. */
  stop() {
    globalThis.removeEventListener?.('online', this.#hurry);
    this.#drop();
    clearTimeout(this.#pauseTimer);
    clearTimeout(this.#offlineTimer);
    this.#pauseTimer = this.#offlineTimer = undefined;
    this.#code = undefined;
    this.#end = 0;
    this.#failures = 0;
  }

  /**
   * Gives the code back and asks for another: "that is not me". Whoever scanned
   * it cannot log in with it any more, even if they agreed in the same instant.
   */
  refresh() {
    if (this.#givenBack) return;
    if (!this.#code || this.#socket?.readyState !== WebSocket.OPEN) {
      this.start();
      return;
    }
    this.#givenBack = true;
    this.#socket.send('{"action":"refresh"}');
    this.#expectNews(0);
  }

  #connect() {
    this.#pauseTimer = undefined;
    const address = new URL(`${this.#api.replace('http', 'ws')}ws`);
    address.searchParams.set('userPoolId', this.#pool);
    const protocols = ['scanlogin.v1'];
    if (this.#code) {
      address.searchParams.set('random', this.#code.random);
      protocols.push(`key.${this.#code.browserKey}`);
    }
    const socket = new WebSocket(address, protocols);
    this.#socket = socket;
    this.#version = 0;
    this.#expectOffline();
    this.#expectNews(0);
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(code);
  }

  /** Lets go of the socket; nothing of it is heard any more. */
  #drop() {
    clearTimeout(this.#silenceTimer);
    this.#givenBack = false;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** @param {number} code */
  #closed(code) {
    const reason = FINAL.get(code);
    if (reason) {
      this.stop();
      this.#tell('error', { reason, closeCode: code });
    } else if (code === EXHAUSTED) {
      this.stop();
      this.#tell('exhausted', null);
    } else if (code === GOING_AWAY) {
      this.#reconnect(Math.random() * NODE_STOPS);
    } else {
      const pause = Math.min(LONGEST_PAUSE, 2 ** this.#failures++);
      this.#reconnect(pause * (0.5 + Math.random() / 2));
    }
  }

  /** @param {number} pause seconds */
  #reconnect(pause) {
    if (this.#givenBack) this.#code = undefined; // never to be resumed
    this.#drop();
    this.#expectOffline();
    this.#pauseTimer = setTimeout(() => this.#connect(), pause * 1000);
  }

  /** The network is back: no need to wait for the end of the pause. */
  #hurry = () => {
    if (this.#pauseTimer === undefined) return;
    clearTimeout(this.#pauseTimer);
    this.#connect();
  };

  /** Tells that the connection is away, unless something is heard soon. */
  #expectOffline() {
    this.#offlineTimer ??= setTimeout(() => this.#tellOffline(), OFFLINE_AFTER * 1000);
  }

  #tellOffline() {
    if (this.#offline) return;
    this.#offline = true;
    this.#tell('offline', null);
  }

  /**
   * Notes when the code ends. A server that has not said a word some time after
   * that is gone, whatever the browser believes of the connection.
   * @param {number} seconds
   */
  #expectNews(seconds) {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#closed(1006), (seconds + SILENCE) * 1000);
  }

  /** @param {unknown} data */
  #receive(data) {
    const message = parse(data);
    if (!message) return;
    this.#heard();
    if (message.event === 'code') {
      this.#takeCode(message);
    } else if (STATUSES.has(message.event)) {
      this.#takeStatus(message);
    }
  }

  #heard() {
    this.#failures = 0;
    clearTimeout(this.#offlineTimer);
    this.#offlineTimer = undefined;
    if (!this.#offline) return;
    this.#offline = false;
    this.#tell('online', null);
  }

  /** @param {Omit<Code, 'svg'>} message */
  #takeCode({ random, url, payload, expiresIn, browserKey }) {
    const svg = `${this.#api}image/${random}.svg`;
    this.#code = { random, url, svg, payload, expiresIn, browserKey };
    this.#givenBack = false;
    this.#told = 'waiting';
    this.#version = 0;
    this.#setEnd(expiresIn);
    this.#tell('code', this.#code);
  }

  /** @param {Status} status */
  #takeStatus(status) {
    if (status.random !== this.#code?.random || status.version < this.#version) return;
    this.#version = status.version;
    this.#setEnd(status.expiresIn);
    if (this.#givenBack) {
      // The phone was faster. The person said "not me", so this ends here.
      if (status.event === 'confirmed') this.start();
      return;
    }
    if (status.event === this.#told) return;
    this.#told = status.event;
    switch (status.event) {
      case 'waiting': // the store lost the scan; the code is good again
        return this.#tell('code', this.#code);
      case 'confirmed':
        return this.#confirm(status, this.#code);
      default:
        return this.#tell(status.event, status);
    }
  }

  /**
   * @param {Status} status
   * @param {Code} code
   */
  #confirm({ ticket, userInfo }, { random, browserKey }) {
    this.stop();
    if (ticket) {
      this.#tell('confirmed', { ticket, random, browserKey, userInfo });
    } else {
      this.#tell('error', { reason: 'the ticket is used, or this browser was not recognised', closeCode: 1000 });
    }
  }

  /** @param {number} seconds */
  #setEnd(seconds) {
    this.#end = performance.now() + seconds * 1000;
    this.#expectNews(seconds);
  }

  /**
   * @template {keyof Events} K
   * @param {K} type
   * @param {Events[K]} detail
   */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @typedef {ReturnType<typeof setTimeout> | undefined} Timer */

/**
 * The message in data, or undefined if it is none.
 * @param {unknown} data
 */
function parse(data) {
  try {
    const message = JSON.parse(`${data}`);
    return typeof message === 'object' ? message : undefined;
  } catch {
    return undefined;
  }
}
