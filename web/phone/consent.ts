/**
 * The consent screen: who asks, in one sentence, and what the user can do. It is the model for
 * apps; docs/phone.md explains its order. All parts are made before any of them is shown, so the
 * screen is never shown in part. Text from outside is inserted as text.
 */
import { displayText, type Consent, type Scan } from '../../clients/phone/src/index.js';
import { part } from '../page.js';
import { words } from '../words.js';

const JUST_NOW = 10; // seconds
const MAX_ROWS = 8; // of custom data; the server accepts 512 bytes of it
const MAX_LABEL = 40; // characters

type Row = readonly [term: string, text: string];

/** Fills in the screen below root. It throws before anything is changed. */
export function fillConsent(root: HTMLElement, { pool, client, browser, consent, customData, device, match, stepUp }: Scan): void {
  const [reason, ...others] = consent.reasons.map(({ text }) => text);
  const summary = [words.browserOn(browser.browser, browser.os), browser.place, ago(consent.age)].filter(Boolean).join(words.comma);
  const details = listOf(detailsOf(browser, consent, others));
  const page = listOf(rowsOf(customData));

  part(root, 'question', HTMLElement).textContent = words.allowLogin(client ? words.via(client.name, pool.name) : pool.name);
  part(root, 'summary', HTMLElement).textContent = summary;
  part(root, 'facts', HTMLElement).replaceChildren(...details);
  part(root, 'details', HTMLDetailsElement).open = false;
  part(root, 'said', HTMLElement).replaceChildren(...page);
  part(root, 'page', HTMLElement).hidden = page.length === 0;
  part(root, 'warning', HTMLElement).hidden = consent.verdict === 'ok';
  part(root, 'reason', HTMLElement).textContent = reason ?? '';
  part(root, 'device', HTMLElement).hidden = !device;
  part(root, 'device', HTMLElement).textContent = device ? words.device(device.client, device.userCode) : '';
  part(root, 'stepUp', HTMLElement).hidden = !stepUp;
  part(root, 'number', HTMLElement).hidden = match !== 'digits' || consent.verdict === 'block';
  part(root, 'digits', HTMLInputElement).value = '';
  showButtons(root, consent.verdict);
}

/** With a warning, Cancel is the highlighted button; a blocked login has no other. */
function showButtons(root: HTMLElement, verdict: Consent['verdict']): void {
  const isOk = verdict === 'ok';
  const isBlocked = verdict === 'block';
  part(root, 'warning', HTMLElement).classList.toggle('blocked', isBlocked);
  part(root, 'verdict', HTMLElement).textContent = isBlocked ? words.block : words.careful;
  part(root, 'agreeHint', HTMLElement).hidden = isBlocked;
  part(root, 'agree', HTMLElement).hidden = isBlocked;
  part(root, 'cancel', HTMLElement).classList.toggle('primary', !isOk);
  part(root, 'agree', HTMLElement).classList.toggle('primary', isOk);
}

/** Leaves only Cancel: the server refused the login after the screen was shown, and the refusal says why. */
export function showBlocked(root: HTMLElement): void {
  part(root, 'warning', HTMLElement).hidden = true;
  part(root, 'number', HTMLElement).hidden = true;
  showButtons(root, 'block');
}

/** What is known of the request beyond the sentence, with the reasons that the warning does not name. */
function detailsOf(browser: Scan['browser'], consent: Consent, others: readonly string[]): Row[] {
  const rows: [string, string | undefined][] = [
    [words.browser, words.browserOn(browser.browser, browser.os)],
    [words.place, browser.place],
    [words.ip, browser.ip],
    [words.asked, words.secondsAgo(consent.age)],
    [words.network, either(consent.sameNetwork, words.sameNetwork, words.otherNetwork)],
    [words.before, either(consent.knownBrowser, words.knownBrowser, words.newBrowser)],
    [words.recentCodes, consent.codesLately?.toString()],
    ...others.map((text): [string, string] => [words.also, text]),
  ];
  return rows.flatMap(([term, text]) => (text === undefined ? [] : [[term, text] as const]));
}

/** Custom data as labeled rows. Anyone can send it: it is filtered and shortened. */
export function rowsOf(data: unknown): Row[] {
  if (typeof data !== 'object' || data === null) {
    const text = displayText(`${data ?? ''}`);
    return text === '' ? [] : [[words.note, text]];
  }
  const all = Object.entries(data);
  const rows = all.slice(0, MAX_ROWS).map(([label, value]): Row => [displayText(label, MAX_LABEL) || '–', textOf(value)]);
  return all.length > MAX_ROWS ? [...rows, ['…', words.moreRows(all.length - MAX_ROWS)]] : rows;
}

/** The server passes on all but the custom data without hidden characters: these are filtered here. */
function textOf(value: unknown): string {
  return displayText(typeof value === 'string' ? value : JSON.stringify(value)) || '–';
}

function ago(seconds: number): string {
  if (seconds < JUST_NOW) return words.justNow;
  return seconds < 120 ? words.secondsAgo(seconds) : words.minutesAgo(Math.round(seconds / 60));
}

function either(fact: boolean | undefined, yes: string, no: string): string | undefined {
  return fact === undefined ? undefined : fact ? yes : no;
}

/** The children of a list of terms and texts. */
function listOf(rows: readonly Row[]): HTMLElement[] {
  return rows.flatMap(([term, text]) => [element('dt', term), element('dd', text)]);
}

function element(name: 'dt' | 'dd', text: string): HTMLElement {
  const one = document.createElement(name);
  one.textContent = text;
  return one;
}
