/** What the app shows. Everything from outside is put in as text. */
import { displayText, type Scan } from '@scanlogin/phone';

import { USER } from './kit.js';
import { words } from './words.js';

export type State = 'home' | 'camera' | 'link' | 'consent' | 'done';

export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** Shows one screen. */
export function show(state: State): void {
  document.querySelector('main')!.dataset['state'] = state;
  for (const section of document.querySelectorAll<HTMLElement>('[data-in]')) section.hidden = section.dataset['in'] !== state;
}

export function showDone(text: string): void {
  part('outcome').textContent = text;
  show('done');
  part('outcome').focus();
}

/** Shows who asks, in the order of docs/phone.md. */
export function showConsent({ pool, browser, consent, customData, match, stepUp }: Scan): void {
  part('question').textContent = words.question(pool.name);
  part('as').textContent = words.as(USER.name);
  showWarning(consent.verdict, consent.reasons.map(({ text }) => text));
  const place = browser.place ? `${browser.place} (${browser.ip})` : browser.ip;
  const facts: [string, string | undefined][] = [
    [words.browser, words.on(browser.browser, browser.os)],
    [words.place, place],
    [words.time, words.ago(consent.age)],
    [words.network, either(consent.sameNetwork, words.sameNetwork, words.otherNetwork)],
    [words.before, either(consent.knownBrowser, words.knownBrowser, words.newBrowser)],
    [words.page, fromPage(customData)],
  ];
  part('facts').replaceChildren(...facts.flatMap(([term, text]) => (text ? [element('dt', term), element('dd', text)] : [])));
  part('step-up').hidden = !stepUp;
  part('number').hidden = !match;
  part<HTMLInputElement>('digits').value = '';
  part('refusal').textContent = '';
  show('consent');
  part('question').focus();
}

/** With a warning, Cancel is the highlighted button; a blocked login cannot be agreed to. */
function showWarning(verdict: Scan['consent']['verdict'], reasons: string[]): void {
  part('warning').hidden = verdict === 'ok';
  part('verdict').textContent = verdict === 'block' ? words.block : words.careful;
  part('reasons').replaceChildren(...reasons.map((text) => element('li', text)));
  part('cancel').classList.toggle('primary', verdict !== 'ok');
  part('agree').classList.toggle('primary', verdict === 'ok');
  part<HTMLButtonElement>('agree').disabled = verdict === 'block';
}

/** Anyone can send custom data: it is filtered and shortened. */
function fromPage(data: unknown): string | undefined {
  if (typeof data === 'string') return displayText(data);
  const text = JSON.stringify(data, (_, value: unknown) => (typeof value === 'string' ? displayText(value) : value));
  return text === '{}' ? undefined : displayText(text);
}

function either(fact: boolean | undefined, yes: string, no: string): string | undefined {
  return fact === undefined ? undefined : fact ? yes : no;
}

function element(name: 'dt' | 'dd' | 'li', text: string): HTMLElement {
  const one = document.createElement(name);
  one.textContent = text;
  return one;
}
