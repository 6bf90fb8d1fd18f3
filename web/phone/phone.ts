/**
 * The demo's phone, in place of the app in which the user is logged in. It scans only when a
 * button is pressed, so that opening or previewing a link does not scan the code. Its calls are
 * those of the phone kit.
 */
import {
  CodeUsedError, LoginError, MatchCodeError, NotLoginCodeError, RateLimitedError, StepUpRequiredError, type Code, type LinkedCode, type Login, type PhoneKit,
} from '../../clients/phone/src/index.js';
import { part, showFace, showState } from '../page.js';
import { lang, localize, words } from '../words.js';
import { accountOf, type Account, type User } from './account.js';
import { hasCamera, look, readPicture } from './camera.js';
import { fillConsent, showBlocked } from './consent.js';

const root = document.querySelector<HTMLElement>('[data-app="phone"]')!;
const { pool = '', origins = '', decoder = '' } = root.dataset;
const decoderURL = new URL(decoder, document.baseURI).href;

const form = part(root, 'form', HTMLFormElement);
const input = form.elements.namedItem('code') as HTMLInputElement;
const failure = part(root, 'error', HTMLElement);
const refusal = part(root, 'refusal', HTMLElement);
const logo = part(root, 'logo', HTMLImageElement);
const digits = part(root, 'digits', HTMLInputElement);
const picture = part(root, 'picture', HTMLInputElement);
const cameraButton = part(root, 'camera', HTMLButtonElement);
const markAddress = logo.src;

let linked: LinkedCode | undefined; // an opened link that waits for the user
let login: Login | undefined; // a scanned code that waits for the decision
let loggedInAgain = false; // since the scan, as it requires
let account: Account | undefined; // of the user who scanned it

/** The code on the login page beside the phone, on the page that shows both. */
let beside: string | undefined;

function user(): User {
  const picked = form.querySelector<HTMLInputElement>('[name="user"]:checked')!;
  return { id: picked.value, name: picked.dataset['name'] ?? '' };
}

const open = (): Account => accountOf(user(), pool, origins ? origins.split(' ') : []);
const kit = (): PhoneKit => open().kit;

/** What to show for an error. */
function textOf(error: unknown): string {
  if (!(error instanceof LoginError)) throw error;
  const text = error.textFor(lang === 'zh-CN' ? 'zh' : 'en');
  return error instanceof RateLimitedError ? `${text} ${words.wait(error.retryAfter)}` : text;
}

/** Runs one step at a time, and shows its error where the user is: buttons pressed meanwhile are ignored. */
async function step(place: HTMLElement, work: () => Promise<void>): Promise<void> {
  if (root.ariaBusy === 'true') return;
  root.ariaBusy = 'true';
  place.textContent = '';
  try {
    await work();
  } catch (error) {
    place.textContent = textOf(error);
  } finally {
    root.ariaBusy = 'false';
  }
}

/** Scans, and shows who asks. */
async function scan(code: (from: PhoneKit) => Code): Promise<void> {
  const opened = open();
  const scanned = await opened.kit.scan(code(opened.kit));
  const { id, name } = user();
  fillConsent(root, scanned.scan);
  login = scanned;
  loggedInAgain = false;
  account = opened;
  logo.src = login.scan.pool.logo ?? markAddress;
  part(root, 'as', HTMLElement).textContent = words.as(name);
  showFace(part(root, 'face', HTMLElement), name, `demo/photo/${id}.svg`);
  refusal.textContent = '';
  showState(root, 'consent');
  part(root, 'question', HTMLElement).focus();
}

const scanText = (text: string): Promise<void> => step(failure, () => scan((from) => from.read(text)));

async function decide(current: Login, agrees: boolean): Promise<void> {
  try {
    if (agrees) await current.confirm({ matchCode: digits.value.trim() });
    else await current.cancel();
    showOutcome(agrees);
  } catch (error) {
    if (!(error instanceof LoginError)) throw error;
    if (error instanceof StepUpRequiredError) return askForLogin();
    if (error instanceof CodeUsedError && error.status === 'confirmed') return agrees ? showOutcome(true) : begin(words.already); // by an earlier attempt, or another phone
    if (!['retry', 'enter-number', 'cancel'].includes(error.advice.next)) return begin(textOf(error));
    markNumber(error instanceof MatchCodeError);
    if (error.advice.next === 'cancel') showBlocked(root);
    throw error;
  }
}

/** The user has agreed, and logs in to the app again: a real app asks for the password, or a fingerprint. */
function askForLogin(): void {
  showState(root, 'again');
  part(root, 'logInAgain', HTMLElement).focus();
}

/** Leads to the number, if that is what is wrong. */
function markNumber(isWrong: boolean): void {
  digits.ariaInvalid = `${isWrong}`;
  if (isWrong) digits.select();
}

function showOutcome(agrees: boolean): void {
  login = undefined;
  showState(root, agrees ? 'confirmed' : 'canceled');
  part(root, agrees ? 'agreed' : 'declined', HTMLElement).focus();
}

/** Shows the empty form. */
function begin(message = ''): void {
  login = linked = undefined;
  input.value = '';
  digits.ariaInvalid = 'false';
  showState(root, 'start');
  showBeside();
  (beside ? part(root, 'beside', HTMLElement) : input).focus();
  failure.textContent = message;
}

async function useCamera(): Promise<void> {
  const stopped = new AbortController();
  const stop = part(root, 'stop', HTMLButtonElement);
  stop.onclick = () => stopped.abort();
  failure.textContent = '';
  showState(root, 'camera');
  stop.focus();
  let text = '';
  try {
    await look(part(root, 'video', HTMLVideoElement), decoderURL, stopped.signal, (seen) => {
      if (!isLoginCode(seen)) return false;
      text = seen;
      return true;
    });
  } catch (error) {
    console.info(error);
    failure.textContent = words.noCamera;
  }
  showState(root, 'start');
  cameraButton.focus();
  if (text) await scanText(text);
}

/** Whether the camera can stop: codes of other hosts lead to an error, which scanText shows. */
function isLoginCode(text: string): boolean {
  try {
    kit().read(text);
    return true;
  } catch (error) {
    return !(error instanceof NotLoginCodeError);
  }
}

/** A link that was opened. Nothing is sent until the user presses a button. */
function openLink(text: string): void {
  try {
    linked = kit().openLink(new URL(`/s/${text}`, location.origin).href);
    showState(root, 'linked');
  } catch (error) {
    begin(textOf(error));
  }
}

/** Offers the code of the login page beside the phone. */
function showBeside(): void {
  const canScan = beside !== undefined && root.dataset['state'] === 'start';
  part(root, 'beside', HTMLElement).hidden = !canScan;
}

function nameScanButtons(): void {
  for (const name of ['scan', 'beside', 'accept']) part(root, name, HTMLElement).textContent = words.scanAs(user().name);
}

form.addEventListener('change', nameScanButtons);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (input.value.trim() === '') failure.textContent = words.codeMissing;
  else void scanText(input.value);
});
part(root, 'beside', HTMLElement).addEventListener('click', () => void scanText(beside ?? ''));
part(root, 'accept', HTMLElement).addEventListener('click', () => void step(failure, () => {
  const code = linked?.afterUserAgreed().random ?? '';
  return scan((from) => from.read(code));
}));
picture.addEventListener('change', () => void step(failure, async () => {
  const [file] = picture.files ?? [];
  const text = file && (await readPicture(file, decoderURL));
  picture.value = ''; // or the same file could not be selected again
  if (text === undefined) failure.textContent = words.noCode;
  else await scan((from) => from.read(text));
}));
cameraButton.addEventListener('click', () => void useCamera());
part(root, 'agree', HTMLElement).addEventListener('click', () => void step(refusal, async () => {
  if (login?.scan.stepUp && !loggedInAgain) askForLogin();
  else if (login) await decide(login, true);
}));
part(root, 'logInAgain', HTMLElement).addEventListener('click', () => void step(refusal, async () => {
  showState(root, 'consent');
  await account?.logInAgain();
  loggedInAgain = true;
  if (login) await decide(login, true);
}));
part(root, 'back', HTMLElement).addEventListener('click', () => showState(root, 'consent'));
part(root, 'cancel', HTMLElement).addEventListener('click', () => void step(refusal, async () => { if (login) await decide(login, false); }));
digits.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') part(root, 'agree', HTMLElement).click();
});
part(root, 'done', HTMLElement).addEventListener('click', () => begin());
part(root, 'other', HTMLElement).addEventListener('click', () => begin());
logo.addEventListener('error', () => {
  if (logo.src !== markAddress) logo.src = markAddress;
});
root.addEventListener('code', (event) => { // of demo.js
  beside = (event as CustomEvent<string | undefined>).detail;
  showBeside();
});

if (!hasCamera) cameraButton.remove();
part(root, 'otherWays', HTMLDetailsElement).open = root.matches('main'); // beside the login page one button is enough
localize();
if (root.matches('main')) document.title = words.demoPhone;
nameScanButtons();
const query = new URLSearchParams(location.search);
const opened = root.matches('main') ? query.get('code') || query.get('random') : null;
if (opened) openLink(opened);
else {
  showState(root, 'start');
  showBeside();
}
