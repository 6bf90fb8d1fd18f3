/** Types of the module's events and messages. */
export type { Code, Confirmed, Events, State, Status, TypedEventTarget, UserInfo } from '../scanlogin.js';

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
