/**
 * Which texts are login codes. Pure: nothing here sends anything. clients/vectors has the rules
 * as test cases for any language.
 */
import { NotLoginCodeError, OtherPoolError, UntrustedHostError } from './errors.js';

/** How a code was written: JSON in a picture, its bare id, typed by the user, or as a link. */
export type CodeKind = 'json' | 'id' | 'typed' | 'link' | 'app-link';

/** A login code. To have one is no consent: the user still has to be asked. */
export interface Code {
  readonly kind: CodeKind;
  /** Sent to the server as `random`: the id of the code, or a typed code. */
  readonly random: string;
  /** The user pool that the text names; not verified. */
  readonly pool?: string;
}

/** What an app knows in advance and trusts. */
export interface Pins {
  /** Origins whose links `/s/…` are login codes, in lower case and without a default port. */
  readonly origins: readonly string[];
  /** Links of the app with `{random}`, as `app_link` of the pool. */
  readonly appLinks: readonly string[];
  /** The app's user pool. If set, codes that name another one are refused. */
  readonly pool?: string | undefined;
}

const MAX_TEXT = 4096; // more than a QR code can hold
const ID = /^[0-9A-Za-z]{30}$/;
const OLD_ID = /^[0-9a-f]{24}$/; // in the samples of Authing's documentation; never a code of this server
const TYPED = /^[BCDFGHJKLMNPQRSTVWXZbcdfghjklmnpqrstvwxz]{8}$/;
const POOL = /^[0-9A-Za-z._-]{1,64}$/;
const WEB_LINK = /^(https?):\/\/([^/?#]*)(.*)$/is;
const AUTHORITY = /^([0-9a-z.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$/i; // no user, no escapes, no other scripts

/** Returns the code that a text stands for, or throws one of the three errors above. */
export function parse(text: string, pins: Pins): Code {
  text = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  if (text === '' || text.length > MAX_TEXT) throw new NotLoginCodeError();
  if (text.startsWith('{')) return parseJSON(text, pins);
  if (ID.test(text)) return { kind: 'id', random: text };
  return parseLink(text, pins) ?? parseTyped(text);
}

/** Like {@link parse}, for an address that was opened: only links are accepted. */
export function parseOpened(text: string, pins: Pins): Code {
  const code = text.length <= MAX_TEXT ? parseLink(text, pins) : undefined;
  if (!code) throw new NotLoginCodeError();
  return code;
}

function parseJSON(text: string, pins: Pins): Code {
  let value: { scene?: unknown; random?: unknown; userPoolId?: unknown };
  try {
    value = JSON.parse(text);
  } catch {
    throw new NotLoginCodeError();
  }
  const { scene = 'APP_AUTH', random, userPoolId: pool = '' } = value;
  if (scene !== 'APP_AUTH' || typeof random !== 'string' || typeof pool !== 'string') throw new NotLoginCodeError();
  if (!ID.test(random) && !OLD_ID.test(random)) throw new NotLoginCodeError();
  return inPool({ kind: 'json', random, ...(pool && { pool }) }, pins);
}

function parseTyped(text: string): Code {
  const letters = text.replace(/[ -]/g, '');
  if (!TYPED.test(letters)) throw new NotLoginCodeError();
  const upper = letters.toUpperCase();
  return { kind: 'typed', random: `${upper.slice(0, 4)}-${upper.slice(4)}` };
}

function parseLink(text: string, pins: Pins): Code | undefined {
  for (const link of pins.appLinks) {
    const code = parseAppLink(text, link);
    if (code) return code;
  }
  const [, scheme, authority, rest] = WEB_LINK.exec(text) ?? [];
  if (scheme === undefined || authority === undefined || rest === undefined) return undefined;
  const origin = originOf(scheme, authority);
  if (origin === undefined || !pins.origins.includes(origin)) throw new UntrustedHostError(authority);
  return inPool(parsePath(rest), pins);
}

/** `/s/<random>` or `/s/<pool>/<random>`; browsers and messengers append queries and fragments. */
function parsePath(rest: string): Code {
  const path = rest.replace(/[?#].*$/s, '');
  if (!path.startsWith('/s/')) throw new NotLoginCodeError();
  const segments = path.slice('/s/'.length).split('/');
  const [first = '', second = ''] = segments;
  if (segments.length === 2 && ID.test(second)) {
    if (!POOL.test(first)) throw new NotLoginCodeError();
    return { kind: 'link', random: second, pool: first };
  }
  if (!ID.test(first)) throw new NotLoginCodeError();
  return { kind: 'link', random: first };
}

/** A link is an app link if it equals `link` up to the id; what follows the link is ignored. */
function parseAppLink(text: string, link: string): Code | undefined {
  const at = link.indexOf('{random}');
  const before = link.slice(0, at);
  const after = link.slice(at + '{random}'.length);
  if (at < 0 || !text.startsWith(before)) return undefined;
  const random = text.slice(at, at + 30);
  const rest = text.slice(at + 30);
  if (!ID.test(random) || !rest.startsWith(after) || (after === '' && /^[0-9A-Za-z]/.test(rest))) return undefined;
  return { kind: 'app-link', random };
}

function inPool(code: Code, pins: Pins): Code {
  if (pins.pool && code.pool !== undefined && code.pool !== pins.pool) throw new OtherPoolError();
  return code;
}

/** `scheme://host[:port]` in lower case, without the default port; undefined for an unusual host. */
function originOf(scheme: string, authority: string): string | undefined {
  const [, host, port = ''] = AUTHORITY.exec(authority) ?? [];
  if (host === undefined) return undefined;
  scheme = scheme.toLowerCase();
  const isDefault = port === (scheme === 'https' ? ':443' : ':80');
  return `${scheme}://${host.toLowerCase()}${isDefault ? '' : port}`;
}

/**
 * Checks an origin of the configuration and returns it in the form of {@link Pins}.
 * Throws a TypeError unless it is `https://host[:port]`, or http if that is allowed.
 */
export function parseOrigin(text: string, allowHttp: boolean): string {
  const [, scheme = '', authority = '', rest = ''] = WEB_LINK.exec(text) ?? [];
  const origin = originOf(scheme, authority);
  if (origin === undefined || (rest !== '' && rest !== '/')) {
    throw new TypeError(`"${text}" must be an address such as https://scan.example.com, without a path`);
  }
  if (origin.startsWith('http:') && !allowHttp) {
    throw new TypeError(`"${text}" must begin with https:// (allowHttp is for development)`);
  }
  return origin;
}
