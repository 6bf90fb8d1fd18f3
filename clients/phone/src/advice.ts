/** What to show for each kind of error. docs/phone.md has the same table. */

/** The kinds of errors; each is one class in errors.ts. */
export type ErrorKind =
  | 'not-login-code' | 'untrusted-host' | 'other-pool' | 'login-required' | 'step-up-required' | 'invalid-code'
  | 'code-expired' | 'code-used' | 'other-user' | 'not-scanned' | 'blocked' | 'match-code' | 'rate-limited'
  | 'unavailable' | 'outcome-unknown' | 'unexpected-response';

/**
 * What the user can do next.
 *
 * scan-again: leave the consent screen and scan the code that the page shows now.
 * retry: the same action again.
 * log-in: log in to the app, then scan again. step-up: log in again, then confirm again.
 * enter-number: stay, and enter the number again.
 * cancel: only Cancel is left.
 * close: nothing; close the screen.
 */
export type NextStep = 'scan-again' | 'retry' | 'log-in' | 'step-up' | 'enter-number' | 'cancel' | 'close';

export interface Advice {
  readonly next: NextStep;
  /** For the user, in English. */
  readonly en: string;
  /** For the user, in Chinese. */
  readonly zh: string;
}

const advise = (next: NextStep, en: string, zh: string): Advice => ({ next, en, zh });

export const ADVICE: Readonly<Record<ErrorKind, Advice>> = {
  'not-login-code': advise('scan-again', 'This is not a login code.', '这不是登录二维码。'),
  'untrusted-host': advise('scan-again', 'This code belongs to another service. Do not use it to log in.', '此二维码来自其他服务，请勿用于登录。'),
  'other-pool': advise('scan-again', 'This code is for another account system.', '此二维码属于其他账号体系。'),
  'login-required': advise('log-in', 'Log in to the app, then scan the code again.', '请先登录 App，再重新扫码。'),
  'step-up-required': advise('step-up', 'For your security, log in again to confirm.', '为了您的账号安全，请重新验证身份后再确认。'),
  'invalid-code': advise('scan-again', 'This code is not valid. Reload the login page and scan the new code.', '二维码无效，请刷新登录页面后重新扫码。'),
  'code-expired': advise('scan-again', 'This code has expired. Scan the new code on the login page.', '二维码已过期，请扫描登录页面上的新二维码。'),
  'code-used': advise('scan-again', 'This code has already been used.', '二维码已被使用。'),
  'other-user': advise('scan-again', 'Another user has scanned this code.', '二维码已被其他用户扫描。'),
  'not-scanned': advise('scan-again', 'Scan the code again.', '请重新扫码。'),
  'blocked': advise('cancel', 'This login was blocked for your security.', '为了您的账号安全，此次登录已被阻止。'),
  'match-code': advise('enter-number', 'Enter the number that the login page shows.', '请输入登录页面上显示的数字。'),
  'rate-limited': advise('retry', 'Too many attempts. Wait a moment and try again.', '操作过于频繁，请稍后再试。'),
  'unavailable': advise('retry', 'No connection to the login service. Try again.', '无法连接登录服务，请重试。'),
  'outcome-unknown': advise('retry', 'The connection was lost. Look at the login page; if you are not logged in there, try again.', '连接中断。请查看登录页面，如未登录，请重试。'),
  'unexpected-response': advise('close', 'Login is not possible with this app at the moment. Update the app, or try again later.', '当前无法使用此 App 登录，请更新 App 或稍后再试。'),
};
