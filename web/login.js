/** The demo's login page: shows what ScanLogin tells, one state at a time. */
import { part, post, Refusal, showFace, showState } from './page.js';
import { ScanLogin } from './scanlogin.js';
import { localize, words } from './words.js';

const TICK = 500; // milliseconds, so that no second of the countdown is skipped

const root = /** @type {HTMLElement} */ (document.querySelector('main'));
const { pool = '', name = '' } = root.dataset;

const title = part(root, 'title', HTMLElement);
const code = part(root, 'code', HTMLImageElement);
const face = part(root, 'face', HTMLElement);
const nickname = part(root, 'nickname', HTMLElement);
const detail = part(root, 'detail', HTMLElement);
const status = part(root, 'status', HTMLElement);
const sentence = part(root, 'sentence', HTMLElement);
const spoken = part(root, 'spoken', HTMLElement);
const bar = part(root, 'bar', HTMLElement);
const countdown = part(root, 'countdown', HTMLElement);
const userText = part(root, 'user', HTMLElement);
const phone = part(document, 'phone', HTMLAnchorElement);

const login = new ScanLogin({ server: new URL('.', document.baseURI), pool });

/** What the state says, and what only a screen reader adds before it. */
let says = '';
let adds = '';
/** What the next code is announced with. */
let greeting = words.scan;
let offline = false;
/** Seconds that fill the bar. */
let fullTime = 1;

/**
 * @param {string} state
 * @param {string} text
 * @param {string} [addition]
 */
function show(state, text, addition = '') {
  [says, adds] = [text, addition];
  phone.href = 'phone';
  showState(root, state);
  title.textContent = state === 'confirmed' ? name : words.logInTo(name);
  say();
  tick();
}

function say() {
  root.toggleAttribute('data-offline', offline);
  sentence.textContent = offline ? words.offline : says;
  spoken.textContent = offline ? '' : adds;
}

function tick() {
  const left = login.remaining;
  bar.style.transform = `scaleX(${Math.min(1, left / fullTime)})`;
  if (root.dataset.state === 'scanned') {
    countdown.textContent = words.timeLeft(clock(left));
  } else {
    countdown.textContent = left > 0 ? words.newCodeIn(clock(left)) : words.gettingNewCode;
  }
}

/** @param {number} seconds */
function clock(seconds) {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${`${whole % 60}`.padStart(2, '0')}`;
}

/** @param {import('./scanlogin.js').UserInfo} user */
function showUser(user) {
  nickname.textContent = user.nickname ?? '';
  showFace(face, user.nickname ?? '', user.photo);
}

login.addEventListener('code', ({ detail: { random, svg, expiresIn } }) => {
  fullTime = expiresIn;
  code.src = svg;
  show('waiting', greeting);
  phone.href = `phone?code=${random}`;
  greeting = words.scan;
});

login.addEventListener('scanned', ({ detail: { userInfo } }) => {
  showUser(userInfo);
  show('scanned', words.confirmInApp, words.scannedBy(userInfo.nickname ?? '?'));
});

login.addEventListener('canceled', () => {
  greeting = words.canceledNewCode;
  show('renewing', words.canceled);
});

login.addEventListener('expired', () => show('renewing', words.gettingNewCode));

login.addEventListener('exhausted', () => {
  const declined = greeting === words.canceledNewCode;
  show('exhausted', declined ? words.canceled : words.stillThere);
});

login.addEventListener('error', ({ detail: { reason, closeCode } }) => {
  console.error(`scanlogin: ${reason} (${closeCode})`);
  show('failed', words.failed);
});

login.addEventListener('offline', () => {
  offline = true;
  say();
});

login.addEventListener('online', () => {
  offline = false;
  say();
});

login.addEventListener('confirmed', async ({ detail: { ticket, browserKey } }) => {
  show('exchanging', words.loggingIn);
  try {
    const headers = { 'x-authing-userpool-id': pool, 'x-browser-key': browserKey };
    const { data: user } = await post('api/v2/qrcode/userinfo', { ticket }, headers);
    showUser(user);
    detail.textContent = user.email || user.phone || user.username || '';
    userText.textContent = JSON.stringify(user, null, 2);
    show('confirmed', words.loggedIn);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    show('failed', error.message);
  }
});

part(root, 'refresh', HTMLButtonElement).addEventListener('click', () => {
  status.focus(); // the button is about to vanish
  greeting = words.hereIsNewCode;
  show('renewing', words.gettingNewCode);
  login.refresh();
});

for (const button of ['again', 'restart']) {
  part(root, button, HTMLButtonElement).addEventListener('click', () => {
    status.focus();
    greeting = words.scan;
    show('loading', words.gettingCode);
    login.start();
  });
}

localize();
document.title = words.logInTo(name);
code.alt = words.codeAlt(name);
setInterval(tick, TICK);
show('loading', words.gettingCode);
login.start();
