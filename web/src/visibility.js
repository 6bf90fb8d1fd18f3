/** Pages that are hidden keep no connection for longer than their code lives. */

export const HIDDEN_TOO_LONG = 5; // seconds; a connection may be dead without the browser's knowledge
export const BEFORE_END = 0.5; // seconds; a hidden page disconnects so early, or the server would create the next code

export function isHidden() {
  return globalThis.document?.hidden ?? false;
}
