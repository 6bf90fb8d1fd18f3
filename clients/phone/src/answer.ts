/**
 * The server's answers as types or errors. Field names are those of docs/api.md. Unknown fields
 * are ignored; a required field that is missing is an UnexpectedResponseError; an optional
 * field of the wrong type counts as missing.
 */
import { UnexpectedResponseError } from './errors.js';
import { flag, list, number, object, parseJSON, present, readStepUp, required, text, type Fields } from './fields.js';
import { errorOf } from './refusal.js';

export type Status = 'waiting' | 'scanned' | 'confirmed' | 'canceled' | 'expired';

/** `careful`: warn the user. `block`: confirm will be refused. Verdicts that the kit does not know become `careful`. */
export type Verdict = 'ok' | 'careful' | 'block';

export interface Reason {
  /** For programs: `other_country`, `many_codes`, `new_browser`, `other_network`, `old_request`, or a newer one. */
  readonly name: string;
  /** For the user, in the app's language. */
  readonly text: string;
}

/** The browser that asks, as it describes itself, without characters that are unsafe to show. */
export interface Browser {
  readonly browser: string;
  readonly os: string;
  readonly ip: string;
  readonly userAgent: string;
  /** ISO 8601, UTC: when the page requested the code. */
  readonly createdAt: string;
  readonly place?: string;
  /** ISO 3166-1, two letters. */
  readonly country?: string;
}

/** What is known of the request; a value that is not known is absent. */
export interface Consent {
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  /** Seconds since the page requested the code. */
  readonly age: number;
  readonly sameNetwork?: boolean;
  readonly sameCountry?: boolean;
  readonly knownBrowser?: boolean;
  readonly codesLately?: number;
}

/** What the user's token must show (RFC 9470). */
export interface StepUp {
  /** Seconds since the user logged in, at most. */
  readonly maxAge?: number;
  readonly acrValues?: readonly string[];
  readonly amr?: readonly string[];
}

/** The application that the user logs in to, with the account of the pool. */
export interface Client {
  readonly id: string;
  readonly name: string;
}

/** The device that asks (RFC 8628). */
export interface Device {
  /** Name of the application on the device. */
  readonly client: string;
  /** The code that the device shows, as `WDJB-MJHT`. */
  readonly userCode: string;
}

/** The answer to a scan: show all of it, and ask the user. */
export interface Scan {
  readonly random: string;
  readonly pool: { readonly name: string; readonly logo?: string };
  /** Present if the code is for an application of its own: name it with the pool. */
  readonly client?: Client;
  readonly browser: Browser;
  readonly consent: Consent;
  /** Present if confirm needs the two digits that the page shows. */
  readonly match?: 'digits';
  /** Present if confirm would refuse the current token. */
  readonly stepUp?: StepUp;
  /** Present if a device asks, not a page: show both, and ask whether the device in front of the user shows this code. */
  readonly device?: Device;
  /** As the page sent it, unchanged. Anyone can send it: use displayText before you show it. */
  readonly customData: unknown;
}

/** The answer to a decision. */
export interface Decision {
  readonly random: string;
  readonly status: 'confirmed' | 'canceled';
}

export type Step = 'scanned' | 'confirm' | 'cancel';

/** A response as text, independent of the platform. */
export interface Answer {
  readonly status: number;
  /** The header Retry-After; null if there is none. */
  readonly retryAfter: string | null;
  readonly body: string;
}

/** Returns the `data` of a success, or throws the error for a refusal. */
export function dataOf(answer: Answer): Fields {
  const envelope = object(parseJSON(answer.body));
  const data = object(envelope?.['data']);
  if (envelope?.['code'] === 200 && data && answer.status < 300) return data;
  throw errorOf(answer, envelope);
}

export function readScan(answer: Answer): Scan {
  const data = dataOf(answer);
  const pool = required(object(data['pool']));
  const match = data['match'];
  if (match !== undefined && match !== 'digits') throw new UnexpectedResponseError(); // this version cannot ask for it
  const stepUp = object(data['stepUp']);
  return present({
    random: readRandom(data, 1),
    pool: present({ name: required(text(pool['name'])), logo: text(pool['logo']) }),
    client: data['client'] === undefined ? undefined : readClient(required(object(data['client']))),
    browser: readBrowser(required(object(data['browser']))),
    consent: readConsent(required(object(data['consent']))),
    match,
    stepUp: stepUp && readStepUp(stepUp),
    device: data['device'] === undefined ? undefined : readDevice(required(object(data['device']))),
    customData: data['customData'] ?? {},
  });
}

/** The answer to a decision about the code `random`. */
export function readDecision(answer: Answer, step: 'confirm' | 'cancel', random: string): Decision {
  if (readRandom(dataOf(answer), step === 'confirm' ? 2 : 3) !== random) throw new UnexpectedResponseError();
  return { random, status: step === 'confirm' ? 'confirmed' : 'canceled' };
}

/** The status of a code, from the answer to `check`. */
export function readStatus(answer: Answer): Status {
  const event = dataOf(answer)['event'];
  return required(STATUSES.find((status) => status === event));
}

const STATUSES: readonly Status[] = ['waiting', 'scanned', 'confirmed', 'canceled', 'expired'];

function readBrowser(fields: Fields): Browser {
  return present({
    browser: required(text(fields['browser'])),
    os: required(text(fields['os'])),
    ip: required(text(fields['ip'])),
    userAgent: required(text(fields['userAgent'])),
    createdAt: required(text(fields['createdAt'])),
    place: text(fields['place']),
    country: text(fields['country']),
  });
}

function readConsent(fields: Fields): Consent {
  const verdict = required(text(fields['verdict']));
  return present({
    verdict: verdict === 'ok' || verdict === 'block' ? verdict : 'careful',
    reasons: required(list(fields['reasons'])).map(readReason),
    age: required(number(fields['age'])),
    sameNetwork: flag(fields['sameNetwork']),
    sameCountry: flag(fields['sameCountry']),
    knownBrowser: flag(fields['knownBrowser']),
    codesLately: number(fields['codesLately']),
  });
}

function readClient(fields: Fields): Client {
  return { id: required(text(fields['id'])), name: required(text(fields['name'])) };
}

function readDevice(fields: Fields): Device {
  return { client: required(text(fields['client'])), userCode: required(text(fields['userCode'])) };
}

function readReason(value: unknown): Reason {
  const fields = required(object(value));
  return { name: required(text(fields['name'])), text: required(text(fields['text'])) };
}

function readRandom(data: Fields, status: number): string {
  const random = text(data['random']);
  if (data['status'] !== status || !random || !/^[0-9A-Za-z]{30}$/.test(random)) throw new UnexpectedResponseError();
  return random;
}
