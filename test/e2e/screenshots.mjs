/**
 * Takes the pictures of the README and of docs/phone.md: node screenshots.mjs FOLDER. They show the
 * demo's login page and consent screen, light and dark, and the consent screen for each verdict.
 */
import { join, resolve } from 'node:path';

import { launch, waitForState } from './browser.mjs';
import { openDemo, scanByText } from './demo-pages.mjs';
import { Sandbox } from './harness.mjs';

const folder = resolve(process.argv[2]);
const browser = await launch();
const userAgent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version()} Safari/537.36`; // without "Headless"
/** A scanned code as the server answers with other signals than those of one machine. */
async function scanWith(pages, sandbox, verdict, user) {
  const { phone } = pages;
  await phone.route('**/scanned', async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    answer.data.browser.place = 'Berlin, Germany';
    const reasons = [{ name: 'other_country', text: 'The login page is not in the same country as your phone' }];
    Object.assign(answer.data.consent, { verdict, reasons: verdict === 'ok' ? [] : reasons });
    await route.fulfill({ response, json: answer });
  });
  await scanByText(sandbox, pages, user);
  await phone.unroute('**/scanned');
}

try {
  for (const colorScheme of ['light', 'dark']) {
    const sandbox = await Sandbox.open();
    try {
      const pages = await openDemo(sandbox, browser, { options: { colorScheme, userAgent, reducedMotion: 'reduce' } });
      const { login, phone } = pages;
      await login.setViewportSize({ width: 640, height: 720 });
      await login.screenshot({ path: join(folder, `login-${colorScheme}.png`) });
      await phone.setViewportSize({ width: 390, height: 660 });
      await scanByText(sandbox, pages, 'Alice');
      await phone.screenshot({ path: join(folder, `consent-${colorScheme}.png`), scale: 'css' });
      if (colorScheme === 'dark') continue;
      for (const [verdict, user] of [['ok', 'Bob'], ['careful', 'Carol'], ['block', 'Bob']]) { // who cancels too often has to wait
        await phone.getByRole('button', { name: 'Cancel' }).click();
        await waitForState(login, 'waiting');
        await scanWith(pages, sandbox, verdict, user);
        await phone.screenshot({ path: join(folder, `phone-${verdict === 'block' ? 'blocked' : verdict}.png`), scale: 'css' });
      }
    } finally {
      await sandbox.close();
    }
  }
} finally {
  await browser.close();
}
