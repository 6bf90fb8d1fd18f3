/**
 * Types of the module /scanlogin.js: the element <scan-login> and the class ScanLogin.
 * A server delivers this file at /scanlogin.d.ts. See docs/website.md.
 */

/** A code to show. */
export interface Code {
  /** The code's id. */
  random: string;
  /** Address of its picture as PNG. */
  url: string;
  /** Address of its picture as SVG. */
  svg: string;
  /** The text of the code. */
  payload: string;
  /** Opens the site's app with the code. */
  appLink?: string;
  /** Address of the pool's logo, if it has one. */
  customLogo?: string;
  /** The pool's color, `#rrggbb`, if it has one of its own. */
  brandColor?: string;
  /** `requestTypedCode()` works for this code. */
  typedCodes?: boolean;
  /** Seconds that it had left when it arrived. */
  expiresIn: number;
  /** Proves that this browser requested the code. Do not show it. */
  browserKey: string;
}

/** The user who scanned. Both values come from third parties. */
export interface UserInfo {
  nickname?: string;
  photo?: string;
}

/** The state of a code. */
export interface Status {
  event: 'waiting' | 'scanned' | 'confirmed' | 'canceled' | 'expired';
  random: string;
  userInfo: UserInfo;
  ticket: string | null;
  version: number;
  /** Seconds until the code expires. */
  expiresIn: number;
  /** With `scanned`: the number to enter on the phone, if the pool has `match: digits`. */
  matchCode?: string;
  /** With `confirmed`, on the page of an authorization request: how to return to the client. */
  redirect?: Redirect;
}

/** The address to open, or a form to post. */
export type Redirect = string | { action: string; fields: Record<string, string> };

/** The ticket is for the site's own back end. On the page of an authorization request there is a redirect instead. */
export interface Confirmed {
  ticket: string | null;
  redirect?: Redirect;
  random: string;
  browserKey: string;
  userInfo: UserInfo;
}

/** A code to type into the app instead of scanning. Valid as long as the code `random`, until it is scanned. */
export interface TypedCode {
  random: string;
  /** Eight letters with a hyphen. */
  typedCode: string;
}

/** Why there is no typed code: `code` as in docs/api.md. */
export interface TypedCodeError {
  code: number;
  message: string;
}

/** The events and their `detail`. */
export interface Events {
  /** Show this code. */
  code: Code;
  /** A user scanned the code and has not decided. */
  scanned: Status;
  /** The user agreed. No event follows. */
  confirmed: Confirmed;
  /** The user declined; `code` or `exhausted` follows. */
  canceled: Status;
  /** The code expired; `code` or `exhausted` follows. */
  expired: Status;
  /** No more codes until `start()` is called. */
  exhausted: null;
  /** It cannot continue. The reason is for developers. */
  error: { reason: string; closeCode: number };
  /** The connection is lost. */
  offline: null;
  /** The connection is restored. */
  online: null;
  /** The answer to `requestTypedCode()`. */
  'typed-code': TypedCode;
  /** `requestTypedCode()` was refused. The code on the screen is not affected. */
  'typed-code-error': TypedCodeError;
}

/** An EventTarget with typed events. */
export type TypedEventTarget = Omit<EventTarget, 'addEventListener'> & {
  addEventListener<K extends keyof Events>(
    type: K,
    listener: (event: CustomEvent<Events[K]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
};

declare const Target: new () => TypedEventTarget;

/** A login without a user interface. */
export declare class ScanLogin extends Target {
  constructor(options: {
    /** Default: the server of the module. */
    server?: string | URL;
    /** Id of the user pool. */
    pool: string;
    /** RFC 7636, S256. */
    codeChallenge?: string;
    /** Id of an authorization request, on its page. */
    request?: string;
  });
  /** Seconds until the code on the screen expires; 0 if there is none. */
  get remaining(): number;
  /** Starts, or starts again with another code; if the page is hidden, when it becomes visible. */
  start(): void;
  /** Stops. No event follows. */
  stop(): void;
  /** Withdraws the code and requests another: a user who scanned it can no longer log in. */
  refresh(): void;
  /** Connects at once if the connection is lost, instead of after a pause. */
  retry(): void;
  /** Requests a code to type. Answered by `typed-code` or `typed-code-error`. */
  requestTypedCode(): void;
}

export type State = 'idle' | 'loading' | 'waiting' | 'scanned' | 'confirmed' | 'renewing' | 'exhausted' | 'failed';

/** The element <scan-login>. Its events are those of ScanLogin. */
export declare class ScanLoginElement extends HTMLElement {
  static observedAttributes: string[];
  /** The state that is shown. */
  get state(): State;
  /** Starts, or starts again with another code. */
  start(): void;
  /** Stops, and removes the code. */
  stop(): void;
  /** Withdraws the code and requests another. */
  refresh(): void;
  connectedCallback(): void;
  disconnectedCallback(): void;
  attributeChangedCallback(name: string, before: string | null, value: string | null): void;
}

/** The texts of the element, by language and name. What a language lacks is English. */
export declare const words: Record<string, Partial<Record<string, string>>>;

declare global {
  interface HTMLElementTagNameMap {
    'scan-login': ScanLoginElement;
  }
}
