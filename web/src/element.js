/** The element <scan-login>. */
import { ScanLogin } from './client.js';
import { clock, make, safeLink, styleSheet } from './dom.js';
import { Picture } from './picture.js';
import { english, words } from './words.js';

/** @import { Code, Events, UserInfo } from './types.js' */
/** @import { Word } from './words.js' */
/** @typedef {'idle' | 'loading' | 'waiting' | 'scanned' | 'confirmed' | 'renewing' | 'exhausted' | 'failed'} State */

const TICK = 500; // milliseconds; no second is skipped

/** @type {(keyof Events)[]} */
const EVENTS = ['code', 'scanned', 'confirmed', 'canceled', 'expired', 'exhausted', 'error', 'offline', 'online'];

// Without a document there is the headless class all the same.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

/** The element <scan-login>: starts when it is in a document and has a pool. */
export class ScanLoginElement extends Base {
  static observedAttributes = ['server', 'pool', 'request', 'code-challenge', 'lang', 'size', 'theme', 'name', 'logo'];

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
  #poolLogo = '';
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;

  #wait = make('div', 'wait');
  #picture = new Picture(() => this.#draw());
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
  #base = make('div', 'base', make('div', 'frame', this.#wait, this.#picture.element, this.#over), this.#link, this.#status, this.#time);

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
    root.append(this.#base);
  }

  /** The state that is shown. */
  get state() { return this.#state; }

  /** Starts, or starts again with another code. */
  start() {
    this.#login?.stop();
    this.#login = undefined;
    this.#offline = false;
    this.#greeting = 'scan';
    this.#picture.clear();
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
    clearInterval(this.#ticking);
    this.#ticking = setInterval(() => this.#tick(), TICK);
    login.start();
  }

  /** Stops, and removes the code. */
  stop() {
    this.#login?.stop();
    this.#login = undefined;
    this.#offline = false;
    clearInterval(this.#ticking);
    this.#picture.clear();
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
    if (/^(server|pool|request|code)/.test(name)) {
      if (this.isConnected) this.start();
      return;
    }
    if (name === 'logo') {
      this.#setLogo();
    } else if (name === 'size') {
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
        this.#showCode(detail);
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
  #showCode(code) {
    const { payload, appLink, customLogo = '', brandColor = '' } = code;
    this.#poolLogo = customLogo;
    this.#base.classList.toggle('branded', brandColor !== '');
    this.#base.style.setProperty('--brand', brandColor);
    this.#setLogo();
    this.#picture.show(code);
    const link = safeLink(appLink || payload);
    if (link) this.#link.href = link;
    else this.#link.removeAttribute('href');
    this.#link.target = link.startsWith('http') ? '_blank' : '';
  }

  /** The attribute without a value means the pool's logo. */
  #setLogo() {
    const address = this.getAttribute('logo');
    this.#picture.setLogo(address === '' ? this.#poolLogo : address ?? '');
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
    this.#picture.label = this.#word(name ? 'altTo' : 'alt', { name });
    this.#picture.element.hidden = !this.#picture.hasCode;
    this.#wait.hidden = asks || who || this.#picture.isVisible;
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
    this.#picture.element.classList.toggle('dim', this.#state !== 'waiting' || left === 0 || this.#picture.isStale);
    this.#bar.style.transform = `scaleX(${Math.min(1, left / this.#fullTime)})`;
    this.#countdown.textContent = this.#state === 'scanned' ? this.#word('timeLeft', { time })
      : left > 0 ? this.#word('newCodeIn', { time }) : this.#word('renewing');
  }
}
