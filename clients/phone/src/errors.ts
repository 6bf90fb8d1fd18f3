/**
 * The closed set of errors. `kind` names the class, for `switch`. `message` is the server's
 * sentence in the app's language if there is one, else the advice in English. `advice` says what to show.
 */
import { ADVICE, type Advice, type ErrorKind } from './advice.js';
import type { Status, StepUp } from './answer.js';

export type { Advice, ErrorKind, NextStep } from './advice.js';

/** What a response said, as far as an error keeps it. */
export interface Details {
  /** The server's sentence, for the user. */
  message?: string;
  /** The server's error code (docs/api.md); absent if the server did not answer. */
  code?: number;
}

/** The base of all errors of the kit, except TypeErrors for misuse and the reasons of aborted signals. */
export abstract class LoginError extends Error {
  readonly kind: ErrorKind;
  /** The server's error code, if it answered. */
  readonly code: number | undefined;

  constructor(kind: ErrorKind, { message, code }: Details = {}) {
    super(message || ADVICE[kind].en);
    this.name = new.target.name;
    this.kind = kind;
    this.code = code;
  }

  /** What to show, in English and Chinese, and what the user can do next. */
  get advice(): Advice {
    return ADVICE[this.kind];
  }

  /**
   * The text to show: the server's sentence, which names reasons and attempts and is in the kit's `language`,
   * or the advice if the server said none.
   */
  textFor(language: 'en' | 'zh'): string {
    return this.code === undefined ? this.advice[language] : this.message;
  }
}

/** The text is no login code. A scanner may ignore it and continue. */
export class NotLoginCodeError extends LoginError {
  constructor() { super('not-login-code'); }
}

/** A link to a host that the app does not trust. Nothing was sent. */
export class UntrustedHostError extends LoginError {
  /** The host as written in the link, possibly misleading: do not make it a link. */
  constructor(readonly host: string) { super('untrusted-host'); }
}

/** The code belongs to another user pool than the app's user. */
export class OtherPoolError extends LoginError {
  constructor(details?: Details) { super('other-pool', details); }
}

/** The server does not accept the token: the user must log in to the app. */
export class LoginRequiredError extends LoginError {
  constructor(details?: Details) { super('login-required', details); }
}

/** The pool requires a fresher or stronger login. The code stays scanned: log in, then confirm again. */
export class StepUpRequiredError extends LoginError {
  constructor(readonly stepUp: StepUp, details?: Details) { super('step-up-required', details); }
}

/** There is no such code, or it ended more than a minute ago. */
export class InvalidCodeError extends LoginError {
  constructor(details?: Details) { super('invalid-code', details); }
}

/** The code has expired, or the page withdrew it. */
export class CodeExpiredError extends LoginError {
  constructor(details?: Details) { super('code-expired', details); }
}

/** The code was already confirmed or canceled, or ended by wrong numbers. */
export class CodeUsedError extends LoginError {
  /** How it ended, if the kit could find out: an aborted confirm may have been stored. */
  status: Status | undefined;
  constructor(details?: Details) { super('code-used', details); }
}

/** Another user has scanned the code. */
export class OtherUserError extends LoginError {
  constructor(details?: Details) { super('other-user', details); }
}

/** The server has not stored the scan. */
export class NotScannedError extends LoginError {
  constructor(details?: Details) { super('not-scanned', details); }
}

/** The pool's rules block this login. The message has the reasons. The user can still cancel. */
export class BlockedError extends LoginError {
  constructor(details?: Details) { super('blocked', details); }
}

/** The number is missing, malformed or wrong. Only wrong numbers count; the message says how many attempts are left. */
export class MatchCodeError extends LoginError {
  constructor(details?: Details) { super('match-code', details); }
}

/** Too many requests, or a cool-down after several cancels. The same request can be repeated after the wait. */
export class RateLimitedError extends LoginError {
  /** Seconds until a request can succeed. */
  constructor(readonly retryAfter: number, details?: Details) { super('rate-limited', details); }
}

/** The server cannot be reached or is busy. Scanning again is safe. */
export class UnavailableError extends LoginError {
  /** Seconds until the server may answer, if it said so. */
  constructor(readonly retryAfter?: number, details?: Details) { super('unavailable', details); }
}

/** A decision may or may not have been stored, because its response was lost. Ask with `login.status()`, or repeat it. */
export class OutcomeUnknownError extends LoginError {
  /** The last status that the server reported since. `scanned`: not stored until then. */
  constructor(readonly status?: Status) { super('outcome-unknown'); }
}

/** The server refused for a reason that the user cannot change: wrong setup, or an app that is too old. */
export class UnexpectedResponseError extends LoginError {
  constructor(details?: Details) { super('unexpected-response', details); }
}
