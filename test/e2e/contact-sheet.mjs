/**
 * Draws every state of <scan-login> in one picture per width, theme and language, to look at:
 * node contact-sheet.mjs FOLDER [WIDTH…].
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { launch, PHONE } from './browser.mjs';
import { SHOWN, showAll, stateScript } from './element-states.mjs';
import { Sandbox } from './harness.mjs';
import { ScriptedSite } from './scripted-site.mjs';

const [target = 'contact-sheets', ...widths] = process.argv.slice(2);
const folder = resolve(target);
await mkdir(folder, { recursive: true });
const browser = await launch();
const sandbox = await Sandbox.open();

async function draw(name, options, attributes) {
  const page = await site.visit(browser, options, 'loading');
  await showAll(page, SHOWN, attributes);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  await page.context().close();
  console.log(`${name}.png`);
}

const site = await ScriptedSite.open(sandbox, undefined, stateScript());
try {
  for (const lang of ['en', 'zh']) {
    for (const colorScheme of ['light', 'dark']) {
      for (const size of widths.length ? widths : [120, 240, 360, 480]) {
        const columns = Math.max(3, Math.floor(1280 / (Number(size) + 40)));
        await draw(`${size}-${colorScheme}-${lang}`, { viewport: { width: columns * (Number(size) + 40), height: 800 }, colorScheme }, { lang, size });
      }
      await draw(`phone-${colorScheme}-${lang}`, { ...PHONE, colorScheme, deviceScaleFactor: 1 }, { lang, size: 358 });
    }
  }
} finally {
  await sandbox.close();
  await browser.close();
}
