/**
 * What the kit needs from the platform: fetch, AbortController and timers, which React Native,
 * Expo, Capacitor, browsers and Node have. The types are written out here, so that the package
 * compiles with and without the types of the DOM or of Node.
 */

/** An AbortSignal, also of React Native, whose signals have neither `reason` nor static methods. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The options that the kit passes to fetch. */
export interface RequestInitLike {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  redirect: 'error';
  credentials: 'omit';
  cache: 'no-store';
  signal: unknown;
}

/** What the kit reads of a response. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

interface Platform {
  fetch(url: string, init: RequestInitLike): Promise<ResponseLike>;
  AbortController: new () => { readonly signal: AbortSignalLike; abort(): void };
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** The platform's globals, looked up when they are used: apps may install polyfills late. */
export const platform = globalThis as unknown as Platform;

/** The reason of an aborted signal, or an AbortError where the platform keeps none. */
export function abortReason(signal: AbortSignalLike): unknown {
  if (signal.reason !== undefined) return signal.reason;
  const error = new Error('The operation was aborted');
  error.name = 'AbortError';
  return error;
}

/** Waits. Rejects with the signal's reason as soon as that is aborted. */
export function pause(ms: number, signal?: AbortSignalLike): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortReason(signal));
    const stop = () => {
      platform.clearTimeout(timer);
      reject(abortReason(signal!));
    };
    const timer = platform.setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop);
  });
}
