/** One HTTP request with its deadline. A failure without an answer is an UnavailableError. */
import type { Answer } from './answer.js';
import { UnavailableError } from './errors.js';
import { abortReason, platform, type AbortSignalLike, type RequestInitLike, type ResponseLike } from './runtime.js';

/** Milliseconds before the second attempt of a call; doubles with each further one. */
export const FIRST_WAIT = 500;

/** What every request of a kit has in common. */
export interface Connection {
  /** Origin of the server. */
  readonly server: string;
  /** The user's current token; asked before each step, so that a step-up is used at once. */
  readonly token: () => string | Promise<string>;
  readonly pool: string | undefined;
  readonly language: string | undefined;
  /** Milliseconds for one request, its token included. */
  readonly requestTimeout: number;
  /** Milliseconds after which no further attempt of a call begins. */
  readonly totalTimeout: number;
  readonly fetch: ((url: string, init: RequestInitLike) => Promise<ResponseLike>) | undefined;
}

/** Makes a step of the phone. Rejects with the reason of `signal` if that is aborted. */
export async function post(to: Connection, step: string, body: object, signal?: AbortSignalLike): Promise<Answer> {
  return within(to.requestTimeout, signal, async (request) => {
    const token = await to.token();
    if (request.aborted) throw new UnavailableError(); // the caller was told so, or left: nothing may be sent any more
    return send(to, `/api/v2/qrcode/${step}`, {
      ...COMMON,
      method: 'POST',
      headers: { ...headers(to), 'authorization': `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: request,
    });
  });
}

/** Reads the status of a code. It is public, so the token is not sent. */
export async function check(to: Connection, random: string, signal?: AbortSignalLike): Promise<Answer> {
  return within(to.requestTimeout, signal, (request) =>
    send(to, `/api/v2/qrcode/check?random=${random}`, { ...COMMON, method: 'GET', headers: headers(to), signal: request }));
}

// No redirects, because they would send the token elsewhere; no cookies, because the phone is not the browser.
const COMMON = { redirect: 'error', credentials: 'omit', cache: 'no-store' } as const;

function headers(to: Connection): Record<string, string> {
  return {
    ...(to.language && { 'x-authing-lang': to.language }),
    ...(to.pool && { 'x-authing-userpool-id': to.pool }),
  };
}

async function send(to: Connection, path: string, init: RequestInitLike): Promise<Answer> {
  let response: ResponseLike;
  try {
    response = await (to.fetch ?? platform.fetch)(to.server + path, init);
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.text() };
  } catch {
    throw new UnavailableError();
  }
}

/** Runs `work` until the deadline, after which it rejects with UnavailableError. */
async function within<T>(ms: number, caller: AbortSignalLike | undefined, work: (signal: AbortSignalLike) => Promise<T>): Promise<T> {
  if (caller?.aborted) throw abortReason(caller);
  const request = new platform.AbortController();
  let stop = () => {};
  let timer: unknown;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(abortReason(caller!));
    timer = platform.setTimeout(() => reject(new UnavailableError()), ms);
  });
  caller?.addEventListener('abort', stop);
  try {
    return await Promise.race([work(request.signal), stopped]);
  } finally {
    platform.clearTimeout(timer);
    caller?.removeEventListener('abort', stop);
    request.abort(); // no effect on a request that has ended
  }
}
