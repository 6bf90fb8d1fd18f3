/**
 * The demo's phone, in place of the app in which the user is logged in. It scans
 * only when a button is pressed, so that opening or previewing a link does not
 * scan the code.
 */
import { part, post, Refusal, showFace, showState } from './page.js';
import { localize, words } from './words.js';

const MAX_PICTURE = 5 << 20; // bytes; the limit of the server
const LOOK_EVERY = 150; // milliseconds

// Refusals after which the user may still decide.
const BLOCKED = 2248;
const WRONG_NUMBER = 2249;

/** The browser's barcode detector, if it has one and the camera may be used. */
const Reader = window.isSecureContext && /** @type {any} */ (window).BarcodeDetector;

const root = /** @type {HTMLElement} */ (document.querySelector('main'));

const form = part(root, 'form', HTMLFormElement);
const input = /** @type {HTMLInputElement} */ (form.elements.namedItem('code'));
const scanButton = part(root, 'scan', HTMLButtonElement);
const picture = part(root, 'picture', HTMLInputElement);
const cameraButton = part(root, 'camera', HTMLButtonElement);
const stopButton = part(root, 'stop', HTMLButtonElement);
const video = part(root, 'video', HTMLVideoElement);
const failure = part(root, 'error', HTMLElement);
const logo = part(root, 'logo', HTMLImageElement);
const question = part(root, 'question', HTMLElement);
const face = part(root, 'face', HTMLElement);
const as = part(root, 'as', HTMLElement);
const facts = part(root, 'facts', HTMLDListElement);
const warning = part(root, 'warning', HTMLElement);
const verdict = part(root, 'verdict', HTMLElement);
const reasons = part(root, 'reasons', HTMLUListElement);
const number = part(root, 'number', HTMLLabelElement);
const digits = part(root, 'digits', HTMLInputElement);
const cancelButton = part(root, 'cancel', HTMLButtonElement);
const agreeButton = part(root, 'agree', HTMLButtonElement);
const refusal = part(root, 'refusal', HTMLElement);
const outcomes = { confirm: part(root, 'agreed', HTMLElement), cancel: part(root, 'declined', HTMLElement) };

const markAddress = logo.src;

/** The code that the user is asked about, and the user's token. */
let random = '';
let token = '';

/** The selected user. */
function user() {
  const picked = /** @type {HTMLInputElement} */ (form.querySelector('[name="user"]:checked'));
  return { id: picked.value, name: picked.dataset.name ?? '' };
}

/**
 * Runs one action at a time: buttons pressed meanwhile are ignored.
 * @param {HTMLElement} complaint element that shows the error
 * @param {() => Promise<void>} work
 */
async function alone(complaint, work) {
  if (root.ariaBusy === 'true') return;
  root.ariaBusy = 'true';
  complaint.textContent = '';
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    complaint.textContent = error.message;
  } finally {
    root.ariaBusy = 'false';
  }
}

/**
 * Makes one of the phone's three calls.
 * @param {'scanned' | 'confirm' | 'cancel'} step
 * @param {string} text the code's id or the picture's text
 */
async function act(step, text) {
  const matchCode = step === 'confirm' ? digits.value : undefined;
  const answer = await post(`api/v2/qrcode/${step}`, { random: text, matchCode }, { authorization: `Bearer ${token}` });
  return answer.data;
}

/** @param {string} text */
async function scan(text) {
  if (!text) throw new Refusal(words.codeMissing, 400);
  const { id, name } = user();
  ({ token } = await post('demo/token', { user: id }));
  const data = await act('scanned', text);
  random = data.random;
  showFace(face, name, `demo/photo/${id}.svg`);
  as.textContent = words.as(name);
  ask(data);
}

/** Looks through the camera until it sees a code, and returns its text; "" if it was stopped. */
async function look() {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  try {
    const reader = new Reader({ formats: ['qr_code'] });
    video.srcObject = stream;
    showState(root, 'camera');
    stopButton.focus();
    await video.play();
    while (root.dataset.state === 'camera') {
      const [code] = await reader.detect(video);
      if (code) return code.rawValue;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
    return '';
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    showState(root, 'start');
  }
}

/** @param {any} data the server's answer to a scan */
function ask({ pool, browser, customData, match, consent }) {
  logo.src = pool.logo || markAddress;
  question.textContent = words.allowLogin(pool.name);
  facts.replaceChildren();
  state(words.browser, words.browserOn(browser.browser, browser.os));
  if (browser.place) state(words.place, browser.place);
  state(words.ip, browser.ip);
  state(words.asked, words.secondsAgo(consent.age));
  stateEither(words.network, consent.sameNetwork, words.sameNetwork, words.otherNetwork);
  stateEither(words.before, consent.knownBrowser, words.knownBrowser, words.newBrowser);
  if (consent.codesLately !== undefined) state(words.codesLately, `${consent.codesLately}`);
  if (Object.keys(customData ?? {}).length > 0) {
    state(words.customData, visible(JSON.stringify(customData)));
  }
  warn(consent);
  digits.value = '';
  number.hidden = match !== 'digits';
  refusal.textContent = '';
  showState(root, 'consent');
  question.focus();
}

/**
 * Shows the warnings about the login. With a warning, Cancel is the highlighted
 * button.
 * @param {{ verdict: 'ok' | 'careful' | 'block', reasons: { text: string }[] }} consent
 */
function warn(consent) {
  const isOdd = consent.verdict !== 'ok';
  warning.hidden = !isOdd;
  verdict.textContent = consent.verdict === 'block' ? words.block : words.careful;
  reasons.replaceChildren(...consent.reasons.map(({ text }) => {
    const item = document.createElement('li');
    item.textContent = text;
    return item;
  }));
  cancelButton.classList.toggle('primary', isOdd);
  agreeButton.classList.toggle('primary', !isOdd);
  agreeButton.disabled = consent.verdict === 'block';
}

/**
 * Text with an escape in the place of each control character, and of what cannot be seen or changes
 * the order of other characters. The server does that for all but the custom data, which it passes on unchanged.
 * @param {string} text
 */
function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
}

/**
 * Adds a row to the details of the login.
 * @param {string} term
 * @param {string} text
 */
function state(term, text) {
  const dt = document.createElement('dt');
  const dd = document.createElement('dd');
  dt.textContent = term;
  dd.textContent = text;
  facts.append(dt, dd);
}

/**
 * Adds a row about a detail, if it is known.
 * @param {string} term
 * @param {boolean | undefined} fact
 * @param {string} yes
 * @param {string} no
 */
function stateEither(term, fact, yes, no) {
  if (fact !== undefined) state(term, fact ? yes : no);
}

/** @param {'confirm' | 'cancel'} step */
async function decide(step) {
  if (step === 'confirm' && !number.hidden && !/^\d\d$/.test(digits.value)) {
    digits.focus();
    throw new Refusal(words.numberMissing, 400);
  }
  try {
    await act(step, random);
    showState(root, step === 'confirm' ? 'confirmed' : 'canceled');
    outcomes[step].focus();
  } catch (error) {
    if (!(error instanceof Refusal) || error.passes || error.code === BLOCKED) throw error;
    if (error.code === WRONG_NUMBER) {
      digits.select();
      throw error;
    }
    begin(); // the code has expired, or another user has scanned it
    failure.textContent = error.message;
  }
}

/** Shows the empty form. */
function begin() {
  input.value = '';
  failure.textContent = '';
  showState(root, 'start');
  input.focus();
}

function nameScanButton() {
  scanButton.textContent = words.scanAs(user().name);
}

form.addEventListener('change', nameScanButton);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  alone(failure, () => scan(input.value.trim()));
});

picture.addEventListener('change', () => {
  const file = picture.files?.[0];
  picture.value = ''; // or the same file could not be selected again
  if (!file) return;
  alone(failure, async () => {
    if (file.size > MAX_PICTURE) throw new Refusal(words.pictureTooBig, 413);
    const { text } = await post('demo/decode', file);
    await scan(text);
  });
});

cameraButton.addEventListener('click', async () => {
  failure.textContent = '';
  const text = await look().catch((error) => {
    console.info(error);
    failure.textContent = words.noCamera;
    return '';
  });
  cameraButton.focus();
  if (text) alone(failure, () => scan(text));
});
stopButton.addEventListener('click', () => showState(root, 'start'));

agreeButton.addEventListener('click', () => alone(refusal, () => decide('confirm')));
cancelButton.addEventListener('click', () => alone(refusal, () => decide('cancel')));
digits.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') agreeButton.click();
});
part(root, 'done', HTMLButtonElement).addEventListener('click', begin);
part(root, 'other', HTMLButtonElement).addEventListener('click', begin);

logo.addEventListener('error', () => {
  if (logo.src !== markAddress) logo.src = markAddress;
});

if (!Reader) cameraButton.remove();
localize();
document.title = words.demoPhone;
nameScanButton();
const query = new URLSearchParams(location.search);
const opened = query.get('code') || query.get('random');
if (opened) input.value = opened;
showState(root, opened ? 'linked' : 'start');
