/** The app's account and its kit. A real app has a login of its own; this one asks the demo for a token. */
import { PhoneKit } from '@scanlogin/phone';

import { language } from './words.js';

declare const SCANLOGIN_URL: string; // set by vite.config.ts when the app is built
declare const SCANLOGIN_POOL: string;

export const USER = { id: 'alice', name: 'Alice' };

/** In the app, requests go to the server; in a browser, through the development server. */
const isApp = Boolean((globalThis as { Capacitor?: { isNativePlatform(): boolean } }).Capacitor?.isNativePlatform());
const server = isApp ? SCANLOGIN_URL : location.origin;

let token: string | undefined;

/** Logs the user in, again if a step-up is required. */
export async function logIn(): Promise<string> {
  const response = await fetch(`${server}/demo/token`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user: USER.id }),
  });
  token = ((await response.json()) as { token: string }).token;
  return token;
}

export const kit = new PhoneKit({
  server,
  linkOrigins: [SCANLOGIN_URL],
  pool: SCANLOGIN_POOL,
  token: () => token ?? logIn(),
  language: language === 'zh' ? 'zh-CN' : 'en',
  allowHttp: SCANLOGIN_URL.startsWith('http:'), // development only
});
