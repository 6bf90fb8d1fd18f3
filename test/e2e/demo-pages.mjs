/** The demo's login page and phone page, and the steps of a user with both. */
import { join } from 'node:path';

import { DESKTOP, waitForState, openContext, PHONE } from './browser.mjs';
import { until } from './process.mjs';
import { readCode } from './zbar.mjs';

/** Starts the demo, opens its login page with a code, and a phone browser. */
export async function openDemo(sandbox, browser, { options, tolerate, flags } = {}) {
  const demo = await sandbox.demo(0, flags);
  const login = await (await openContext(sandbox, browser, { ...DESKTOP, ...options }, tolerate)).newPage();
  await login.goto(`${demo.address}/login`);
  await waitForState(login, 'waiting');
  const phone = await (await openContext(sandbox, browser, { ...PHONE, ...options }, tolerate)).newPage();
  return { demo, login, phone };
}

/** The text of the code in a screenshot of the login page. */
export async function codeOn(sandbox, login) {
  const path = join(sandbox.dir, 'screen.png');
  return until(10, 'a code in the screenshot', async () => {
    await login.screenshot({ path });
    return readCode(path);
  });
}

/** Scans the code on the screen as a user, by pasting its text into the phone page. */
export async function scanByText(sandbox, { demo, login, phone }, user) {
  const text = await codeOn(sandbox, login);
  await phone.goto(`${demo.address}/phone`);
  await phone.getByText(user, { exact: true }).click();
  await phone.getByLabel('Login code').fill(text);
  await phone.getByRole('button', { name: `Scan as ${user}` }).click();
  await waitForState(phone, 'consent');
  return text;
}
