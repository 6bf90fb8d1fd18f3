/** The server's error table (docs/api.md, Errors) as errors of the kit. */
import type { Answer } from './answer.js';
import {
  BlockedError, CodeExpiredError, CodeUsedError, InvalidCodeError, LoginError, LoginRequiredError, MatchCodeError,
  NotScannedError, OtherPoolError, OtherUserError, RateLimitedError, StepUpRequiredError, UnavailableError,
  UnexpectedResponseError, type Details,
} from './errors.js';
import { object, readStepUp, type Fields } from './fields.js';

const DEFAULT_WAIT = 5; // seconds, if a proxy refuses without Retry-After

/** The error for an answer that is no success. `envelope` is its JSON object, if it has one. */
export function errorOf(answer: Answer, envelope: Fields | undefined): LoginError {
  const code = envelope?.['code'];
  const message = envelope?.['message'];
  if (typeof code !== 'number' || code === 200 || typeof message !== 'string') return errorOfOther(answer);
  const details = { code, message };
  if (code === 500 && answer.status < 500) return new InvalidCodeError(details); // the code of two errors
  if (code === 2251) return new StepUpRequiredError(readStepUp(object(envelope?.['stepUp']) ?? {}), details);
  if (code === 429) return new RateLimitedError(waitOf(answer) ?? DEFAULT_WAIT, details);
  const refusal = REFUSALS[code];
  if (refusal) return new refusal(details);
  return answer.status >= 500 || code === 1000 ? new UnavailableError(waitOf(answer), details) : new UnexpectedResponseError(details);
}

const REFUSALS: Readonly<Record<number, new (details: Details) => LoginError>> = {
  2020: LoginRequiredError,
  2036: OtherPoolError,
  2241: InvalidCodeError,
  2242: CodeExpiredError,
  2243: NotScannedError,
  2244: CodeUsedError,
  2245: OtherUserError,
  2248: BlockedError,
  2249: MatchCodeError,
};

/**
 * The error for an answer without the server's envelope: from a proxy, or from a network that
 * asks its users to log in and answers every request with a page of its own.
 */
function errorOfOther(answer: Answer): LoginError {
  if (answer.status === 429) return new RateLimitedError(waitOf(answer) ?? DEFAULT_WAIT);
  const isRefusal = answer.status >= 400 && answer.status < 500 && answer.status !== 408;
  return isRefusal ? new UnexpectedResponseError() : new UnavailableError(waitOf(answer));
}

/** Retry-After in whole seconds; undefined if it is missing or a date. */
function waitOf(answer: Answer): number | undefined {
  return answer.retryAfter !== null && /^[0-9]{1,6}$/.test(answer.retryAfter) ? Number(answer.retryAfter) : undefined;
}
