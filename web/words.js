/**
 * The pages' words, in English and Chinese. A page takes the person's language
 * once, when it is loaded.
 */

const english = {
  // The login page.
  logInTo: (/** @type {string} */ name) => `Log in to ${name}`,
  loggedIn: 'You are logged in',
  logInAgain: 'Log in again',
  whatTheSiteGets: 'What the site gets',
  failed: 'Something went wrong.',
  noApp: 'No app at hand?',
  openPhone: 'Open the phone page in another tab',

  // The phone page.
  demoPhone: 'Demo phone',
  scanCode: 'Scan a login code',
  whoAreYou: 'Logged in to the app as',
  code: 'Login code',
  codeHint: 'Paste its text or address',
  linked: 'The link you opened carries a login code. Nothing has happened yet.',
  otherCode: 'Use another code',
  scanAs: (/** @type {string} */ name) => `Scan as ${name}`,
  useCamera: 'Use the camera',
  aim: 'Point the camera at the code.',
  noCamera: 'The camera cannot be used.',
  pickPicture: 'Choose a picture of the code',
  codeMissing: 'Paste a code, or choose a picture of one.',
  pictureTooBig: 'The picture is larger than 5 MB.',
  allowLogin: (/** @type {string} */ name) => `Log in to ${name}?`,
  as: (/** @type {string} */ name) => `as ${name}`,
  browser: 'Browser',
  browserOn: (/** @type {string} */ browser, /** @type {string} */ os) => `${browser} on ${os}`,
  ip: 'IP address',
  place: 'Place',
  asked: 'Asked',
  secondsAgo: (/** @type {number} */ seconds) => `${seconds} s ago`,
  network: 'Network',
  sameNetwork: 'The same as this phone',
  otherNetwork: 'Another than this phone',
  before: 'Used before',
  knownBrowser: 'Yes, by you',
  newBrowser: 'Not by you',
  codesLately: 'Codes lately',
  careful: 'Be careful',
  block: 'This login is blocked',
  number: 'Number on the login page',
  numberMissing: 'Enter the two digits that the login page shows.',
  customData: 'The page says',
  agreeHint: 'Agree only if this code is on a screen in front of you.',
  cancel: 'Cancel',
  agree: 'Agree',
  agreed: 'Agreed',
  goOn: 'Go on in the browser that shows the code.',
  declined: 'Canceled',
  nobodyIn: 'Nobody was logged in.',
  done: 'Done',
  unreachable: 'The server cannot be reached.',
};

/** @type {typeof english} */
const chinese = {
  logInTo: (name) => `登录 ${name}`,
  loggedIn: '登录成功',
  logInAgain: '重新登录',
  whatTheSiteGets: '网站得到的信息',
  failed: '出错了。',
  noApp: '手边没有 App？',
  openPhone: '在新标签页中打开手机页面',

  demoPhone: '演示手机',
  scanCode: '扫描登录二维码',
  whoAreYou: 'App 中登录的用户',
  code: '登录二维码',
  codeHint: '粘贴二维码的文本或网址',
  linked: '你打开的链接带有一个登录二维码，尚未执行任何操作。',
  otherCode: '使用其他二维码',
  scanAs: (name) => `以 ${name} 的身份扫码`,
  useCamera: '使用摄像头',
  aim: '请将摄像头对准二维码。',
  noCamera: '无法使用摄像头。',
  pickPicture: '选择二维码图片',
  codeMissing: '请粘贴二维码内容，或选择二维码图片。',
  pictureTooBig: '图片超过 5 MB。',
  allowLogin: (name) => `登录 ${name}？`,
  as: (name) => `身份：${name}`,
  browser: '浏览器',
  browserOn: (browser, os) => `${browser}（${os}）`,
  ip: 'IP 地址',
  place: '地点',
  asked: '发起时间',
  secondsAgo: (seconds) => `${seconds} 秒前`,
  network: '网络',
  sameNetwork: '与此手机相同',
  otherNetwork: '与此手机不同',
  before: '是否用过',
  knownBrowser: '您用过',
  newBrowser: '您未用过',
  codesLately: '近期二维码',
  careful: '请注意',
  block: '该登录已被阻止',
  number: '登录页面上的数字',
  numberMissing: '请输入登录页面上显示的两位数字。',
  customData: '页面附言',
  agreeHint: '仅当二维码就在你面前的屏幕上时才同意。',
  cancel: '取消',
  agree: '同意',
  agreed: '已同意',
  goOn: '请回到显示二维码的浏览器继续。',
  declined: '已取消',
  nobodyIn: '没有登录。',
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
