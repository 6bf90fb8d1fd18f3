/** Debian's chromium, and pages that may not complain. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import axe from 'axe-core';
import { chromium } from 'playwright-core';

import { chromiumPath } from './tools.mjs';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const SECONDS = 15;

export const DESK = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

export function launch() {
  return chromium.launch({ executablePath: chromiumPath(), args: FLAGS, timeout: 30_000 });
}

/**
 * A person's browser, with cookies of its own. What its pages write to the
 * console as a warning or an error, throw, or do against their policy is a
 * complaint of the house, unless `tolerate` matches it.
 */
export async function person(house, browser, options = {}, tolerate) {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  house.atEnd(() => context.close());
  context.setDefaultTimeout(SECONDS * 1000);
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const complain = (text) => {
    if (!tolerate?.test(text)) house.complaints.push(text);
  };
  context.on('console', (message) => {
    if (['warning', 'error'].includes(message.type())) complain(`console: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => complain(`uncaught: ${error.error().stack}`));
  return context;
}

/** Waits until the page's main part is in one of its states. */
export async function inState(page, state) {
  await page.locator(`main[data-state="${state}"]`).waitFor();
}

/** Waits until a text can be seen. */
export async function sees(page, text) {
  await page.getByText(text).filter({ visible: true }).first().waitFor();
}

/** Asserts that axe finds nothing serious in the page as it is now. */
export async function assertAccessible(page, what) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'], preload: false }));
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => `${node.target} (${node.failureSummary})`).join('; ')}`);
  assert.deepEqual(serious, [], what);
}

/** Keeps a picture of the page in the folder E2E_SCREENSHOTS, if that is set. */
export async function shoot(page, name) {
  const folder = process.env.E2E_SCREENSHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, fullPage: true });
  console.log(path);
}
