/** The app's accounts and its kit. A real app has a login of its own; this one asks the demo for a token. */
import { PhoneKit, UnavailableError } from '../../clients/phone/src/index.js';
import { lang } from '../words.js';

const DEADLINE = 10_000; // milliseconds; the server answers within 2 s
const RETRIES = 3_000; // milliseconds in which a call is repeated; short, because a visitor watches

export interface User {
  readonly id: string;
  readonly name: string;
}

/** `again`: the user logs in now, instead of having done so before. */
async function logIn(user: User, again: boolean): Promise<string> {
  try {
    const response = await fetch('demo/token', {
      method: 'POST', headers: { 'content-type': 'application/json', 'x-authing-lang': lang },
      body: JSON.stringify({ user: user.id, again }), signal: AbortSignal.timeout(DEADLINE),
    });
    if (response.ok) return ((await response.json()) as { token: string }).token;
  } catch {
    // not reachable: as below
  }
  throw new UnavailableError();
}

/** A user's account in the app. */
export interface Account {
  readonly kit: PhoneKit;
  logInAgain(): Promise<void>;
}

/**
 * The account of a user, with the kit of their phone.
 * @param pool id of the demo's pool
 * @param origins where its links begin: the demo may be open at another of its addresses
 */
export function accountOf(user: User, pool: string, origins: readonly string[]): Account {
  let token: Promise<string> | undefined;
  const newToken = (again: boolean): Promise<string> => (token = logIn(user, again).catch((error: unknown) => {
    token = undefined;
    throw error;
  }));
  const kit = new PhoneKit({
    server: location.origin,
    linkOrigins: [location.origin, ...origins],
    pool,
    token: () => token ?? newToken(false),
    language: lang,
    totalTimeout: RETRIES,
    allowHttp: true, // the demo runs on this computer, or in the network at home
  });
  return { kit, logInAgain: async () => { await newToken(true); } };
}
