/** The texts of the element. */

export const english = {
  alt: 'QR code to log in',
  altTo: 'QR code to log in to {name}',
  loading: 'Getting a code…',
  scan: 'Scan the code with your app',
  newCodeIn: 'New code in {time}',
  openApp: 'Open in the app',
  scannedBy: 'Scanned by {name}.',
  confirm: 'Confirm in your app',
  match: 'Enter {number} in your app',
  timeLeft: '{time} left',
  notYou: 'Not you? Get a new code',
  hereIsNewCode: 'Here is a new code.',
  canceled: 'Canceled.',
  canceledNewCode: 'Canceled. Here is a new code.',
  renewing: 'Getting a new code…',
  exhausted: 'Still there?',
  newCode: 'Show a new code',
  confirmed: 'Logging in…',
  offline: 'Connection lost. Trying again…',
  failed: 'Something went wrong.',
};

/** @type {typeof english} */
const chinese = {
  alt: '登录二维码',
  altTo: '登录 {name} 的二维码',
  loading: '正在获取二维码…',
  scan: '请用 App 扫描二维码',
  newCodeIn: '{time} 后更新',
  openApp: '在 App 中打开',
  scannedBy: '{name} 已扫码。',
  confirm: '请在 App 中确认登录',
  match: '请在 App 中输入 {number}',
  timeLeft: '剩余 {time}',
  notYou: '不是你？换一个二维码',
  hereIsNewCode: '二维码已更新。',
  canceled: '已取消。',
  canceledNewCode: '已取消，二维码已更新。',
  renewing: '正在获取新的二维码…',
  exhausted: '还在吗？',
  newCode: '显示新的二维码',
  confirmed: '正在登录…',
  offline: '连接已断开，正在重试…',
  failed: '出错了。',
};

/** @typedef {keyof typeof english} Word */

/**
 * By language: `words.fr = { scan: '…' }` adds one. What it lacks is English.
 * @type {Record<string, Partial<Record<Word, string>>>}
 */
export const words = { en: english, zh: chinese };
