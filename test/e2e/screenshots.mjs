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
try {
  for (const colorScheme of ['light', 'dark']) {
    const sandbox = await Sandbox.open();
    try {
      const pages = await openDemo(sandbox, browser, { options: { colorScheme } });
      const { login, phone } = pages;
      await login.setViewportSize({ width: 640, height: 720 });
      await login.screenshot({ path: join(folder, `login-${colorScheme}.png`) });
      await phone.setViewportSize({ width: 390, height: 720 });
      await scanByText(sandbox, pages, 'Alice');
      await phone.screenshot({ path: join(folder, `consent-${colorScheme}.png`), scale: 'css' });
    } finally {
      await sandbox.close();
    }
  }
} finally {
  await browser.close();
}
