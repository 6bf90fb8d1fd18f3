/** The instruction: how to log in with the app, in three steps. */
import { make } from './dom.js';
import { icon } from './icons.js';

/** @import { Icon } from './icons.js' */
/** @import { Translate, Word } from './words.js' */

/** @type {[Icon, Word][]} */
const STEPS = [['phone', 'step1'], ['scan', 'step2'], ['shield', 'step3']];

export class Steps {
  #texts = STEPS.map(() => make('span', 'step-text'));
  element = make('ol', 'steps', ...STEPS.map(([symbol], i) => make('li', 'step', icon(symbol), this.#texts[i])));

  constructor() {
    this.element.role = 'list'; // Safari takes a list without markers for none
  }

  /**
   * @param {boolean} visible
   * @param {string} app name; '' if unknown
   * @param {Translate} word
   */
  draw(visible, app, word) {
    this.element.hidden = !visible;
    STEPS.forEach(([, text], i) => {
      const [before, after] = word(text, { app: '\0' }).split('\0');
      const name = make('b', 'app');
      name.textContent = app || word('yourApp');
      this.#texts[i].replaceChildren(before, ...after === undefined ? [] : [app ? name : word('yourApp'), after]);
    });
  }
}
