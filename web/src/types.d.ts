/** Types of the module's events and messages. */

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
  /** With `confirmed`, on the page of an authorization request: how to return to the client. */
  redirect?: Redirect;
  version: number;
  /** Seconds until the code expires. */
  expiresIn: number;
  /** With `scanned`: the number to enter on the phone, if the pool has `match: digits`. */
  matchCode?: string;
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
}

/** An EventTarget with typed events. */
export type TypedEventTarget = Omit<EventTarget, 'addEventListener'> & {
  addEventListener<K extends keyof Events>(
    type: K,
    listener: (event: CustomEvent<Events[K]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
};

/** Carries the messages: a WebSocket, or a class with the same interface. */
export interface Transport {
  onmessage: ((event: { data: string }) => void) | null;
  onclose: ((event: { code: number; reason?: string }) => void) | null;
  onopen?: (() => void) | null;
  readonly readyState: number;
  send(text: string): void;
  close(): void;
}

/** What a code is requested with. */
export interface CodeRequest {
  userPoolId: string;
  codeChallenge: string;
  [name: string]: string;
}
