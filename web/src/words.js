/** The texts of the element. */

export const english = {
  alt: 'QR code to log in',
  altTo: 'QR code to log in to {name}',
  loading: 'Getting a code…',
  scan: 'Scan the code with your app',
  scanWith: 'Scan the code with {app}',
  step1: 'Open {app} on your phone',
  step2: 'Scan this code',
  step3: 'Confirm the login',
  yourApp: 'your app',
  newCodeIn: 'New code in {time}',
  openApp: 'Open in the app',
  openAppNamed: 'Open in {app}',
  otherDevice: 'Scan the code from another phone',
  scannedBy: 'Scanned by {name}.',
  scanned: 'Scanned. ',
  confirm: 'Confirm on your phone',
  match: 'Enter {number} in your app',
  timeLeft: '{time} left',
  notYou: 'Not you? Get a new code',
  hereIsNewCode: 'Here is a new code.',
  canceled: 'Canceled.',
  canceledNewCode: 'Canceled. Here is a new code.',
  expired: 'The code has expired.',
  renewing: 'Getting a new code…',
  exhausted: 'Still there?',
  newCode: 'Show a new code',
  confirmed: 'Logging in…',
  offline: 'Connection lost. Trying again…',
  retry: 'Retry now',
  failed: 'QR code login is unavailable.',
  tryAgain: 'Try again',
  details: 'For developers',
  cantScan: 'Can’t scan?',
  typedCode: 'Enter this code in your app',
  typedCodeFailed: 'No code to type. Please scan.',
  showCode: 'Back to the QR code',
};

/** @type {typeof english} */
const chinese = {
  alt: '登录二维码',
  altTo: '登录 {name} 的二维码',
  loading: '正在获取二维码…',
  scan: '请用 App 扫描二维码',
  scanWith: '请用 {app} 扫描二维码',
  step1: '在手机上打开 {app}',
  step2: '扫描此二维码',
  step3: '确认登录',
  yourApp: 'App',
  newCodeIn: '{time} 后更新',
  openApp: '在 App 中打开',
  openAppNamed: '打开 {app} 登录',
  otherDevice: '请用另一部手机扫码',
  scannedBy: '{name} 已扫码。',
  scanned: '已扫码，',
  confirm: '请在手机上确认',
  match: '请在 App 中输入 {number}',
  timeLeft: '剩余 {time}',
  notYou: '不是您？更换二维码',
  hereIsNewCode: '二维码已更新。',
  canceled: '已取消。',
  canceledNewCode: '已取消，二维码已更新。',
  expired: '二维码已过期。',
  renewing: '正在更新二维码…',
  exhausted: '您还在吗？',
  newCode: '刷新二维码',
  confirmed: '正在登录…',
  offline: '网络连接已断开，正在重试…',
  retry: '立即重试',
  failed: '暂时无法扫码登录。',
  tryAgain: '重试',
  details: '开发者信息',
  cantScan: '无法扫码？',
  typedCode: '请在 App 中输入此代码',
  typedCodeFailed: '暂无可输入的代码，请扫码。',
  showCode: '返回二维码',
};

/** @typedef {keyof typeof english} Word */
/** @typedef {(word: Word, values?: Record<string, string>) => string} Translate */

/**
 * By language: `words.fr = { scan: '…' }` adds one. What it lacks is English.
 * @type {Record<string, Partial<Record<Word, string>>>}
 */
export const words = { en: english, zh: chinese };

/**
 * Returns a function that says a word in a language, with what stands in braces filled in.
 * @param {string} lang
 * @returns {Translate}
 */
export function translator(lang) {
  return (word, values = {}) => {
    const found = words[lang]?.[word] ?? words[lang.split('-')[0].toLowerCase()]?.[word] ?? english[word];
    return found.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');
  };
}
