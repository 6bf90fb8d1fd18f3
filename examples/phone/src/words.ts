/** The texts of the app, in English and Chinese. Those of errors come from the kit and the server. */
const en = {
  title: 'Shop app', account: (name: string) => `Logged in as ${name}`, scan: 'Scan a login code', picture: 'Choose a picture',
  typed: 'Or type the code', next: 'Continue', aim: 'Point the camera at the code', cancel: 'Cancel', agree: 'Agree', home: 'Done',
  noCamera: 'The camera cannot be used.', noCode: 'There is no QR code in this picture.',
  linkTitle: 'You opened a login link', linkWarning: 'Only continue if you opened the login page yourself. Nothing has happened yet.',
  question: (pool: string) => `Log in to ${pool}?`, as: (name: string) => `as ${name}`, careful: 'Be careful.', block: 'This login is blocked.', comma: ', ', justNow: 'just now', details: 'Details',
  via: (client: string, pool: string) => `${client} via ${pool}`,
  device: (client: string, code: string) => `${client} asks, with the code ${code}. Does the device in front of you show this code?`,
  on: (browser: string, os: string) => `${browser} on ${os}`, address: 'IP address', time: 'Requested', ago: (seconds: number) => (seconds === 1 ? '1 second ago' : `${seconds} seconds ago`),
  network: 'Network', sameNetwork: 'Same network as your phone', otherNetwork: 'Another network than your phone',
  before: 'Before', knownBrowser: 'You have logged in with this browser', newBrowser: 'First login with this browser',
  recentCodes: 'Recent codes', also: 'Also', page: 'Provided by the page, not verified', number: 'Enter the number that the login page shows',
  stepUp: 'You will be asked to log in again.', hint: 'Agree only if the login page is on a screen in front of you.',
  agreed: 'Agreed. Continue on the login page.', canceled: 'Canceled. Nobody was logged in.', already: 'This login was already agreed to.', wait: (seconds: number) => `(${seconds} s)`,
};

const zh: typeof en = {
  title: '商城 App', account: (name) => `已登录：${name}`, scan: '扫描登录二维码', picture: '选择图片',
  typed: '或输入登录码', next: '继续', aim: '请将相机对准二维码', cancel: '取消', agree: '同意', home: '完成',
  noCamera: '无法使用相机。', noCode: '图片中没有二维码。',
  linkTitle: '您打开了一个登录链接', linkWarning: '仅当登录页面由您本人打开时才继续。目前尚未执行任何操作。',
  question: (pool) => `登录 ${pool}？`, as: (name) => `登录账号：${name}`, careful: '请注意。', block: '此次登录已被阻止。', comma: '，', justNow: '刚刚', details: '详细信息',
  via: (client, pool) => `${client}（通过 ${pool}）`,
  device: (client, code) => `“${client}”请求登录，代码为 ${code}。您面前的设备是否显示此代码？`,
  on: (browser, os) => `${browser}（${os}）`, address: 'IP 地址', time: '发起时间', ago: (seconds) => `${seconds} 秒前`,
  network: '网络', sameNetwork: '与您的手机在同一网络', otherNetwork: '与您的手机不在同一网络',
  before: '历史', knownBrowser: '您曾在此浏览器上登录', newBrowser: '首次在此浏览器上登录',
  recentCodes: '近期二维码', also: '另外', page: '由页面提供，未经验证', number: '请输入登录页面上显示的数字',
  stepUp: '您需要重新验证身份。', hint: '仅当登录页面就在您面前的屏幕上时才同意。',
  agreed: '已同意，请在登录页面继续操作。', canceled: '已取消，没有人登录。', already: '此次登录已被同意。', wait: (seconds) => `（${seconds} 秒）`,
};

export const language: 'en' | 'zh' = navigator.language.startsWith('zh') ? 'zh' : 'en';
export const words = { en, zh }[language];

/** Fills in the elements with data-word. */
export function localize(): void {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const element of document.querySelectorAll<HTMLElement>('[data-word]')) {
    const text = words[element.dataset['word'] as keyof typeof words];
    if (typeof text === 'string') element.textContent = text;
  }
}
