/** What the element shows: one message, and at most one thing over the code. */
import { make } from './dom.js';
import { icon } from './icons.js';
import { Picture } from './picture.js';
import { Steps } from './steps.js';

/** @import { State, UserInfo } from './types.js' */
/** @import { Icon } from './icons.js' */
/** @import { Translate, Word } from './words.js' */
/** @typedef {'new' | 'refuse' | 'retry' | 'type' | 'scan'} Action what a button is for */
/** @typedef {'user' | 'number' | 'success' | 'offline' | 'canceled' | 'typed' | 'asks' | 'failed' | ''} Over */

/**
 * @typedef {object} Model
 * @property {State} state
 * @property {Word} says the message
 * @property {boolean} offline
 * @property {string} nickname
 * @property {string} number to enter on the phone; '' for none
 * @property {string} typedCode shown instead of the QR code; '' for none
 * @property {boolean} canType
 * @property {string} reason of a failure, for developers
 * @property {string} name of the site
 * @property {string} app its app; '' if unknown
 * @property {boolean} steps show the instruction
 * @property {string} link opens the app; '' for none
 */

/** @type {Record<Over, [Icon | '', Word | '', Action]>} The icon, the button's text, and what it does. */
const OVERS = {
  user: ['', 'notYou', 'refuse'],
  number: ['', 'notYou', 'refuse'],
  success: ['check', '', 'new'],
  offline: ['offline', 'retry', 'retry'],
  canceled: ['cross', '', 'new'],
  typed: ['', 'showCode', 'scan'],
  asks: ['clock', 'newCode', 'new'],
  failed: ['alert', 'tryAgain', 'new'],
  '': ['', '', 'new'],
};
const QUIET = /^(user|number|typed)$/;

/**
 * What covers the code.
 * @param {Model} model
 * @returns {Over}
 */
function overOf({ state, says, offline, number, typedCode }) {
  if (state === 'confirmed') return 'success';
  if (state === 'failed') return 'failed';
  if (state === 'exhausted' || state === 'idle') return 'asks';
  if (offline) return 'offline';
  if (state === 'scanned') return number ? 'number' : 'user';
  if (state === 'renewing' && says === 'canceled') return 'canceled';
  return state === 'waiting' && typedCode ? 'typed' : '';
}

export class View {
  picture;
  #wait = make('div', 'wait');
  #icon = make('div', 'icon');
  #avatar = make('div', 'avatar');
  #match = make('p', 'match');
  #typed = make('p', 'typed');
  #name = make('p', 'nickname');
  #button = make('button', 'button');
  #reason = make('p', 'reason');
  #summary = document.createElement('summary');
  #details = make('details', 'details', this.#summary, this.#reason);
  #over = make('div', 'over', this.#icon, this.#avatar, this.#match, this.#typed, this.#name, this.#button, this.#details);
  #link = make('a', 'link');
  #hint = make('span', 'hint');
  #lead = make('div', 'lead', this.#link, this.#hint);
  #steps = new Steps();
  #spoken = make('span', 'spoken');
  #done = make('span', 'done');
  #sentence = make('span', 'sentence');
  #status = make('p', 'status', this.#spoken, this.#done, this.#sentence);
  #bar = make('span', 'bar');
  #progress = make('div', 'progress', this.#bar);
  #countdown = make('p', 'countdown');
  #help = make('button', 'help');
  #foot = make('div', 'foot', this.#countdown, this.#help);
  #time = make('div', 'time', this.#progress, this.#foot);
  #frame;
  base;
  /** @type {Action} */
  #action = 'new';
  #root;

  /**
   * @param {ShadowRoot} root
   * @param {{ drawn: () => void, act: (action: Action) => void }} listeners
   */
  constructor(root, { drawn, act }) {
    this.#root = root;
    this.picture = new Picture(drawn);
    this.#frame = make('div', 'frame', this.#wait, this.picture.element, this.#over);
    this.base = make('div', 'base', make('div', 'flow', this.#lead, this.#steps.element, this.#frame, this.#status, this.#time));
    this.#status.role = 'status';
    this.#status.tabIndex = -1; // takes the focus when a button vanishes under it
    this.#done.ariaHidden = this.#progress.ariaHidden = 'true';
    this.#button.type = this.#help.type = 'button';
    this.#button.addEventListener('click', () => act(this.#action));
    this.#help.addEventListener('click', () => act('type'));
    this.#link.rel = 'noopener noreferrer';
    root.append(this.base);
  }

  /**
   * @param {string} color of the pool, `#rrggbb`; '' for the default
   */
  setColor(color) {
    this.base.classList.toggle('branded', color !== '');
    this.base.style.setProperty('--brand', color);
  }

  /** @param {UserInfo} user */
  setUser({ nickname = '', photo }) {
    const [letter = '?'] = nickname;
    this.#avatar.replaceChildren(letter.toUpperCase());
    if (!photo) return;
    const image = make('img', 'photo');
    image.alt = '';
    image.referrerPolicy = 'no-referrer';
    image.addEventListener('error', () => image.remove());
    image.src = photo;
    this.#avatar.append(image);
  }

  /**
   * @param {Model} model
   * @param {Translate} word
   */
  draw(model, word) {
    const focused = this.#root.activeElement;
    const over = overOf(model);
    this.base.dataset.state = model.state;
    this.base.dataset.over = over;
    this.base.classList.toggle('offline', model.offline);
    this.#drawCode(model, over, word);
    this.#drawOver(model, over, word);
    this.#drawLead(model, over, word);
    this.#steps.draw(model.steps, model.app || model.name, word);
    this.#drawStatus(model, over, word);
    this.#help.hidden = !model.canType || model.state !== 'waiting' || over !== '';
    this.#help.textContent = word('cantScan');
    this.#time.classList.toggle('away', !/^(waiting|scanned)$/.test(model.state) || over === 'offline');
    if (focused?.closest('[hidden]')) this.#status.focus({ preventScroll: true });
  }

  /**
   * @param {Model} model
   * @param {Over} over
   * @param {Translate} word
   */
  #drawCode({ name }, over, word) {
    this.picture.label = word(name ? 'altTo' : 'alt', { name });
    this.picture.element.hidden = !this.picture.hasCode; // styles.css hides it under what covers it
    this.#wait.hidden = over !== '' || this.picture.isVisible;
  }

  /**
   * @param {Model} model
   * @param {Over} over
   * @param {Translate} word
   */
  #drawOver({ nickname, number, typedCode, reason }, over, word) {
    const [symbol, text, action] = OVERS[over];
    if (this.#over.dataset.kind !== over) this.#icon.replaceChildren(...symbol ? [icon(symbol)] : []);
    this.#over.dataset.kind = over;
    this.#over.hidden = !over;
    this.#icon.hidden = !symbol;
    this.#icon.part.value = over === 'success' ? 'icon check' : 'icon';
    this.#avatar.hidden = over !== 'user';
    this.#match.hidden = over !== 'number';
    this.#match.textContent = number;
    this.#typed.hidden = over !== 'typed';
    this.#typed.textContent = typedCode;
    this.#name.hidden = !nickname || !/^(user|number|success)$/.test(over);
    this.#name.textContent = this.#name.title = nickname;
    this.#button.hidden = !text;
    this.#button.classList.toggle('quiet', QUIET.test(over));
    this.#button.textContent = text && word(text);
    this.#action = action;
    this.#details.hidden = over !== 'failed' || !reason;
    this.#summary.textContent = word('details');
    this.#reason.textContent = reason;
  }

  /**
   * On a phone, what comes before the code.
   * @param {Model} model
   * @param {Over} over
   * @param {Translate} word
   */
  #drawLead({ state, app, link }, over, word) {
    const usable = state === 'waiting' && over === '';
    this.#lead.classList.toggle('away', !usable);
    this.#link.hidden = !usable || !link;
    if (link) this.#link.href = link;
    else this.#link.removeAttribute('href');
    this.#link.target = link.startsWith('http') ? '_blank' : '';
    this.#link.textContent = app ? word('openAppNamed', { app }) : word('openApp');
    this.#hint.hidden = !usable || link !== '';
    this.#hint.textContent = word('otherDevice');
  }

  /**
   * @param {Model} model
   * @param {Over} over
   * @param {Translate} word
   */
  #drawStatus({ says, nickname, number, app, typedCode }, over, word) {
    const scanned = over === 'user';
    const text = over === 'offline' ? 'offline' : over === 'typed' ? 'typedCode' : says === 'scan' && app ? 'scanWith' : says;
    this.#done.textContent = scanned ? word('scanned') : '';
    this.#spoken.textContent = scanned || over === 'number' ? `${word('scannedBy', { name: nickname || '?' })} `
      : over === 'typed' ? `${[...typedCode].join(' ')} ` : '';
    const sentence = word(text, { number, app });
    if (this.#sentence.textContent !== sentence) this.#sentence.textContent = sentence; // not announced again
  }

  /**
   * @param {string} text of the countdown
   * @param {number} part of the time that is left, up to 1
   * @param {boolean} dim the code cannot be scanned
   */
  tick(text, part, dim) {
    this.picture.element.classList.toggle('dim', dim);
    this.#bar.style.transform = `scaleX(${part})`;
    this.#countdown.textContent = text;
  }
}
