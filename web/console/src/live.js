import { drawCharts } from './chart.js';
import { morph } from './morph.js';
import { t } from './words.js';

const REFRESH = 3000; // milliseconds from one answer to the next request; nodes report every 2 s
const TIMEOUT = 4000; // of a request
const STALE = 10; // seconds after which figures are old, whatever the reason

/**
 * Keeps a part of the page current, and says how old it is. If it cannot be loaded, the page says why,
 * and that what it shows is old.
 * @param {Element} live
 */
export function keepCurrent(live) {
  const age = document.querySelector('[data-part="age"]');
  const alert = document.querySelector('[data-part="stale"]');
  let loaded = performance.now();
  let problem = '';

  const show = () => {
    const seconds = Math.round((performance.now() - loaded) / 1000);
    age.hidden = false;
    age.textContent = t('Updated %s s ago', seconds);
    const text = problem || (seconds > STALE ? t('This node does not answer.') : '');
    live.classList.toggle('stale', text !== '');
    alert.hidden = text === '';
    // An alert that changes every second would be read every second.
    if (alert.dataset.problem !== text) {
      alert.dataset.problem = text;
      alert.replaceChildren(text, ' ', Object.assign(document.createElement('span'), { ariaLive: 'off' }));
    }
    if (text) alert.lastChild.textContent = t('The figures below are %s s old.', seconds);
  };

  const refresh = async () => {
    try {
      const response = await fetch(location.href, { credentials: 'same-origin', signal: AbortSignal.timeout(TIMEOUT) });
      if (response.redirected) return location.reload(); // logged out
      if (!response.ok) {
        problem = t(response.status === 503 ? 'The store does not answer.' : 'This node answers with an error.');
        return;
      }
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      const fresh = page.querySelector('[data-live]');
      if (!fresh) return;
      morph(live, fresh);
      drawCharts();
      loaded = performance.now();
      problem = '';
    } catch {
      problem = t('This node does not answer.');
    }
  };

  let timer;
  const next = async () => {
    clearTimeout(timer);
    if (!document.hidden) await refresh();
    show();
    clearTimeout(timer);
    timer = setTimeout(next, REFRESH);
  };
  timer = setTimeout(next, REFRESH);
  show();
  setInterval(show, 1000);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) next();
  });
}
