/**
 * Behavior of the console's pages: the live page updates itself, and a pool can be
 * tried.
 */
const REFRESH = 5000; // milliseconds; nodes report their state every 2 s

/** Replaces the live part with that of a newly loaded page. */
async function refresh() {
  const old = document.querySelector('[data-live]');
  if (!old || document.hidden || old.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { credentials: 'same-origin', signal: AbortSignal.timeout(REFRESH) });
  if (answer.redirected) location.reload(); // logged out
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.querySelector('[data-live]');
  if (fresh) old.replaceWith(document.adoptNode(fresh));
}

if (document.querySelector('[data-live]')) {
  setInterval(() => refresh().catch(() => {}), REFRESH); // the next attempt may succeed
}

/**
 * Shows the login element and its events.
 * @param {HTMLElement} pane
 */
async function tryPool(pane) {
  const { pool = '', name = '' } = pane.dataset;
  const place = pane.querySelector('[data-part="place"]');
  const events = pane.querySelector('[data-part="events"]');
  await import('./scanlogin.js');
  const login = document.createElement('scan-login');
  for (const [key, value] of Object.entries({ pool, name, server: '/console/try', lang: 'en' })) login.setAttribute(key, value);
  const note = (text) => {
    const line = document.createElement('li');
    line.textContent = `${new Date().toLocaleTimeString('en-GB')} ${text}`;
    events?.append(line);
  };
  for (const type of ['code', 'scanned', 'confirmed', 'canceled', 'expired', 'exhausted', 'offline', 'online', 'error']) {
    login.addEventListener(type, (event) => {
      const { userInfo, expiresIn, reason, ticket } = event.detail ?? {};
      const facts = {
        code: `lives ${Math.round(expiresIn)} s`, scanned: `by ${userInfo?.nickname || 'somebody'}`,
        confirmed: ticket ? 'the ticket came' : '', error: reason,
      };
      note([type, facts[type]].filter(Boolean).join(': '));
    });
  }
  place?.replaceChildren(login);
}

for (const pane of document.querySelectorAll('.try')) {
  const start = pane.querySelector('[data-part="start"]');
  start?.removeAttribute('hidden');
  start?.addEventListener('click', () => {
    start.setAttribute('hidden', '');
    tryPool(pane);
  });
}
