/** An app that uses @scanlogin/phone: what the types allow and forbid. phonekit-package.test.mjs compiles it in strict mode. */
import {
  displayText, LoginError, PhoneKit, StepUpRequiredError, type Code, type ErrorKind, type LinkedCode, type Login, type Options, type Scan,
} from '@scanlogin/phone';

export function openKit(options: Options): PhoneKit {
  return new PhoneKit(options);
}

/** One login: the answer of the user decides. */
export async function logIn(kit: PhoneKit, text: string, ask: (scan: Scan) => { agrees: boolean; matchCode?: string }) {
  const login: Login = await kit.scan(kit.read(text));
  const { agrees, ...digits } = ask(login.scan);
  const { status } = agrees ? await login.confirm(digits) : await login.cancel();
  return status;
}

/** The screen for an error: every kind has one, or this does not compile. */
export function screenFor(error: LoginError): string {
  if (error instanceof StepUpRequiredError) return `step-up ${error.stepUp.maxAge ?? 'any'} ${error.stepUp.acrValues?.join() ?? ''}`;
  const kind: ErrorKind = error.kind;
  switch (kind) {
    case 'not-login-code': case 'untrusted-host': case 'other-pool': case 'invalid-code': case 'code-expired': case 'code-used':
    case 'other-user': case 'not-scanned': return 'scanner';
    case 'login-required': case 'step-up-required': return 'login';
    case 'blocked': case 'match-code': return 'consent';
    case 'rate-limited': case 'unavailable': case 'outcome-unknown': return 'retry';
    case 'unexpected-response': return 'close';
    default: return kind satisfies never;
  }
}

export function describe(scan: Scan): string {
  const place: string = scan.browser.place ?? 'unknown';
  return displayText(`${scan.pool.name} ${place} ${scan.consent.verdict} ${scan.consent.reasons.map(({ text }) => text).join()}`, 80);
}

/** What the types forbid. */
export async function wrong(kit: PhoneKit, linked: LinkedCode, login: Login) {
  // @ts-expect-error: a link alone cannot be scanned
  await kit.scan(linked);
  // @ts-expect-error: a text must be read first
  await kit.scan('text');
  // @ts-expect-error: the number is text, because 07 is two digits
  await login.confirm({ matchCode: 7 });
  // @ts-expect-error: the place may be missing
  login.scan.browser.place.length;
  // @ts-expect-error: there is no such verdict
  login.scan.consent.verdict === 'fine';
  // @ts-expect-error: the app must know its server
  openKit({ token: () => 'x' });
  const code: Code = linked.afterUserAgreed();
  // @ts-expect-error: codes do not change
  code.random = 'x';
}
