/** Behavior of the console's pages: charts, updates, the form of a pool, and trying a pool. */
import { drawCharts } from './chart.js';
import { copySnippet } from './copy.js';
import { keepCurrent } from './live.js';
import { editPool } from './pool.js';
import { tryPool } from './try.js';

drawCharts();
for (const live of document.querySelectorAll('[data-live]')) keepCurrent(live);
for (const form of document.querySelectorAll('[data-autosubmit]')) {
  form.querySelector('button').hidden = true;
  form.addEventListener('change', () => form.requestSubmit());
}
for (const form of document.querySelectorAll('.settings')) editPool(form);
for (const pane of document.querySelectorAll('.try')) tryPool(pane);
for (const button of document.querySelectorAll('[data-copy]')) copySnippet(button);
for (const summary of document.querySelectorAll('[data-errors]')) summary.focus();
