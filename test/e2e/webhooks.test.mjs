/** The receiver of docs/webhooks.md, as it stands there, with the npm package of the standard's authors. */
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { randomBytes } from 'node:crypto';

import { curl, exchange, gene, phone } from './curl.mjs';
import { appToken, freePort, POOL, POOL_SECRET, scene } from './harness.mjs';
import { until } from './process.mjs';

scene('the documented receiver is told of a login, and verifies it', async (house) => {
  const text = await readFile(resolve(import.meta.dirname, '../../docs/webhooks.md'), 'utf8');
  const file = join(house.dir, 'receiver.mjs');
  await writeFile(file, text.match(/```js\n([^]*?)```/)[1]);
  await symlink(resolve(import.meta.dirname, 'node_modules'), join(house.dir, 'node_modules'));
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const receiver = house.start(process.execPath, [file], { name: 'receiver', env: { PORT: `${port}`, EXAMPLE_WEBHOOK_SECRET: secret } });
  await until(10, 'the receiver refuses what is not signed', async () => (await curl(url, '--data', '{}')).status === 401);

  const node = await house.node({ pool: { webhook: { url, secret, allow_private: true } } });
  const { random, browserKey } = await gene(node, POOL);
  const token = appToken({ sub: 'alice', nickname: 'Alice' });
  for (const step of ['scanned', 'confirm']) await phone(node, step, random, token);
  const { answer } = await curl(`${node.address}/api/v2/qrcode/check?random=${random}`, '--header', `x-browser-key: ${browserKey}`);
  await exchange(node, answer.data.ticket, POOL, POOL_SECRET);
  await receiver.says('the whole login', (out) => ['scanned', 'confirmed', 'exchanged']
    .every((event) => out.includes(`code.${event} ${random} alice\n`)) && out.includes(`code.made ${random} undefined\n`));
});
