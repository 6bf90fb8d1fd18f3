import uPlot from 'uplot';

import { language, t } from './words.js';

/**
 * Dashes of the lines, so that color is not the only difference. The colors are in console.css.
 * @type {Record<string, number[]>}
 */
const DASHES = {
  shown: [], scanned: [8, 3], confirmed: [], exchanged: [3, 3], canceled: [10, 3, 2, 3], expired: [2, 4],
  scanned90: [2, 4], confirmed90: [2, 4],
};
const HEIGHT = 260; // pixels
/** Steps of an axis for counts: there is no half code. */
const WHOLE = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/** @typedef {{ class: string, label: string, values: (number | null)[] }} Series */
/** @typedef {{ label: string, unit: string, period: number, times: number[], series: Series[] }} Data */

/** The drawn charts by their element. @type {WeakMap<Element, Chart>} */
const drawn = new WeakMap();
const theme = matchMedia('(prefers-color-scheme: dark)');

/** Draws all charts of the page, or their new data. */
export function drawCharts() {
  for (const place of document.querySelectorAll('[data-chart]')) {
    const chart = drawn.get(place) ?? new Chart(place);
    drawn.set(place, chart);
    chart.update();
  }
}

/** A chart with a legend whose buttons hide lines, and a tooltip that mouse, touch and arrow keys move. */
class Chart {
  text = '';
  hidden = new Set();

  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.plot = document.createElement('div');
    this.plot.className = 'plot';
    this.plot.tabIndex = 0;
    this.plot.setAttribute('role', 'img');
    this.legend = document.createElement('ul');
    this.legend.className = 'legend';
    this.tip = document.createElement('div');
    this.tip.className = 'tip';
    this.tip.hidden = true;
    this.spoken = document.createElement('p');
    this.spoken.className = 'spoken';
    this.spoken.setAttribute('aria-live', 'polite');
    place.replaceChildren(this.legend, this.plot, this.spoken);
    this.plot.addEventListener('keydown', (event) => this.move(event));
    this.plot.addEventListener('blur', () => this.point(null));
    new ResizeObserver(() => this.resize()).observe(this.plot);
    theme.addEventListener('change', () => this.draw());
  }

  /** Draws new data, if there are any. */
  update() {
    const text = this.place.dataset.chart ?? '';
    if (text === this.text) return;
    const before = this.data;
    this.text = text;
    /** @type {Data} */
    this.data = JSON.parse(text);
    this.plot.setAttribute('aria-label', this.data.label);
    if (before?.series.length !== this.data.series.length || before.period !== this.data.period) this.draw();
    else this.uplot.setData(this.columns());
  }

  columns() {
    return [this.data.times, ...this.data.series.map(({ values }) => values)];
  }

  draw() {
    this.uplot?.destroy();
    const color = (name) => getComputedStyle(this.place).getPropertyValue(`--${name}`).trim();
    const axis = { stroke: color('soft'), grid: { stroke: color('line'), width: 1 }, ticks: { stroke: color('line'), width: 1 }, font: '12px system-ui' };
    const unit = this.data.unit && `\u00a0${this.data.unit}`;
    this.uplot = new uPlot({
      width: this.width(), height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false },
      scales: { y: { range: (_, low, high) => [0, Math.max(1, (high ?? 0) * 1.05)] } },
      axes: [
        { ...axis, values: (_, times) => times.map((time) => this.shortTime(time)) },
        { ...axis, size: 56, ...(unit ? {} : { incrs: WHOLE }), values: (_, values) => values.map((value) => value.toLocaleString(language) + unit) },
      ],
      series: [{}, ...this.data.series.map((series) => ({
        label: series.label, stroke: color(`line-${series.class}`), width: 2, dash: DASHES[series.class] ?? [],
        show: !this.hidden.has(series.class), points: { show: true, size: 5, fill: color(`line-${series.class}`) },
      }))],
      hooks: { setCursor: [() => this.showTip()] },
    }, this.columns(), this.plot);
    this.uplot.over.append(this.tip);
    this.drawLegend(color);
  }

  width() {
    return Math.max(200, this.plot.clientWidth);
  }

  resize() {
    if (this.uplot && this.uplot.width !== this.width()) this.uplot.setSize({ width: this.width(), height: HEIGHT });
  }

  drawLegend(color) {
    this.legend.replaceChildren(...this.data.series.map((series, i) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(sample(color(`line-${series.class}`), DASHES[series.class] ?? []), series.label);
      button.ariaPressed = String(!this.hidden.has(series.class));
      button.addEventListener('click', () => {
        const show = !this.hidden.delete(series.class);
        if (show) this.hidden.add(series.class);
        button.ariaPressed = String(!show);
        this.uplot.setSeries(i + 1, { show: !show });
      });
      const item = document.createElement('li');
      item.append(button);
      return item;
    }));
  }

  /** Moves the tooltip with the arrow keys. */
  move(event) {
    const last = this.data.times.length - 1;
    const at = this.uplot.cursor.idx ?? last;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, Escape: null }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.point(to === null ? null : Math.min(last, Math.max(0, to)));
    this.spoken.textContent = to === null ? '' : this.describe().map((line) => line.text).join(', ');
  }

  /** @param {number | null} index */
  point(index) {
    const left = index === null ? -10 : this.uplot.valToPos(this.data.times[index], 'x');
    this.uplot.setCursor({ left, top: index === null ? -10 : 10 });
  }

  /** The lines of the tooltip. */
  describe() {
    const index = this.uplot.cursor.idx;
    const unit = this.data.unit && `\u00a0${this.data.unit}`;
    const open = index === this.data.times.length - 1 ? ` (${t('so far')})` : '';
    return [{ text: this.longTime(this.data.times[index]) + open }, ...this.data.series.filter((series) => !this.hidden.has(series.class)).map((series) => {
      const value = series.values[index];
      const words = value === null ? t('unknown') : value.toLocaleString(language) + unit;
      return { text: `${series.label}: ${words}`, class: series.class };
    })];
  }

  showTip() {
    const { idx, left } = this.uplot.cursor;
    this.tip.hidden = idx === null || idx === undefined || left < 0;
    if (this.tip.hidden) return;
    this.tip.replaceChildren(...this.describe().map((line) => {
      const row = document.createElement('div');
      if (line.class) row.append(Object.assign(document.createElement('span'), { className: `key ${line.class}` }));
      row.append(line.text);
      return row;
    }));
    const room = this.uplot.over.clientWidth - this.tip.offsetWidth;
    this.tip.style.translate = `${Math.max(0, Math.min(room, left > room / 2 ? left - this.tip.offsetWidth - 12 : left + 12))}px 8px`;
  }

  shortTime(time) {
    const date = new Date(time * 1000);
    const midnight = date.getHours() === 0 && date.getMinutes() === 0;
    const format = midnight || this.data.period > 3600 ? { month: 'numeric', day: 'numeric' } : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
    return date.toLocaleString(language, format);
  }

  longTime(time) {
    return new Date(time * 1000).toLocaleString(language, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  }
}

/** A piece of a line, for the legend. */
function sample(color, dash) {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  const line = document.createElementNS(namespace, 'line');
  for (const [name, value] of Object.entries({ viewBox: '0 0 26 6', width: 26, height: 6, 'aria-hidden': true })) svg.setAttribute(name, String(value));
  for (const [name, value] of Object.entries({ x1: 0, x2: 26, y1: 3, y2: 3, stroke: color, 'stroke-width': 3, 'stroke-dasharray': dash.join(' ') })) line.setAttribute(name, String(value));
  svg.append(line);
  return svg;
}
