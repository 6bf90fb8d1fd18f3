/**
 * The pages' words, in English and Chinese. A page takes the person's language
 * once, when it is loaded.
 */

const english = {
  // The login page.
  logInTo: (/** @type {string} */ name) => `Log in to ${name}`,
  welcome: (/** @type {string} */ name) => `Welcome, ${name}!`,
  loggedIn: (/** @type {string} */ name) => `You are logged in to ${name}.`,
  logInAgain: 'Log in again',
  forDevelopers: 'For developers',
  whatTheSiteGets: 'The site exchanged the ticket for this user, once:',
  aboutToken: '`token` is a JWT. The site can verify it with the keys at /.well-known/jwks.json.',
  failed: 'Something went wrong.',
  noApp: 'No app at hand?',
  openPhone: 'Open the phone page in another tab',

  // Both beside each other.
  demoTitle: 'Log in by scanning a code',
  demoText: 'The site on the left, your phone on the right. Everything runs on this computer.',
  stepScan: 'Scan the code',
  stepConfirm: 'Confirm on the phone',
  stepIn: 'Logged in',
  toLogin: 'Show the login page here',
  toPhone: 'Use this device as the phone',
  chooseHint: 'Open the login page on a computer, and the phone page on a phone. On a wide screen, this page shows both.',
  alone: 'Each on its own:',
  loginAlone: 'login page',
  phoneAlone: 'phone page',
  toDocs: 'API reference',

  // The phone page.
  demoPhone: 'Demo phone',
  scanCode: 'Scan a login code',
  whoAreYou: 'Logged in to the app as',
  code: 'Login code',
  codeHint: 'Its text, address or letters',
  linked: 'The link you opened carries a login code. Nothing has happened yet.',
  otherCode: 'Use another code',
  otherWays: 'Camera, picture or text',
  scanAs: (/** @type {string} */ name) => `Scan as ${name}`,
  useCamera: 'Use the camera',
  aim: 'Point the camera at the code.',
  noCamera: 'The camera cannot be used.',
  pickPicture: 'Choose a picture of the code',
  codeMissing: 'Paste a code, or choose a picture of one.',
  noCode: 'There is no QR code in this picture.',
  wait: (/** @type {number} */ seconds) => `(${seconds} s)`,
  allowLogin: (/** @type {string} */ name) => `Log in to ${name}?`,
  as: (/** @type {string} */ name) => `as ${name}`,
  comma: ', ',
  device: (/** @type {string} */ client, /** @type {string} */ code) => `${client} asks, with the code ${code}. Does the device in front of you show this code?`,
  justNow: 'just now',
  minutesAgo: (/** @type {number} */ minutes) => `${minutes} minutes ago`,
  details: 'Details',
  browser: 'Browser',
  browserOn: (/** @type {string} */ browser, /** @type {string} */ os) => `${browser} on ${os}`,
  ip: 'IP address',
  place: 'Place',
  asked: 'Requested',
  secondsAgo: (/** @type {number} */ seconds) => (seconds === 1 ? '1 second ago' : `${seconds} seconds ago`),
  network: 'Network',
  sameNetwork: 'Same as your phone',
  otherNetwork: 'Not the network of your phone',
  before: 'Earlier logins',
  knownBrowser: 'You have logged in with this browser',
  newBrowser: 'None with this browser',
  recentCodes: 'Recent codes',
  also: 'Also',
  careful: 'Be careful.',
  block: 'This login is blocked.',
  stepUp: 'You will be asked to log in to the app again.',
  number: 'Number on the login page',
  customData: 'Provided by the page, not verified',
  note: 'Note',
  moreRows: (/** @type {number} */ count) => `and ${count} more`,
  agreeHint: 'Agree only if the login page is on a screen in front of you.',
  cancel: 'Cancel',
  agree: 'Agree',
  already: 'This login was already agreed to.',
  agreed: 'Agreed',
  goOn: 'Continue on the login page.',
  declined: 'Canceled',
  nobodyIn: 'No one was logged in.',
  done: 'Done',
  unreachable: 'The server cannot be reached.',
};

/** @type {typeof english} */
const chinese = {
  logInTo: (name) => `登录 ${name}`,
  welcome: (name) => `${name}，欢迎您！`,
  loggedIn: (name) => `您已登录 ${name}。`,
  logInAgain: '重新登录',
  forDevelopers: '开发者信息',
  whatTheSiteGets: '网站用一次性票据换取的用户信息：',
  aboutToken: 'token 是 JWT，网站可用 /.well-known/jwks.json 中的公钥验证。',
  failed: '出错了。',
  noApp: '手边没有 App？',
  openPhone: '在新标签页中打开手机页面',

  demoTitle: '扫码登录',
  demoText: '左侧是网站，右侧是您的手机。一切都在这台电脑上运行。',
  stepScan: '扫描二维码',
  stepConfirm: '在手机上确认',
  stepIn: '登录成功',
  toLogin: '在此显示登录页面',
  toPhone: '将此设备用作手机',
  chooseHint: '请在电脑上打开登录页面，在手机上打开手机页面。屏幕较宽时，此页面会同时显示两者。',
  alone: '单独打开：',
  loginAlone: '登录页面',
  phoneAlone: '手机页面',
  toDocs: 'API 参考',

  demoPhone: '演示手机',
  scanCode: '扫描登录二维码',
  whoAreYou: 'App 中登录的用户',
  code: '登录二维码',
  codeHint: '二维码的文本、网址或字母',
  linked: '您打开的链接带有一个登录二维码，尚未执行任何操作。',
  otherCode: '使用其他二维码',
  otherWays: '摄像头、图片或文本',
  scanAs: (name) => `以 ${name} 的身份扫码`,
  useCamera: '使用摄像头',
  aim: '请将摄像头对准二维码。',
  noCamera: '无法使用摄像头。',
  pickPicture: '选择二维码图片',
  codeMissing: '请粘贴二维码内容，或选择二维码图片。',
  noCode: '图片中没有找到二维码。',
  wait: (seconds) => `（${seconds} 秒）`,
  allowLogin: (name) => `登录 ${name}？`,
  as: (name) => `身份：${name}`,
  comma: '，',
  device: (client, code) => `“${client}”请求登录，代码为 ${code}。您面前的设备是否显示此代码？`,
  justNow: '刚刚',
  minutesAgo: (minutes) => `${minutes} 分钟前`,
  details: '详细信息',
  browser: '浏览器',
  browserOn: (browser, os) => `${browser}（${os}）`,
  ip: 'IP 地址',
  place: '地点',
  asked: '发起时间',
  secondsAgo: (seconds) => `${seconds} 秒前`,
  network: '网络',
  sameNetwork: '与您的手机相同',
  otherNetwork: '与您的手机不同',
  before: '历史登录',
  knownBrowser: '您曾在此浏览器上登录',
  newBrowser: '您从未在此浏览器上登录',
  recentCodes: '近期二维码',
  also: '另外',
  careful: '请注意。',
  block: '此次登录已被阻止。',
  stepUp: '您需要重新登录 App。',
  number: '登录页面上的数字',
  customData: '由页面提供，未经验证',
  note: '备注',
  moreRows: (count) => `另有 ${count} 项`,
  agreeHint: '仅当登录页面就在您面前的屏幕上时才同意。',
  cancel: '取消',
  agree: '同意',
  already: '此次登录已被同意。',
  agreed: '已同意',
  goOn: '请在登录页面继续操作。',
  declined: '已取消',
  nobodyIn: '没有人登录。',
  done: '完成',
  unreachable: '无法连接服务器。',
};

const isChinese = navigator.language.toLowerCase().startsWith('zh');

/** The language as the server knows it (`x-authing-lang`). */
export const lang = isChinese ? 'zh-CN' : 'en-US';

export const words = isChinese ? chinese : english;

/** Puts words into the document, where `data-word` and `data-hint` ask for them. */
export function localize() {
  const fixed = /** @type {Record<string, string>} */ (/** @type {unknown} */ (words));
  document.documentElement.lang = lang;
  for (const element of document.querySelectorAll('[data-word]')) {
    element.textContent = fixed[element.getAttribute('data-word') ?? ''];
  }
  for (const element of document.querySelectorAll('[data-hint]')) {
    element.setAttribute('placeholder', fixed[element.getAttribute('data-hint') ?? '']);
  }
}
