/**
 * Module scanlogin puts "scan the code with your app to log in" on a page: the
 * element <scan-login>, and ScanLogin, which draws nothing. See docs/browser.md.
 *
 * It promises: states never go back on one connection; a lost connection is
 * resumed with the code on the screen; where no WebSocket gets through, other
 * ways are found; a ticket is told once, never that of a code given back; a
 * hidden page is made no codes; what comes from outside becomes text only.
 */

/**
 * A code to show.
 * @typedef {object} Code
 * @property {string} random     the code's id
 * @property {string} url        of the picture as PNG
 * @property {string} svg        of the picture as SVG
 * @property {string} payload    the text inside the picture
 * @property {string} [appLink]  opens the site's app with the code
 * @property {number} expiresIn  seconds it had left when it came
 * @property {string} browserKey proof of being this browser; never to be shown
 */

/**
 * Who scanned. Both come from outside.
 * @typedef {{ nickname?: string, photo?: string }} UserInfo
 */

/**
 * How a code stands.
 * @typedef {object} Status
 * @property {'waiting' | 'scanned' | 'confirmed' | 'canceled' | 'expired'} event
 * @property {string} random
 * @property {UserInfo} userInfo
 * @property {string | null} ticket
 * @property {number} version
 * @property {number} expiresIn seconds
 * @property {string} [matchCode] with `scanned`: the number to enter on the phone
 */

/**
 * The ticket is for the site's own server.
 * @typedef {{ ticket: string, random: string, browserKey: string, userInfo: UserInfo }} Confirmed
 */

/**
 * What happens, and what comes with it (`event.detail`).
 * @typedef {object} Events
 * @property {Code} code         show this one
 * @property {Status} scanned    somebody scanned it and has not decided
 * @property {Confirmed} confirmed the person agreed; nothing follows
 * @property {Status} canceled   the person declined; `code` or `exhausted` follows
 * @property {Status} expired    its time is over; `code` or `exhausted` follows
 * @property {null} exhausted    ask the person, then start()
 * @property {{ reason: string, closeCode: number }} error it cannot go on; for developers
 * @property {null} offline      the connection is lost
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

const OFFLINE_AFTER = 1.5; // seconds, as all here
const FIRST_WORD = 5; // the server answers within 2 s
const SILENCE = 15; // the server says within 10 s that a code is over
const NODE_STOPS = 5; // over which the pages of a node that stops come back
const LONGEST_PAUSE = 30;
const AWAY = 5; // after which a line may be dead without knowing
const NAP_BEFORE_END = 0.5; // a hidden page leaves in time, or the server makes the next code

/** Failures in a row of a WebSocket that has worked. */
const PATIENCE = 3;

/** Close codes after which nothing more can come, and why. */
const FINAL = new Map([
  [1000, 'the server ended the login without a ticket'],
  [1008, 'the server refused what this page sent'],
  [4404, 'the server knows no such user pool'],
]);
const LOST = 1006;
const GOING_AWAY = 1012;
const BUSY = 1013;
const EXHAUSTED = 4408;
const GONE = 2241; // the code, not the line
const HELD = 4000; // something on its way keeps a stream back
/** What refusals are as close codes. */
const REFUSED = new Map([[2224, 4404], [2231, 1008], [2241, GONE], [429, BUSY], [503, BUSY], [1000, BUSY]]);

const OVER = new Set(['confirmed', 'canceled', 'expired']);
const STATUSES = new Set(['waiting', 'scanned', ...OVER]);

/**
 * What carries the messages: a WebSocket, or what speaks like one.
 * @typedef {object} Line
 * @property {((event: { data: string }) => void) | null} onmessage
 * @property {((event: { code: number, reason?: string }) => void) | null} onclose
 * @property {(text: string) => void} send
 * @property {() => void} close
 * @property {number} readyState
 * @property {(() => void) | null} [onopen]
 */

/** The ways to the server, best first. */
const [SOCKET, STREAM, POLL] = [0, 1, 2];

export class ScanLogin extends Target {
  /** Address under which the server's calls are. */
  #api;
  /** What a code is asked for with. */
  #making;
  #way = SOCKET;
  /** A WebSocket got through once. */
  #socketWorks = false;
  /** @type {Line | undefined} */
  #line;
  /** Something came on this line. */
  #alive = false;
  /** @type {Code | undefined} The code on the screen. */
  #code;
  /** Codes since start(), without those that the person asked for. */
  #count = 0;
  /** The page waits for another code. */
  #givenBack = false;
  /** @type {Status['event']} What was last told about the code. */
  #told = 'waiting';
  /** Newest version on this connection. */
  #version = 0;
  /** When the code ends, on the clock of performance.now(). */
  #end = 0;
  #offline = false;
  /** Nobody looks. */
  #asleep = false;
  /** When the page was hidden, by a clock that never sleeps. */
  #hiddenAt = 0;
  /** The person has just come back. */
  #isBack = false;
  /** Connections in a row that brought nothing. */
  #failures = 0;
  /** @type {Timer} */
  #offlineTimer;
  /** @type {Timer} Runs out when the server is silent. */
  #silenceTimer;
  /** @type {Timer} Runs out just before a code that nobody looks at. */
  #napTimer;
  /** @type {Timer} Runs before the next connection. */
  #pauseTimer;

  /**
   * @param {object} options
   * @param {string | URL} [options.server] where the module came from if absent
   * @param {string} options.pool id of the user pool
   * @param {string} [options.codeChallenge] RFC 7636, S256
   */
  constructor({ server = new URL('.', import.meta.url), pool, codeChallenge = '' }) {
    super();
    this.#api = `${server}`.replace(/\/*$/, '/api/v2/qrcode/');
    this.#making = { userPoolId: pool, codeChallenge };
  }

  /** Seconds until the code on the screen is over; 0 if there is none. */
  get remaining() {
    return Math.max(0, (this.#end - performance.now()) / 1000);
  }

  /** Begins, or begins anew with another code; if the page is hidden, when it is seen. */
  start() {
    this.stop();
    globalThis.addEventListener?.('online', this.#reviveNow);
    globalThis.addEventListener?.('offline', this.#lose);
    globalThis.document?.addEventListener('visibilitychange', this.#look);
    if (isHidden()) this.#nap();
    else this.#connect();
  }

  /** Ends it. No event comes afterwards. */
  stop() {
    globalThis.removeEventListener?.('online', this.#reviveNow);
    globalThis.removeEventListener?.('offline', this.#lose);
    globalThis.document?.removeEventListener('visibilitychange', this.#look);
    this.#asleep = false;
    this.#drop(true);
    this.#calm();
    this.#code = undefined;
    this.#end = this.#failures = this.#count = 0;
  }

  /** Gives the code back for another: who scanned it cannot log in any more. */
  refresh() {
    if (this.#givenBack) return;
    if (!this.#code || !this.#line || this.#line.readyState !== OPEN) {
      this.start();
      return;
    }
    this.#givenBack = true;
    this.#line.send('{"action":"refresh"}');
    this.#expectNews(0);
  }

  #connect() {
    this.#pauseTimer = undefined;
    this.#asleep = this.#alive = false;
    this.#version = 0;
    this.#expectOffline();
    const line = this.#line = this.#openLine();
    this.#silenceTimer = setTimeout(() => this.#failed(true), FIRST_WORD * 1000);
    line.onmessage = ({ data }) => this.#receive(data);
    line.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  /** @returns {Line} */
  #openLine() {
    if (this.#way !== SOCKET) {
      return new FetchLine(this.#api, this.#making, this.#code, this.#count, this.#way === STREAM);
    }
    const address = new URL(`${this.#api.replace('http', 'ws')}ws?${new URLSearchParams(this.#making)}`);
    const protocols = ['scanlogin.v1'];
    if (this.#code) {
      address.searchParams.set('random', this.#code.random);
      protocols.push(`key.${this.#code.browserKey}`);
    }
    return /** @type {Line} */ (/** @type {unknown} */ (new WebSocket(address, protocols)));
  }

  /**
   * Lets go of the line; nothing of it is heard any more.
   * @param {boolean} [late] once it is open: browsers complain otherwise
   */
  #drop(late) {
    clearTimeout(this.#silenceTimer);
    clearTimeout(this.#napTimer);
    this.#givenBack = false;
    const line = this.#line;
    this.#line = undefined;
    if (!line) return;
    line.onmessage = line.onclose = null;
    if (late && !line.readyState) line.onopen = () => line.close();
    else line.close();
  }

  #calm() {
    clearTimeout(this.#pauseTimer);
    clearTimeout(this.#offlineTimer);
    this.#pauseTimer = this.#offlineTimer = undefined;
  }

  /**
   * @param {number} code
   * @param {string} [said] by the server
   */
  #closed(code, said) {
    const reason = FINAL.get(code);
    if (reason) {
      this.stop();
      this.#tell('error', { reason: said || reason, closeCode: code });
    } else if (code === EXHAUSTED && this.#isBack) {
      this.#isBack = false;
      this.start();
    } else if (code === EXHAUSTED) {
      this.stop();
      this.#tell('exhausted', null);
    } else if (code === GOING_AWAY) {
      this.#reconnect(Math.random() * NODE_STOPS);
    } else if (code !== HELD && (code === BUSY || this.#alive)) {
      this.#reconnect(this.#growingPause());
    } else {
      this.#failed(code === HELD);
    }
  }

  /**
   * Nothing came on this line: it is blocked, and the next way is tried at once;
   * or the server is away.
   * @param {boolean} stalled it was not refused: nothing happened
   */
  #failed(stalled) {
    const isBlocked = this.#way === SOCKET
      ? !this.#socketWorks || this.#failures >= PATIENCE
      : this.#way === STREAM && stalled;
    if (isBlocked) {
      this.#way++;
      this.#reconnect(0);
    } else {
      this.#way = SOCKET;
      this.#reconnect(this.#growingPause());
    }
  }

  #growingPause() {
    const pause = Math.min(LONGEST_PAUSE, 2 ** this.#failures++);
    return pause * (0.5 + Math.random() / 2);
  }

  /** @param {number} pause seconds */
  #reconnect(pause) {
    if (this.#givenBack) this.#code = undefined; // never to be resumed
    this.#drop();
    if (isHidden() && this.remaining === 0) {
      this.#nap();
      return;
    }
    this.#expectOffline();
    this.#pauseTimer = setTimeout(() => this.#connect(), pause * 1000);
  }

  /** Connects at once: the network is another one, or somebody is back. */
  #reviveNow = () => {
    if (isHidden()) return;
    if (this.#givenBack) this.#code = undefined;
    this.#drop();
    clearTimeout(this.#pauseTimer);
    this.#connect();
  };

  #lose = () => {
    if (this.#line) this.#reconnect(this.#growingPause());
  };

  /** Sleeps until somebody looks: no code is made for nobody. */
  #nap() {
    this.#drop();
    this.#calm();
    this.#asleep = true;
  }

  #look = () => {
    if (isHidden()) {
      this.#hiddenAt = Date.now();
      this.#expectEnd();
    } else if (this.#asleep || this.#pauseTimer !== undefined || Date.now() - this.#hiddenAt > AWAY * 1000) {
      this.#isBack = true;
      this.#reviveNow();
    }
  };

  #expectOffline() {
    this.#offlineTimer ??= setTimeout(() => {
      if (this.#offline) return;
      this.#offline = true;
      this.#tell('offline', null);
    }, OFFLINE_AFTER * 1000);
  }

  /**
   * A server that is silent after the code's end is gone.
   * @param {number} seconds
   */
  #expectNews(seconds) {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#closed(LOST), (seconds + SILENCE) * 1000);
    this.#expectEnd();
  }

  #expectEnd() {
    clearTimeout(this.#napTimer);
    if (!isHidden()) return;
    const seconds = Math.max(0, this.remaining - NAP_BEFORE_END);
    this.#napTimer = setTimeout(() => isHidden() && this.#nap(), seconds * 1000);
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
    this.#alive = true;
    this.#isBack = false;
    this.#socketWorks ||= this.#way === SOCKET;
    this.#failures = 0;
    clearTimeout(this.#offlineTimer);
    this.#offlineTimer = undefined;
    if (!this.#offline) return;
    this.#offline = false;
    this.#tell('online', null);
  }

  /** @param {Omit<Code, 'svg'>} message */
  #takeCode({ random, url, payload, appLink, expiresIn, browserKey }) {
    if (!this.#givenBack) this.#count++;
    const svg = `${this.#api}image/${random}.svg`;
    this.#code = { random, url, svg, payload, appLink, expiresIn, browserKey };
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
      // The phone was faster, but the person said "not me".
      if (status.event === 'confirmed') this.start();
      return;
    }
    if (status.event === this.#told) return;
    this.#told = status.event;
    switch (status.event) {
      case 'waiting': // the store lost the scan; the code is good again
        return this.#tell('code', this.#code);
      case 'confirmed': {
        const { ticket, userInfo } = status;
        const { random, browserKey } = this.#code;
        this.stop();
        if (ticket) return this.#tell('confirmed', { ticket, random, browserKey, userInfo });
        return this.#tell('error', { reason: 'the ticket is used, or this browser was not recognised', closeCode: 1000 });
      }
      case 'scanned':
        return this.#tell('scanned', status);
      default:
        if (isHidden()) this.#nap();
        return this.#tell(status.event, status);
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

const OPEN = 1; // readyState of a WebSocket

function isHidden() {
  return globalThis.document?.hidden ?? false;
}

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

const MAX_CODES = 6; // the server's default
const POLL_EVERY = 1500; // milliseconds
const QUIET = 40; // seconds; a stream has something every 15 s

class Ended extends Error {
  /** @param {number} code */
  constructor(code) {
    super();
    this.code = code;
  }
}

/**
 * Speaks as an open WebSocket does, but by fetch.
 * @implements {Line}
 */
class FetchLine {
  /** @type {Line['onmessage']} */
  onmessage = null;
  /** @type {Line['onclose']} */
  onclose = null;
  readyState = OPEN;
  #api;
  #making;
  #count;
  #streams;
  #another = false;
  #request = new AbortController();

  /**
   * @param {string} api
   * @param {object} making of a new code
   * @param {Code | undefined} code to go on with
   * @param {number} count which one that is
   * @param {boolean} streams read event streams, or else ask again and again
   */
  constructor(api, making, code, count, streams) {
    this.#api = api;
    this.#making = making;
    this.#count = count;
    this.#streams = streams;
    this.#run(code).catch((error) => this.#end(error instanceof Ended ? error.code : LOST));
  }

  send() {
    this.#another = true;
    this.#request.abort();
  }

  close() {
    this.readyState = 3;
    this.#request.abort();
  }

  /** @param {number} code */
  #end(code) {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  /** @param {Pick<Code, 'random' | 'browserKey'>} [code] */
  async #run(code) {
    while (this.readyState === OPEN) {
      try {
        const current = code ?? await this.#make();
        await (this.#streams ? this.#read(current) : this.#poll(current));
      } catch (error) {
        if (this.#another) this.#count--; // the one that follows does not count
        else if (!(error instanceof Ended && error.code === GONE)) throw error;
        this.#another = false;
      }
      code = undefined;
    }
  }

  /** @returns {Promise<Code>} */
  async #make() {
    if (this.#count >= MAX_CODES) throw new Ended(EXHAUSTED);
    const response = await this.#ask('gene', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(this.#making),
    });
    const { data } = await response.json();
    this.#count++;
    this.#tell({ ...data, event: 'code' });
    return data;
  }

  /**
   * Tells what an event stream says, and returns how it ended.
   * @param {Pick<Code, 'random' | 'browserKey'>} code
   */
  async #read(code) {
    const { body } = await this.#ask(`events?random=${code.random}`, { headers: { 'x-browser-key': code.browserKey } }, HELD);
    const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
    const decoder = new TextDecoder();
    let end = LOST;
    for (let text = ''; ;) {
      const { done, value } = await this.#inTime(reader.read(), QUIET, LOST);
      if (done) throw new Ended(end);
      const blocks = `${text}${decoder.decode(value, { stream: true })}`.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        if (block.startsWith('retry:')) end = GOING_AWAY;
        const last = this.#tell(parse(block.match(/^data: (.*)$/m)?.[1]));
        if (last) return last;
      }
    }
  }

  /** @param {Pick<Code, 'random' | 'browserKey'>} code */
  async #poll(code) {
    for (; ;) {
      const response = await this.#ask(`check?random=${code.random}`, { headers: { 'x-browser-key': code.browserKey } });
      const last = this.#tell((await response.json()).data);
      if (last) return last;
      await new Promise((resolve, reject) => {
        setTimeout(resolve, POLL_EVERY);
        this.#request.signal.onabort = reject;
      });
    }
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   * @param {number} late what no answer in time means, as a close code
   */
  async #ask(path, init, late = LOST) {
    this.#request = new AbortController();
    const { signal } = this.#request;
    const response = await this.#inTime(fetch(this.#api + path, { ...init, signal, credentials: 'omit' }), FIRST_WORD, late);
    if (response.ok && response.status !== 204) return response;
    const { code = response.status } = await response.json().catch(() => ({}));
    throw new Ended(REFUSED.get(code) ?? LOST);
  }

  /**
   * Breaks the request off if it takes too long.
   * @template T
   * @param {Promise<T>} promise
   * @param {number} seconds
   * @param {number} late what that means, as a close code
   */
  #inTime(promise, seconds, late) {
    const request = this.#request;
    const timer = setTimeout(() => request.abort(new Ended(late)), seconds * 1000);
    return promise.finally(() => clearTimeout(timer));
  }

  /**
   * Hands a message on, and returns its event if nothing follows it.
   * @param {any} message
   * @returns {string | undefined}
   */
  #tell(message) {
    if (!message || this.readyState !== OPEN) return undefined;
    this.onmessage?.({ data: JSON.stringify(message) });
    return OVER.has(message.event) ? message.event : undefined;
  }
}

const english = {
  alt: 'QR code to log in',
  altTo: 'QR code to log in to {name}',
  loading: 'Getting a code…',
  scan: 'Scan the code with your app',
  newCodeIn: 'New code in {time}',
  openApp: 'Open in the app',
  scannedBy: 'Scanned by {name}.',
  confirm: 'Confirm in your app',
  match: 'Enter {number} in your app',
  timeLeft: '{time} left',
  notYou: 'Not you? Get a new code',
  hereIsNewCode: 'Here is a new code.',
  canceled: 'Canceled.',
  canceledNewCode: 'Canceled. Here is a new code.',
  renewing: 'Getting a new code…',
  exhausted: 'Still there?',
  newCode: 'Show a new code',
  confirmed: 'Logging in…',
  offline: 'Connection lost. Trying again…',
  failed: 'Something went wrong.',
};

/** @type {typeof english} */
const chinese = {
  alt: '登录二维码',
  altTo: '登录 {name} 的二维码',
  loading: '正在获取二维码…',
  scan: '请用 App 扫描二维码',
  newCodeIn: '{time} 后更新',
  openApp: '在 App 中打开',
  scannedBy: '{name} 已扫码。',
  confirm: '请在 App 中确认登录',
  match: '请在 App 中输入 {number}',
  timeLeft: '剩余 {time}',
  notYou: '不是你？换一个二维码',
  hereIsNewCode: '二维码已更新。',
  canceled: '已取消。',
  canceledNewCode: '已取消，二维码已更新。',
  renewing: '正在获取新的二维码…',
  exhausted: '还在吗？',
  newCode: '显示新的二维码',
  confirmed: '正在登录…',
  offline: '连接已断开，正在重试…',
  failed: '出错了。',
};

/** @typedef {keyof typeof english} Word */

/**
 * By language: `words.fr = { scan: '…' }` adds one. What it lacks is English.
 * @type {Record<string, Partial<Record<Word, string>>>}
 */
export const words = { en: english, zh: chinese };

/** A code is black on white, the rest as light or dark as the page. */
const STYLE = `
:host { display: block; }
:host([hidden]), [hidden] { display: none !important; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
*, ::before { box-sizing: border-box; }
p { margin: 0; text-wrap: balance; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[tabindex="-1"]:focus { outline: none; }

.base {
  --ink: var(--scan-login-ink, light-dark(#16201b, #edf2ef));
  --soft: var(--scan-login-soft, light-dark(#59655f, #9daaa3));
  --line: var(--scan-login-line, light-dark(#dde3df, #2b3630));
  --accent: var(--scan-login-accent, light-dark(#0b6e4f, #62d2a6));
  --accent-ink: var(--scan-login-accent-ink, light-dark(#fff, #05271a));
  --alarm: var(--scan-login-alarm, light-dark(#a8321f, #f49a85));
  display: grid;
  justify-items: center;
  gap: 1rem;
  width: min(100%, var(--width, var(--scan-login-size, 17.5rem)));
  margin-inline: auto;
  color: var(--ink);
  line-height: 1.5;
  text-align: center;
}
.frame {
  position: relative;
  display: grid;
  width: 100%;
  aspect-ratio: 1;
  padding: 0.625rem;
  border-radius: var(--scan-login-radius, 1.375rem);
  background: #fff content-box;
}
.frame::before {
  content: "";
  position: absolute;
  inset: 0;
  border: 3px solid var(--scan-login-frame, var(--accent));
  border-radius: inherit;
  pointer-events: none;
  --corner: conic-gradient(#000 0 0);
  mask: var(--corner) 0 0, var(--corner) 100% 0, var(--corner) 0 100%, var(--corner) 100% 100%;
  mask-size: 1.75rem 1.75rem;
  mask-repeat: no-repeat;
}
.wait { position: absolute; inset: 1.5rem; border-radius: 0.75rem; background: #dde3df; animation: breathe 1.6s ease-in-out infinite alternate; }
.code { display: block; width: 100%; height: 100%; min-height: 0; padding: 0.25rem; transition: opacity 0.25s, filter 0.25s; }
.code.dim { opacity: 0.12; filter: blur(4px); }
.over {
  position: absolute;
  inset: 1rem;
  display: flex;
  flex-direction: column;
  align-items: center;
  justify-content: center;
  gap: 0.25rem;
  color-scheme: light;
  color: #16201b;
  animation: appear 0.3s ease-out;
}
.avatar {
  position: relative;
  display: grid;
  place-items: center;
  width: 5rem;
  height: 5rem;
  margin-bottom: 0.5rem;
  border-radius: 50%;
  background: #e7f3ee;
  color: #0b6e4f;
  font-size: 2rem;
  font-weight: 600;
}
.avatar img { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 50%; object-fit: cover; }
.check {
  position: absolute;
  right: -0.375rem;
  bottom: -0.25rem;
  width: 2rem;
  border: 3px solid #fff;
  border-radius: 50%;
  background: #0b6e4f;
  color: #fff;
  font-size: 1.125rem;
  line-height: 1.625rem;
}
.check::before { content: "✓"; }
.match { color: #0b6e4f; font-size: 4rem; font-weight: 600; line-height: 1; }
.nickname { max-width: 100%; font-size: 1.125rem; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.button, .link {
  min-height: 2.75rem;
  padding: 0.5rem 1.25rem;
  border: 0;
  border-radius: 0.875rem;
  background: var(--accent);
  color: var(--accent-ink);
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
.button:hover, .link:hover { filter: brightness(1.1); }
.button.quiet { margin-top: 0.5rem; padding: 0.25rem 0.5rem; background: none; color: #0b6e4f; font-size: 0.875rem; }
.button.quiet:hover { text-decoration: underline; text-underline-offset: 0.2em; }
.link { display: none; align-items: center; text-decoration: none; }
.status { min-height: 1.5em; font-weight: 600; }
.offline .status { color: var(--alarm); }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.time { width: 100%; color: var(--soft); font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.time.away { visibility: hidden; }
.progress { height: 4px; margin-bottom: 0.625rem; border-radius: 2px; background: var(--line); overflow: hidden; }
.bar { display: block; height: 100%; border-radius: inherit; background: var(--accent); transform-origin: left; transition: transform 0.5s linear; }
@media (pointer: coarse), (max-width: 30rem) { .link { display: inline-flex; } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
@keyframes appear { from { opacity: 0; transform: scale(0.96); } }
@keyframes breathe { to { opacity: 0.4; } }
`;

/** @type {CSSStyleSheet | undefined} One for all elements. */
let sheet;

function styleSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  return sheet;
}

/**
 * Makes an element; its part name is its class, too.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} name
 * @param {...Node} children
 * @returns {HTMLElementTagNameMap[K]}
 */
function make(tag, name, ...children) {
  const element = document.createElement(tag);
  element.className = name;
  element.part.value = name;
  element.append(...children);
  return element;
}

/** @param {number} seconds */
function clock(seconds) {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${`${whole % 60}`.padStart(2, '0')}`;
}

/**
 * What opens the app, if it is an address and no script.
 * @param {string} text
 */
function safeLink(text) {
  if (!URL.canParse(text)) return '';
  return /^(javascript|data|blob|file|vbscript|about):$/.test(new URL(text).protocol) ? '' : text;
}

/** @typedef {'idle' | 'loading' | 'waiting' | 'scanned' | 'confirmed' | 'renewing' | 'exhausted' | 'failed'} State */

const TICK = 500; // milliseconds; no second is skipped
const PICTURE_AGAIN = 2000; // milliseconds

/** @type {(keyof Events)[]} */
const EVENTS = ['code', 'scanned', 'confirmed', 'canceled', 'expired', 'exhausted', 'error', 'offline', 'online'];

// Without a document there is the headless class all the same.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

/** The element <scan-login>: starts when it is in a document and has a pool. */
export class ScanLoginElement extends Base {
  static observedAttributes = ['server', 'pool', 'code-challenge', 'lang', 'size', 'theme', 'name'];

  /** @type {ScanLogin | undefined} */
  #login;
  /** @type {State} */
  #state = 'idle';
  /** @type {Word} What the state says. */
  #says = 'loading';
  /** @type {Word} What the next code is announced with. */
  #greeting = 'scan';
  #offline = false;
  /** Seconds that fill the bar. */
  #fullTime = 1;
  #nickname = '';
  #number = '';
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;

  #wait = make('div', 'wait');
  #code = make('img', 'code');
  #avatar = make('div', 'avatar');
  #check = make('span', 'check');
  #match = make('p', 'match');
  #name = make('p', 'nickname');
  #button = make('button', 'button');
  #over = make('div', 'over', this.#avatar, this.#match, this.#name, this.#button);
  #link = make('a', 'link');
  #spoken = make('span', 'spoken');
  #sentence = make('span', 'sentence');
  #status = make('p', 'status', this.#spoken, this.#sentence);
  #bar = make('span', 'bar');
  #countdown = make('p', 'countdown');
  #time = make('div', 'time', make('div', 'progress', this.#bar), this.#countdown);
  #base = make('div', 'base', make('div', 'frame', this.#wait, this.#code, this.#over), this.#link, this.#status, this.#time);

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [styleSheet()];
    this.#status.role = 'status';
    this.#status.tabIndex = -1; // takes the focus when a button vanishes under it
    this.#check.ariaHidden = this.#bar.ariaHidden = 'true';
    this.#button.type = 'button';
    this.#button.addEventListener('click', () => this.#press());
    this.#link.rel = 'noopener noreferrer';
    this.#code.addEventListener('error', () => this.#pictureAgain());
    this.#code.addEventListener('load', () => {
      this.#wait.hidden = true;
      this.#draw();
    });
    root.append(this.#base);
  }

  /** What is shown. */
  get state() { return this.#state; }

  /** Begins, or begins anew with another code. */
  start() {
    this.#login?.stop();
    this.#login = undefined;
    this.#offline = false;
    this.#greeting = 'scan';
    this.#show('loading', 'loading');
    const pool = this.getAttribute('pool');
    if (!pool) return;
    const server = this.getAttribute('server');
    const login = new ScanLogin({
      server: server ? new URL(server, document.baseURI) : undefined,
      pool,
      codeChallenge: this.getAttribute('code-challenge') ?? '',
    });
    this.#login = login;
    for (const type of EVENTS) {
      login.addEventListener(type, ({ detail }) => this.#hear(type, detail));
    }
    clearInterval(this.#ticking);
    this.#ticking = setInterval(() => this.#tick(), TICK);
    login.start();
  }

  /** Ends it; the code is taken away. */
  stop() {
    this.#login?.stop();
    this.#login = undefined;
    this.#offline = false;
    clearInterval(this.#ticking);
    this.#show('idle', 'scan');
  }

  refresh() {
    if (!this.#login || this.#state === 'confirmed') {
      this.start();
      return;
    }
    this.#greeting = 'hereIsNewCode';
    this.#show('renewing', 'renewing');
    this.#login.refresh();
  }

  connectedCallback() {
    if (this.#login) return; // it was only moved
    this.start();
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected) this.stop();
    });
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} value
   */
  attributeChangedCallback(name, before, value) {
    if (before === value) return;
    if (/^(server|pool|code)/.test(name)) {
      if (this.isConnected) this.start();
      return;
    }
    if (name === 'size') {
      const pixels = Number(value);
      this.#base.style.setProperty('--width', pixels > 0 ? `${pixels}px` : '');
    }
    this.#draw();
  }

  #press() {
    if (this.#state === 'scanned') this.refresh();
    else this.start();
    this.#status.focus();
  }

  /**
   * @param {keyof Events} type
   * @param {any} detail
   */
  #hear(type, detail) {
    switch (type) {
      case 'code':
        this.#fullTime = Math.max(1, detail.expiresIn);
        this.#takePicture(detail);
        this.#show('waiting', this.#greeting);
        this.#greeting = 'scan';
        break;
      case 'scanned':
        this.#fullTime = Math.max(1, detail.expiresIn);
        this.#showUser(detail.userInfo);
        this.#number = detail.matchCode ?? '';
        this.#show('scanned', this.#number ? 'match' : 'confirm');
        break;
      case 'confirmed':
        this.#showUser(detail.userInfo);
        this.#show('confirmed', 'confirmed');
        break;
      case 'canceled':
        this.#greeting = 'canceledNewCode';
        this.#show('renewing', 'canceled');
        break;
      case 'expired':
        this.#show('renewing', 'renewing');
        break;
      case 'exhausted':
        this.#show('exhausted', this.#greeting === 'canceledNewCode' ? 'canceled' : 'exhausted');
        break;
      case 'error':
        console.error(`scan-login: ${detail.reason}`);
        this.#show('failed', 'failed');
        break;
      default: // offline, online
        this.#offline = type === 'offline';
        this.#draw();
    }
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {Code} code */
  #takePicture({ svg, payload, appLink }) {
    this.#code.src = svg;
    const link = safeLink(appLink || payload);
    if (link) this.#link.href = link;
    else this.#link.removeAttribute('href');
    this.#link.target = link.startsWith('http') ? '_blank' : '';
  }

  #pictureAgain() {
    const { src } = this.#code;
    setTimeout(() => {
      if (this.#code.src === src && this.#state === 'waiting') this.#code.src = src;
    }, PICTURE_AGAIN);
  }

  /** @param {UserInfo} user */
  #showUser({ nickname = '', photo }) {
    this.#nickname = nickname;
    const [letter = '?'] = nickname;
    this.#avatar.replaceChildren(letter.toUpperCase());
    if (photo) {
      const image = make('img', 'photo');
      image.alt = '';
      image.referrerPolicy = 'no-referrer';
      image.addEventListener('error', () => image.remove());
      image.src = photo;
      this.#avatar.append(image);
    }
    this.#avatar.append(this.#check);
  }

  /**
   * @param {State} state
   * @param {Word} says
   */
  #show(state, says) {
    this.#state = state;
    this.#says = says;
    this.#draw();
  }

  /**
   * A word in the element's language, with what stands in braces filled in.
   * @param {Word} word
   * @param {Record<string, string>} [values]
   */
  #word(word, values = {}) {
    const lang = this.lang || this.closest('[lang]')?.getAttribute('lang') || navigator.language;
    const found = words[lang]?.[word] ?? words[lang.split('-')[0].toLowerCase()]?.[word] ?? english[word];
    return found.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');
  }

  #draw() {
    const state = this.#state;
    const asks = ['exhausted', 'failed', 'idle'].includes(state);
    const who = state === 'scanned' || state === 'confirmed';
    this.#base.dataset.state = state;
    this.#base.classList.toggle('offline', this.#offline);
    const name = this.getAttribute('name') ?? '';
    this.#code.alt = this.#word(name ? 'altTo' : 'alt', { name });
    this.#code.hidden = state === 'idle' || state === 'loading' || !this.#code.src;
    if (state === 'loading') this.#wait.hidden = false;
    if (asks) this.#wait.hidden = true;
    this.#over.hidden = !who && !asks;
    this.#name.hidden = !who;
    this.#match.hidden = state !== 'scanned' || !this.#number;
    this.#match.textContent = this.#number;
    this.#avatar.hidden = !who || !this.#match.hidden;
    this.#check.hidden = state !== 'confirmed';
    this.#name.textContent = this.#nickname;
    this.#button.hidden = !asks && state !== 'scanned';
    this.#button.classList.toggle('quiet', !asks);
    this.#button.textContent = this.#word(asks ? 'newCode' : 'notYou');
    this.#link.hidden = state !== 'waiting' || !this.#link.href;
    this.#link.textContent = this.#word('openApp');
    this.#sentence.textContent = this.#word(this.#offline ? 'offline' : this.#says, { number: this.#number });
    this.#spoken.textContent = state === 'scanned' && !this.#offline
      ? this.#word('scannedBy', { name: this.#nickname || '?' }) : '';
    this.#time.classList.toggle('away', state !== 'waiting' && state !== 'scanned');
    this.#tick();
  }

  #tick() {
    const left = this.#login?.remaining ?? 0;
    const time = clock(left);
    // Until the new picture is there, it is the last one's.
    this.#code.classList.toggle('dim', this.#state !== 'waiting' || left === 0 || !this.#code.complete);
    this.#bar.style.transform = `scaleX(${Math.min(1, left / this.#fullTime)})`;
    this.#countdown.textContent = this.#state === 'scanned' ? this.#word('timeLeft', { time })
      : left > 0 ? this.#word('newCodeIn', { time }) : this.#word('renewing');
  }
}

if (globalThis.customElements && !customElements.get('scan-login')) {
  customElements.define('scan-login', ScanLoginElement);
}
