import { language, t } from './words.js';

/**
 * Shows the login element of a pool and its events, when asked to.
 * @param {HTMLElement} pane
 */
export function tryPool(pane) {
  const start = pane.querySelector('[data-part="start"]');
  start.hidden = false;
  start.addEventListener('click', () => {
    start.hidden = true;
    show(pane);
  });
}

/** What the events mean. */
const EVENTS = {
  code: ({ expiresIn }) => t('The element shows a code that lives %s s.', Math.round(expiresIn)),
  scanned: ({ userInfo }) => t('Scanned by %s.', userInfo?.nickname || t('somebody')),
  confirmed: () => t('Confirmed: the page received the ticket.'),
  canceled: () => t('Canceled.'),
  expired: () => t('Expired.'),
  exhausted: () => t('No more codes until the user asks.'),
  offline: () => t('The connection is lost.'),
  online: () => t('The connection is back.'),
  error: ({ reason }) => t('Refused: %s', reason),
};

async function show(pane) {
  const events = pane.querySelector('[data-part="events"]');
  const name = document.querySelector('[name="was.name"]')?.value ?? '';
  await import('./scanlogin.js');
  const login = document.createElement('scan-login');
  const attributes = { pool: pane.dataset.pool, name, server: '/console/try', lang: language };
  for (const [key, value] of Object.entries(attributes)) login.setAttribute(key, value ?? '');
  for (const [type, describe] of Object.entries(EVENTS)) {
    login.addEventListener(type, (event) => {
      const line = document.createElement('li');
      line.textContent = `${new Date().toLocaleTimeString(language, { hourCycle: 'h23' })} ${describe(event.detail ?? {})}`;
      events.append(line);
    });
  }
  pane.querySelector('[data-part="place"]').replaceChildren(login);
  login.tabIndex = -1;
  login.focus(); // the button that had the focus is hidden
}
