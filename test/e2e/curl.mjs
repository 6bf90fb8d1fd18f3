/** Calls by curl: what the phone and the site's back end say. */
import { run } from './process.mjs';
import { tool } from './tools.mjs';

/**
 * One call by curl with further arguments; returns the HTTP status, and the
 * answer's body as JSON if it is some.
 */
export async function curl(url, ...args) {
  const { stdout } = await run(tool('curl'),
    ['--silent', '--show-error', '--noproxy', '*', '--max-time', '10', '--write-out', '\n%{http_code}', ...args, url]);
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), answer: parse(stdout.slice(0, end)) };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const JSON_BODY = ['--header', 'content-type: application/json', '--data-binary'];

/** Makes a code. */
export async function gene(node, pool, body = {}, ...args) {
  const { answer } = await curl(`${node.address}/api/v2/qrcode/gene`,
    '--header', `x-authing-userpool-id: ${pool}`, ...JSON_BODY, JSON.stringify(body), ...args);
  if (answer.code !== 200) throw new Error(`gene: ${JSON.stringify(answer)}`);
  return answer.data;
}

/** The phone's call: scanned, confirm or cancel; `more` is sent beside the code. */
export function phone(node, step, random, token, more = {}) {
  return curl(`${node.address}/api/v2/qrcode/${step}`,
    '--header', `Authorization: Bearer ${token}`, ...JSON_BODY, JSON.stringify({ random, ...more }));
}

/** The site's call: who is it? */
export function exchange(node, ticket, pool, secret, codeVerifier) {
  return curl(`${node.address}/api/v2/qrcode/userinfo`,
    '--user', `${pool}:${secret}`, ...JSON_BODY, JSON.stringify({ ticket, codeVerifier }));
}

/** Saves a file. */
export async function download(url, file) {
  const { status } = await curl(url, '--output', file);
  if (status !== 200) throw new Error(`${url}: ${status}`);
  return file;
}
