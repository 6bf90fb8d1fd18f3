/** The element <scan-login>. */
import { ScanLogin } from './client.js';
import { clock, safeLink, styleSheet } from './dom.js';
import { View } from './view.js';
import { translator } from './words.js';

/** @import { Code, Events, State } from './types.js' */
/** @import { Action } from './view.js' */
/** @import { Word } from './words.js' */

const TICK = 500; // milliseconds; no second is skipped
const SUCCESS = 400; // milliseconds in which the user sees it, before the page goes on

/** @type {(keyof Events)[]} */
const EVENTS = ['code', 'scanned', 'confirmed', 'canceled', 'expired', 'exhausted', 'error', 'offline', 'online', 'typed-code', 'typed-code-error'];

// Without a document there is the headless class all the same.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

/** The element <scan-login>: starts when it is in a document and has a pool. */
export class ScanLoginElement extends Base {
  static observedAttributes = ['server', 'pool', 'request', 'code-challenge', 'lang', 'size', 'theme', 'name', 'logo', 'app', 'steps'];

  /** @type {ScanLogin | undefined} */
  #login;
  /** @type {State} */
  #state = 'idle';
  /** @type {Word} The text for the state. */
  #says = 'loading';
  /** @type {Word} The text for the next code. */
  #greeting = 'scan';
  #offline = false;
  /** Seconds that fill the bar. */
  #fullTime = 1;
  #nickname = '';
  #number = '';
  #typedCode = '';
  #canType = false;
  #reason = '';
  #link = '';
  #poolLogo = '';
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;
  /** @type {ReturnType<typeof setTimeout> | undefined} Runs while the success is shown. */
  #success;
  /** An attribute was set that needs another code. */
  #startsSoon = false;
  #view;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [styleSheet()];
    this.#view = new View(root, { drawn: () => this.#draw(), act: (action) => this.#act(action) });
  }

  /** The state that is shown. */
  get state() { return this.#state; }

  /** Starts, or starts again with another code. */
  start() {
    this.#startsSoon = false;
    this.#end();
    this.#greeting = 'scan';
    this.#show('loading', 'loading');
    const pool = this.getAttribute('pool');
    if (!pool) return;
    const server = this.getAttribute('server');
    const login = new ScanLogin({
      server: server ? new URL(server, document.baseURI) : undefined,
      pool,
      codeChallenge: this.getAttribute('code-challenge') ?? '',
      request: this.getAttribute('request') ?? '',
    });
    this.#login = login;
    for (const type of EVENTS) {
      login.addEventListener(type, ({ detail }) => this.#hear(type, detail));
    }
    this.#ticking = setInterval(() => this.#tick(), TICK);
    login.start();
  }

  /** Stops, and removes the code. */
  stop() {
    this.#end();
    this.#show('idle', 'scan');
  }

  #end() {
    this.#login?.stop();
    this.#login = undefined;
    this.#offline = this.#canType = false;
    this.#typedCode = this.#reason = this.#link = '';
    clearInterval(this.#ticking);
    clearTimeout(this.#success);
    this.#view.picture.clear();
  }

  /** Withdraws the code and requests another. */
  refresh() {
    if (!this.#login || this.#state === 'confirmed') {
      this.start();
      return;
    }
    this.#greeting = 'hereIsNewCode';
    this.#show('renewing', 'renewing');
    this.#login.refresh();
  }

  /** Starts when all attributes that are set now are set, so that one code is created. */
  #startSoon() {
    this.#startsSoon = true;
    queueMicrotask(() => {
      if (this.#startsSoon && this.isConnected) this.start();
    });
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
    if (/^(server|pool|request|code)/.test(name)) {
      this.#startSoon();
      return;
    }
    if (name === 'logo') {
      this.#setLogo();
    } else if (name === 'size') {
      const pixels = Number(value);
      this.#view.base.style.setProperty('--width', pixels > 0 ? `${pixels}px` : '');
    }
    this.#draw();
  }

  /** @param {Action} action */
  #act(action) {
    switch (action) {
      case 'refuse':
        this.refresh();
        break;
      case 'retry':
        this.#login?.retry();
        break;
      case 'type':
        this.#login?.requestTypedCode();
        break;
      case 'scan':
        this.#typedCode = '';
        this.#show('waiting', 'scan');
        break;
      default:
        this.start();
    }
  }

  /**
   * @param {keyof Events} type
   * @param {any} detail
   */
  #hear(type, detail) {
    switch (type) {
      case 'code':
        this.#showCode(detail);
        this.#show('waiting', this.#greeting);
        this.#greeting = 'scan';
        break;
      case 'scanned':
        this.#fullTime = Math.max(1, detail.expiresIn);
        this.#showUser(detail);
        this.#show('scanned', this.#number ? 'match' : 'confirm');
        break;
      case 'confirmed':
        this.#showUser(detail);
        this.#show('confirmed', 'confirmed');
        this.#success = setTimeout(() => this.#pass(type, detail), SUCCESS);
        return;
      case 'canceled':
        this.#greeting = 'canceledNewCode';
        this.#show('renewing', 'canceled');
        break;
      case 'expired':
        this.#show('renewing', 'expired');
        break;
      case 'exhausted':
        this.#show('exhausted', this.#greeting === 'canceledNewCode' ? 'canceled' : 'exhausted');
        break;
      case 'error':
        console.error(`scan-login: ${detail.reason}`);
        this.#reason = detail.reason;
        this.#show('failed', 'failed');
        break;
      case 'typed-code':
        this.#typedCode = detail.typedCode;
        this.#draw();
        break;
      case 'typed-code-error':
        this.#canType = false;
        this.#show(this.#state, this.#state === 'waiting' ? 'typedCodeFailed' : this.#says);
        break;
      default: // offline, online
        this.#offline = type === 'offline';
        this.#draw();
    }
    this.#pass(type, detail);
  }

  /**
   * @param {keyof Events} type
   * @param {any} detail
   */
  #pass(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {Code} code */
  #showCode(code) {
    const { payload, appLink, customLogo = '', brandColor = '', typedCodes = false } = code;
    this.#fullTime = Math.max(1, code.expiresIn);
    this.#poolLogo = customLogo;
    this.#typedCode = '';
    this.#canType = typedCodes;
    this.#link = safeLink(appLink || payload);
    this.#view.setColor(brandColor);
    this.#setLogo();
    this.#view.picture.show(code);
  }

  /** The attribute without a value means the pool's logo. */
  #setLogo() {
    const address = this.getAttribute('logo');
    this.#view.picture.setLogo(address === '' ? this.#poolLogo : address ?? '');
  }

  /** @param {Pick<Events['scanned'], 'userInfo' | 'matchCode'>} detail */
  #showUser({ userInfo, matchCode = '' }) {
    this.#nickname = userInfo.nickname ?? '';
    this.#number = matchCode;
    this.#view.setUser(userInfo);
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

  get #word() {
    return translator(this.lang || this.closest('[lang]')?.getAttribute('lang') || navigator.language);
  }

  #draw() {
    this.#view.draw({
      state: this.#state,
      says: this.#says,
      offline: this.#offline,
      nickname: this.#nickname,
      number: this.#number,
      typedCode: this.#typedCode,
      canType: this.#canType,
      reason: this.#reason,
      name: this.getAttribute('name') ?? '',
      app: this.getAttribute('app') ?? '',
      steps: this.hasAttribute('steps'),
      link: this.#link,
    }, this.#word);
    this.#tick();
  }

  #tick() {
    const left = this.#login?.remaining ?? 0;
    const time = clock(left);
    const { picture } = this.#view;
    const word = this.#word;
    const text = this.#state === 'scanned' ? word('timeLeft', { time }) : left > 0 ? word('newCodeIn', { time }) : word('renewing');
    this.#view.tick(text, Math.min(1, left / this.#fullTime), this.#state !== 'waiting' || left === 0 || picture.isStale);
  }
}
