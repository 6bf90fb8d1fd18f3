/** Every state of <scan-login>, by messages that a server may send. */

const RANDOM = 'a'.repeat(30);
const CODE = {
  event: 'code', random: RANDOM, url: '/logo.svg', payload: `https://scan.example.com/s/${RANDOM}`, expiresIn: 120, browserKey: 'k'.repeat(43),
  status: 0, version: 1, userInfo: {}, ticket: null, scannedUserId: null, isBrowser: true,
};
const NEXT = { ...CODE, random: 'b'.repeat(30), payload: CODE.payload.replaceAll('a', 'b') };
const OBJECT = { ...CODE, payload: JSON.stringify({ random: RANDOM, userPoolId: 'shop' }) };
const status = (event, version, more = {}) => ({ event, random: RANDOM, userInfo: { nickname: 'Alice' }, ticket: null, version, expiresIn: 100, ...more });
const SCANNED = status('scanned', 2, { userInfo: { nickname: 'Alice', photo: '/logo.svg' } });
const LONG = { nickname: 'Maximiliane Konstantinopolitanska-Featherstonehaugh the Third' };

/** Messages by state; a number is a close code, after which nothing more is sent. */
const MESSAGES = {
  loading: [],
  waiting: [OBJECT],
  steps: [CODE],
  typable: [{ ...CODE, typedCodes: true }],
  typed: [{ ...CODE, typedCodes: true }],
  refusing: [{ ...CODE, typedCodes: true }],
  brand: [{ ...CODE, brandColor: '#c2185b' }, SCANNED],
  scanned: [CODE, SCANNED],
  long: [CODE, status('scanned', 2, { userInfo: LONG })],
  number: [CODE, status('scanned', 2, { matchCode: '42' })],
  success: [CODE, SCANNED, status('confirmed', 3, { ticket: `${RANDOM}.t` })],
  canceled: [CODE, SCANNED, status('canceled', 3)],
  another: [CODE, SCANNED, status('canceled', 3), NEXT],
  expired: [CODE, status('expired', 2)],
  exhausted: [CODE, 4408],
  failed: [4404],
  offline: [CODE, 1011],
};

/** The states, and the state of the element in each. */
export const SHOWN = {
  loading: 'loading', waiting: 'waiting', steps: 'waiting', typable: 'waiting', typed: 'waiting', refusing: 'waiting', brand: 'scanned', scanned: 'scanned',
  long: 'scanned', number: 'scanned', success: 'confirmed', canceled: 'renewing', another: 'waiting', expired: 'renewing', exhausted: 'exhausted',
  failed: 'failed', offline: 'waiting',
};

/** A script for ScriptedSite: the pool is the name of a state. */
export function stateScript() {
  return (send, pool, socket, resumes) => {
    if (resumes) return; // silence: the network is gone
    for (const message of MESSAGES[pool] ?? []) {
      if (typeof message !== 'number') send(message);
      else socket.close(message);
    }
    socket.on('message', () => send(pool === 'typed'
      ? { event: 'typed-code', random: RANDOM, typedCode: 'WDJB-MJHT' }
      : { event: 'error', action: 'typed-code', code: 2231, message: 'no typed codes' }));
  };
}

/** Shows one element per state, and waits until each is in its state. */
export async function showAll(page, states, { lang, size }) {
  await page.evaluate(async ({ names, lang, size }) => {
    console.error = () => {}; // the element tells developers why it is refused
    document.documentElement.lang = lang;
    document.body.replaceChildren();
    Object.assign(document.body.style, { display: 'flex', flexWrap: 'wrap', gap: '24px 16px', margin: '16px', background: 'Canvas', color: 'CanvasText', font: '16px/1.5 system-ui, sans-serif' });
    for (const name of names) {
      const figure = document.createElement('figure');
      figure.style.cssText = `width: ${size}px; margin: 0`;
      const title = document.createElement('figcaption');
      title.textContent = name;
      title.style.cssText = 'font: 12px monospace';
      const element = document.createElement('scan-login');
      element.toggleAttribute('steps', name === 'steps');
      for (const [key, value] of Object.entries({ id: name, pool: name, name: 'Acme', size, lang })) element.setAttribute(key, value);
      if (name === 'steps') element.setAttribute('app', 'Acme');
      figure.append(title, element);
      document.body.append(figure);
    }
  }, { names: Object.keys(states), lang, size });
  for (const [name, state] of Object.entries(states)) await page.locator(`#${name} [data-state="${state}"]`).waitFor();
  for (const name of ['typed', 'refusing'].filter((one) => one in states)) await page.locator(`#${name} .help`).click();
  if ('typed' in states) await page.locator('#typed [data-over="typed"]').waitFor();
  if ('offline' in states) await page.locator('#offline [data-over="offline"]').waitFor();
}
