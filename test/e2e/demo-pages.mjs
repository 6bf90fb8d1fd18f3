/** A person at a desk with a phone: the demo's pages, and what is done with both. */
import { join } from 'node:path';

import { DESK, inState, person, PHONE } from './browser.mjs';
import { until } from './process.mjs';
import { readCode } from './zbar.mjs';

/** The demo, its login page with a code, and a phone. */
export async function atTheDesk(house, browser, { options, tolerate, flags } = {}) {
  const demo = await house.demo(0, flags);
  const login = await (await person(house, browser, { ...DESK, ...options }, tolerate)).newPage();
  await login.goto(demo.address);
  await inState(login, 'waiting');
  const phone = await (await person(house, browser, { ...PHONE, ...options }, tolerate)).newPage();
  return { demo, login, phone };
}

/** The text of the code on the screen, as a camera sees it. */
export async function codeOn(house, login) {
  const path = join(house.dir, 'screen.png');
  return until(10, 'a code is on the screen', async () => {
    await login.screenshot({ path });
    return readCode(path);
  });
}

/** Scans the code on the screen as a user, by pasting its text into the phone page. */
export async function scanByText(house, { demo, login, phone }, user) {
  const text = await codeOn(house, login);
  await phone.goto(`${demo.address}/phone`);
  await phone.getByText(user, { exact: true }).click();
  await phone.getByLabel('Login code').fill(text);
  await phone.getByRole('button', { name: `Scan as ${user}` }).click();
  await inState(phone, 'consent');
  return text;
}
