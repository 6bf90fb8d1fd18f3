/** An app whose user can log in on a page by scanning its code. */
import { CodeUsedError, LoginError, NotLoginCodeError, RateLimitedError, type Code, type LinkedCode, type Login } from '@scanlogin/phone';

import { look, readPicture } from './camera.js';
import { kit, logIn, USER } from './kit.js';
import { part, show, showBlocked, showConsent, showDone } from './screens.js';
import { language, localize, words } from './words.js';

let linked: LinkedCode | undefined; // an opened link that waits for the user
let login: Login | undefined; // a scanned code that waits for the decision
let isBusy = false; // one step at a time, however often a button is pressed

/** What to show for an error. */
function textOf(error: unknown): string {
  if (!(error instanceof LoginError)) throw error;
  const text = error.textFor(language);
  return error instanceof RateLimitedError ? `${text} ${words.wait(error.retryAfter)}` : text;
}

/** Runs a step, and shows its error where the user is. */
async function step(place: 'failure' | 'refusal', work: () => Promise<void>): Promise<void> {
  if (isBusy) return;
  isBusy = true;
  part(place).textContent = '';
  try {
    await work();
  } catch (error) {
    part(place).textContent = textOf(error);
  } finally {
    isBusy = false;
  }
}

function goHome(failure = ''): void {
  login = linked = undefined;
  part('failure').textContent = failure;
  show('home');
}

function scan(code: Code): Promise<void> {
  show('home');
  return step('failure', async () => {
    login = await kit.scan(code);
    showConsent(login.scan);
  });
}

async function decide(current: Login, agrees: boolean): Promise<void> {
  try {
    if (agrees && current.scan.stepUp) await logIn();
    if (agrees) await current.confirm({ matchCode: part<HTMLInputElement>('digits').value });
    else await current.cancel();
    showDone(agrees ? words.agreed : words.canceled);
  } catch (error) {
    if (!(error instanceof LoginError)) throw error;
    if (error instanceof CodeUsedError && error.status === 'confirmed') return showDone(agrees ? words.agreed : words.already); // by an earlier attempt, or another phone
    if (error.advice.next === 'step-up') await logIn();
    if (error.advice.next === 'cancel') showBlocked();
    const stays = ['retry', 'enter-number', 'cancel', 'step-up'].includes(error.advice.next);
    if (!stays) return goHome(textOf(error));
    if (error.advice.next === 'enter-number') part<HTMLInputElement>('digits').select();
    throw error;
  }
}

async function useCamera(): Promise<void> {
  const stopped = new AbortController();
  part('stop').onclick = () => stopped.abort();
  show('camera');
  let code: Code | undefined;
  try {
    await look(part<HTMLVideoElement>('video'), stopped.signal, (text) => {
      try {
        code = kit.read(text);
        return true;
      } catch (error) {
        if (error instanceof NotLoginCodeError) return false; // continues to look
        throw error;
      }
    });
    if (!code) return goHome();
  } catch (error) {
    return goHome(error instanceof LoginError ? textOf(error) : words.noCamera);
  }
  await scan(code);
}

/** A link that was opened. Nothing is sent until the user presses a button; an open consent screen stays. */
function openLink(url: string): void {
  if (login) return;
  try {
    linked = kit.openLink(url);
    show('link');
  } catch (error) {
    goHome(textOf(error));
  }
}

localize();
part('account').textContent = words.account(USER.name);
part('camera').onclick = useCamera;
part<HTMLInputElement>('picture').onchange = async ({ target }) => {
  const input = target as HTMLInputElement;
  const [file] = input.files ?? [];
  const text = file && await readPicture(file).catch(() => undefined);
  input.value = ''; // or the same file could not be chosen again
  if (text === undefined) return goHome(words.noCode);
  readAndScan(text);
};
part<HTMLFormElement>('typed').onsubmit = (event) => {
  event.preventDefault();
  readAndScan(part<HTMLInputElement>('code').value);
};
part('accept').onclick = () => linked && scan(linked.afterUserAgreed());
part('reject').onclick = () => goHome();
part('agree').onclick = () => step('refusal', async () => { if (login) await decide(login, true); });
part('cancel').onclick = () => step('refusal', async () => { if (login) await decide(login, false); });
part('home').onclick = () => goHome();

function readAndScan(text: string): void {
  try {
    void scan(kit.read(text));
  } catch (error) {
    goHome(textOf(error));
  }
}

// With Capacitor: App.addListener('appUrlOpen', ({ url }) => openLink(url)) of @capacitor/app. In a browser: #link=<address>.
const opened = new URLSearchParams(location.hash.slice(1)).get('link');
if (opened) openLink(opened);
