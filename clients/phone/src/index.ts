/**
 * The phone's side of a scanlogin login. Start with {@link PhoneKit}; the guide is docs/phone.md
 * of the project.
 *
 * payload.ts  which texts are login codes, and of whom
 * kit.ts      read, openLink, scan
 * login.ts    confirm and cancel, with retries that are safe
 * request.ts  one HTTP request, with its deadline
 * answer.ts   the server's answers as types; refusal.ts its error table; fields.ts reads JSON
 * errors.ts   the closed set of errors; advice.ts what to show for each
 * text.ts     makes untrusted text safe to show
 */
export { PhoneKit, LinkedCode, type Options } from './kit.js';
export { Login, type DecisionOptions } from './login.js';
export { type Code, type CodeKind } from './payload.js';
export {
  type Scan, type Browser, type Consent, type Verdict, type Reason, type StepUp, type Client, type Device, type Decision, type Status,
} from './answer.js';
export {
  LoginError, type ErrorKind, type NextStep, type Advice,
  NotLoginCodeError, UntrustedHostError, OtherPoolError, LoginRequiredError, StepUpRequiredError, InvalidCodeError,
  CodeExpiredError, CodeUsedError, OtherUserError, NotScannedError, BlockedError, MatchCodeError, RateLimitedError,
  UnavailableError, OutcomeUnknownError, UnexpectedResponseError,
} from './errors.js';
export { displayText } from './text.js';
export { type AbortSignalLike, type RequestInitLike, type ResponseLike } from './runtime.js';
