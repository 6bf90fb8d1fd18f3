/**
 * The back end of a site whose users log in by scanning a code. It exchanges the
 * ticket, server to server, and creates its own session.
 *
 * An attacker cannot log a visitor in as another user (login CSRF): every visitor has
 * a session from the first page on; requests that change it must come from a page of
 * this site (Origin); and a ticket is accepted only in the session in which its code
 * was shown.
 *
 *   EXAMPLE_SECRET=… node server.mjs
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { json } from 'node:stream/consumers';

const env = process.env;
const LISTEN = env.LISTEN ?? '127.0.0.1:3000';
const ORIGIN = env.SITE_ORIGIN ?? `http://${LISTEN}`; // this site's origin, as browsers send it
const SCANLOGIN = env.SCANLOGIN_URL ?? 'http://127.0.0.1:8080';
const INTERNAL = env.SCANLOGIN_INTERNAL_URL ?? SCANLOGIN; // where this back end reaches it
const POOL = env.SCANLOGIN_POOL ?? 'example';
const SECRET = env.EXAMPLE_SECRET;
const PAGES = env.PAGES ?? join(import.meta.dirname, '../page');
if (!SECRET) throw new Error('EXAMPLE_SECRET is not set: it is the secret of the user pool');

const DAY = 24 * 60 * 60 * 1000;
const MAX_SESSIONS = 10_000;
const MAX_CODES = 10; // per session
const MAX_BODY = 4096; // bytes
const SECURE = ORIGIN.startsWith('https:');
const COOKIE = SECURE ? '__Host-session' : 'session';

/** @type {Map<string, { user: object | null, codes: string[], until: number }>} a real site uses a database */
const sessions = new Map();

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Returns the visitor's session, a new one if there is none. */
function sessionOf(request, response) {
  const id = request.headers.cookie?.match(new RegExp(`(?:^|; )${COOKIE}=([\\w-]+)`))?.[1];
  const session = sessions.get(id);
  if (session && session.until > Date.now()) return session;
  return openSession(response, null);
}

/** Creates a session with a new id, which an attacker cannot know. */
function openSession(response, user) {
  const id = randomBytes(32).toString('base64url');
  const session = { id, user, codes: [], until: Date.now() + DAY };
  if (sessions.size >= MAX_SESSIONS) sessions.delete(sessions.keys().next().value);
  sessions.set(id, session);
  response.setHeader('Set-Cookie', `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Lax${SECURE ? '; Secure' : ''}`);
  return session;
}

/** Exchanges a ticket for the user. It works once, and only with the pool's secret. */
async function exchange(ticket) {
  const response = await fetch(`${INTERNAL}/api/v2/qrcode/userinfo`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Basic ${Buffer.from(`${POOL}:${SECRET}`).toString('base64')}`,
    },
    body: JSON.stringify({ ticket }),
    signal: AbortSignal.timeout(5000),
  });
  const { code, message, data } = await response.json();
  if (code !== 200) throw new Refusal(403, message);
  return data;
}

const actions = {
  'GET /me': async ({ session }) => session.user,

  'POST /login/code': async ({ session, body }) => {
    if (!/^\w{30}$/.test(body.random)) throw new Refusal(400, 'random is missing');
    session.codes = [...session.codes, body.random].slice(-MAX_CODES);
    return {};
  },

  'POST /login': async ({ session, body, response }) => {
    const ticket = `${body.ticket}`;
    if (!session.codes.includes(ticket.split('.')[0])) throw new Refusal(403, 'this code was not shown here');
    const user = await exchange(ticket);
    sessions.delete(session.id);
    openSession(response, user);
    return user;
  },

  'POST /logout': async ({ session, response }) => {
    sessions.delete(session.id);
    openSession(response, null);
    return {};
  },
};

async function act(action, request, response) {
  const changes = request.method === 'POST';
  if (changes && request.headers.origin !== ORIGIN) throw new Refusal(403, 'from another site');
  if (changes && Number(request.headers['content-length'] ?? Infinity) > MAX_BODY) throw new Refusal(413, 'too long');
  const body = changes ? await json(request).catch(() => { throw new Refusal(400, 'not JSON'); }) : {};
  return action({ session: sessionOf(request, response), body: body ?? {}, response });
}

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

/** The policy allows the site's own files and the scanlogin server only. */
const POLICY = [
  "default-src 'none'", `script-src 'self' ${SCANLOGIN}`, "style-src 'self'", `img-src 'self' https: data: ${SCANLOGIN}`,
  `connect-src 'self' ${SCANLOGIN} ${SCANLOGIN.replace(/^http/, 'ws')}`, "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
].join('; ');

async function servePage(path, request, response) {
  const name = path === '/' ? '/index.html' : path;
  const type = TYPES[extname(name)];
  if (!type || name.includes('..')) throw new Refusal(404, 'not found');
  let text = await readFile(join(PAGES, name), 'utf8').catch(() => { throw new Refusal(404, 'not found'); });
  if (name === '/index.html') {
    sessionOf(request, response);
    text = text.replaceAll('{{scanlogin}}', SCANLOGIN).replaceAll('{{pool}}', POOL);
  }
  response.setHeader('Content-Type', type);
  response.end(text);
}

const server = createServer(async (request, response) => {
  response.setHeader('Content-Security-Policy', POLICY);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'same-origin');
  response.setHeader('Cache-Control', 'no-store');
  try {
    const { pathname } = new URL(request.url, ORIGIN);
    const action = actions[`${request.method} ${pathname}`];
    if (!action) {
      await servePage(pathname, request, response);
      return;
    }
    const answer = await act(action, request, response);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(answer));
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(error);
    response.writeHead(error.status ?? 502, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ message: error instanceof Refusal ? error.message : 'try again later' }));
  }
});

const [host, port] = LISTEN.split(':');
server.listen(Number(port), host, () => console.log(`open ${ORIGIN}/`));
