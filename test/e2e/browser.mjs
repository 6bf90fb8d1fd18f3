/** Debian's Chromium, with pages whose warnings and errors fail the test. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import axe from 'axe-core';
import { chromium } from 'playwright-core';

import { PATIENCE } from './process.mjs';
import { chromiumPath } from './tools.mjs';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const SECONDS = 15;

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

export function launch(flags = []) {
  return chromium.launch({ executablePath: chromiumPath(), args: [...FLAGS, ...flags], timeout: PATIENCE * 30_000 });
}

/**
 * A browser context with its own cookies. Console warnings and errors, exceptions
 * and policy violations of its pages fail the test, unless `tolerate` matches them.
 */
export async function openContext(sandbox, browser, options = {}, tolerate) {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  sandbox.onClose(() => context.close());
  context.setDefaultTimeout(PATIENCE * SECONDS * 1000);
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const report = (text) => {
    if (!tolerate?.test(text)) sandbox.pageErrors.push(text);
  };
  context.on('console', (message) => {
    if (['warning', 'error'].includes(message.type())) report(`console: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => report(`uncaught: ${error.error().stack}`));
  return context;
}

/** Waits until the page's main element is in a state. */
export async function waitForState(page, state) {
  await page.locator(`main[data-state="${state}"]`).waitFor();
}

/** Waits until a text is visible. */
export async function waitForText(page, text) {
  await page.getByText(text).filter({ visible: true }).first().waitFor();
}

/** Asserts that axe finds no serious violation in the current state of the page. */
export async function assertAccessible(page, what) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'], preload: false }));
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => `${node.target} (${node.failureSummary})`).join('; ')}`);
  assert.deepEqual(serious, [], what);
}

/** Saves a screenshot of the page in the directory E2E_SCREENSHOTS, if that is set. */
export async function saveScreenshot(page, name) {
  const folder = process.env.E2E_SCREENSHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, fullPage: true });
  console.log(path);
}
