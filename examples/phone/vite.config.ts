import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';

const { LISTEN = '127.0.0.1:3001', SCANLOGIN_URL = 'http://127.0.0.1:8080', SCANLOGIN_POOL = 'demo' } = process.env;
const [host = '127.0.0.1', port = '3001'] = LISTEN.split(':');
const target = new URL(SCANLOGIN_URL).origin;

// In a browser, requests go through this server, without the Origin that only pages have: as the native HTTP client of a
// phone sends them. In the app they go to SCANLOGIN_URL (src/kit.ts).
const proxy = Object.fromEntries(['/api', '/demo'].map((path) => [path, { target, headers: { origin: target } }]));

export default defineConfig({
  define: { SCANLOGIN_URL: JSON.stringify(target), SCANLOGIN_POOL: JSON.stringify(SCANLOGIN_POOL) },
  // An app of your own installs the package instead.
  resolve: { alias: { '@scanlogin/phone': fileURLToPath(new URL('../../clients/phone/src/index.ts', import.meta.url)) } },
  build: { target: 'es2022', modulePreload: false },
  server: { host, port: Number(port), strictPort: true, proxy },
  preview: { host, port: Number(port), strictPort: true, proxy },
});
