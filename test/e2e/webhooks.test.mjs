/** The receiver from docs/webhooks.md, with the npm package of Standard Webhooks. */
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { randomBytes } from 'node:crypto';

import { curl, exchange, gene, phone } from './curl.mjs';
import { appToken, freePort, POOL, POOL_SECRET, scenario } from './harness.mjs';
import { until } from './process.mjs';

scenario('the documented receiver gets and verifies the webhooks of a login', async (sandbox) => {
  const text = await readFile(resolve(import.meta.dirname, '../../docs/webhooks.md'), 'utf8');
  const file = join(sandbox.dir, 'receiver.mjs');
  await writeFile(file, text.match(/```js\n([^]*?)```/)[1]);
  await symlink(resolve(import.meta.dirname, 'node_modules'), join(sandbox.dir, 'node_modules'));
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const receiver = sandbox.start(process.execPath, [file], { name: 'receiver', env: { PORT: `${port}`, EXAMPLE_WEBHOOK_SECRET: secret } });
  await until(10, 'the receiver refuses what is not signed', async () => (await curl(url, '--data', '{}')).status === 401);

  const node = await sandbox.node({ pool: { webhook: { url, secret, allow_private: true } } });
  const { random, browserKey } = await gene(node, POOL);
  const token = appToken({ sub: 'alice', nickname: 'Alice' });
  for (const step of ['scanned', 'confirm']) await phone(node, step, random, token);
  const { answer } = await curl(`${node.address}/api/v2/qrcode/check?random=${random}`, '--header', `x-browser-key: ${browserKey}`);
  await exchange(node, answer.data.ticket, POOL, POOL_SECRET);
  await receiver.waitForOutput('the whole login', (out) => ['scanned', 'confirmed', 'exchanged']
    .every((event) => out.includes(`code.${event} ${random} alice\n`)) && out.includes(`code.made ${random} undefined\n`));
});
