/** What the app shows. Everything from outside is put in as text. */
import { displayText, type Scan, type Verdict } from '@scanlogin/phone';

import { USER } from './kit.js';
import { words } from './words.js';

const MAX_ROWS = 8; // of custom data; the server accepts 512 bytes of it

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

/** Shows who asks, in the order of docs/phone.md. All parts are made before one of them is shown. */
export function showConsent({ pool, client, browser, consent, customData, device, match, stepUp }: Scan): void {
  const [reason = '', ...others] = consent.reasons.map(({ text }) => text);
  const summary = [words.on(browser.browser, browser.os), browser.place, age(consent.age)].filter(Boolean).join(words.comma);
  const fromPage = rows(Object.entries(customData ?? {}).slice(0, MAX_ROWS).map(([label, value]) => [displayText(label, 40), textOf(value)]));
  const details = rows([
    [words.address, browser.ip],
    [words.time, words.ago(consent.age)],
    [words.network, either(consent.sameNetwork, words.sameNetwork, words.otherNetwork)],
    [words.before, either(consent.knownBrowser, words.knownBrowser, words.newBrowser)],
    [words.recentCodes, consent.codesLately?.toString()],
    ...others.map((text): Row => [words.also, text]),
  ]);
  part('question').textContent = words.question(client ? words.via(client.name, pool.name) : pool.name);
  part('as').textContent = words.as(USER.name);
  part('summary').textContent = summary;
  part('device').textContent = device ? words.device(device.client, device.userCode) : '';
  part('warning').hidden = consent.verdict === 'ok';
  part('reason').textContent = reason;
  part('from-page').replaceChildren(...fromPage);
  part('page').hidden = fromPage.length === 0;
  part('facts').replaceChildren(...details);
  part<HTMLDetailsElement>('details').open = false;
  part('step-up').hidden = !stepUp;
  part('number').hidden = !match;
  part<HTMLInputElement>('digits').value = '';
  part('refusal').textContent = '';
  showButtons(consent.verdict);
  show('consent');
  part('question').focus();
}

/** With a warning, Cancel is the highlighted button; a blocked login has no other. */
function showButtons(verdict: Verdict): void {
  part('warning').classList.toggle('blocked', verdict === 'block');
  part('verdict').textContent = verdict === 'block' ? words.block : words.careful;
  part('cancel').classList.toggle('primary', verdict !== 'ok');
  part('agree').classList.toggle('primary', verdict === 'ok');
  part('agree').hidden = part('hint').hidden = verdict === 'block';
}

/** The server has refused the login while the consent screen was open. */
export function showBlocked(): void {
  part('warning').hidden = part('number').hidden = true; // the refusal says why
  showButtons('block');
}

type Row = [term: string, text: string | undefined];

function rows(all: Row[]): HTMLElement[] {
  return all.flatMap(([term, text]) => (text ? [element('dt', term), element('dd', text)] : []));
}

/** Anyone can send custom data: it is filtered and shortened. */
function textOf(value: unknown): string {
  return displayText(typeof value === 'string' ? value : JSON.stringify(value));
}

function age(seconds: number): string {
  return seconds < 10 ? words.justNow : words.ago(seconds);
}

function either(fact: boolean | undefined, yes: string, no: string): string | undefined {
  return fact === undefined ? undefined : fact ? yes : no;
}

function element(name: 'dt' | 'dd', text: string): HTMLElement {
  const one = document.createElement(name);
  one.textContent = text;
  return one;
}
