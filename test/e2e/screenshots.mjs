/**
 * Takes the pictures of the README: node screenshots.mjs FOLDER. They show the demo's login
 * page and consent screen, light and dark.
 */
import { join, resolve } from 'node:path';

import { launch } from './browser.mjs';
import { openDemo, scanByText } from './demo-pages.mjs';
import { Sandbox } from './harness.mjs';

const folder = resolve(process.argv[2]);
const browser = await launch();
const userAgent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version()} Safari/537.36`; // without "Headless"
try {
  for (const colorScheme of ['light', 'dark']) {
    const sandbox = await Sandbox.open();
    try {
      const pages = await openDemo(sandbox, browser, { options: { colorScheme, userAgent } });
      const { login, phone } = pages;
      await login.setViewportSize({ width: 640, height: 720 });
      await login.screenshot({ path: join(folder, `login-${colorScheme}.png`) });
      await phone.setViewportSize({ width: 390, height: 660 });
      await scanByText(sandbox, pages, 'Alice');
      await phone.screenshot({ path: join(folder, `consent-${colorScheme}.png`), scale: 'css' });
    } finally {
      await sandbox.close();
    }
  }
} finally {
  await browser.close();
}
