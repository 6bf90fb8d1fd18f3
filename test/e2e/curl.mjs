/** API calls of phones and sites with curl. */
import { run } from './process.mjs';
import { tool } from './tools.mjs';

/**
 * Makes one call with additional arguments of curl. Returns the HTTP status and the
 * body, parsed if it is JSON.
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

/** Creates a code. */
export async function gene(node, pool, body = {}, ...args) {
  const { answer } = await curl(`${node.address}/api/v2/qrcode/gene`,
    '--header', `x-authing-userpool-id: ${pool}`, ...JSON_BODY, JSON.stringify(body), ...args);
  if (answer.code !== 200) throw new Error(`gene: ${JSON.stringify(answer)}`);
  return answer.data;
}

/** Makes a call of the phone: scanned, confirm or cancel. `more` is added to the body. */
export function phone(node, step, random, token, more = {}) {
  return curl(`${node.address}/api/v2/qrcode/${step}`,
    '--header', `Authorization: Bearer ${token}`, ...JSON_BODY, JSON.stringify({ random, ...more }));
}

/** Exchanges a ticket as the site. */
export function exchange(node, ticket, pool, secret, codeVerifier) {
  return curl(`${node.address}/api/v2/qrcode/userinfo`,
    '--user', `${pool}:${secret}`, ...JSON_BODY, JSON.stringify({ ticket, codeVerifier }));
}

/** Downloads a URL to a file. */
export async function download(url, file) {
  const { status } = await curl(url, '--output', file);
  if (status !== 200) throw new Error(`${url}: ${status}`);
  return file;
}
