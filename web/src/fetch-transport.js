/**
 * The transports for networks that block WebSockets: server-sent events, or polling, both by
 * `fetch`.
 */
import { BUFFERED, CLOSED, EXHAUSTED, FINAL_EVENTS, FIRST_MESSAGE, GOING_AWAY, GONE, LOST, OPEN, parse, REFUSED } from './protocol.js';

/** @import { Code, CodeRequest, Transport } from './types.js' */

const MAX_CODES = 6; // the server's default
const POLL_INTERVAL = 1500; // milliseconds
const STREAM_SILENCE = 40; // seconds; the server writes to a stream every 15 s

class Ended extends Error {
  /** @param {number} code close code */
  constructor(code) {
    super();
    this.code = code;
  }
}

/**
 * Behaves like an open WebSocket.
 * @implements {Transport}
 */
export class FetchTransport {
  /** @type {Transport['onmessage']} */
  onmessage = null;
  /** @type {Transport['onclose']} */
  onclose = null;
  readyState = OPEN;
  #api;
  #codeRequest;
  #count;
  #streams;
  #refreshing = false;
  /** @type {Pick<Code, 'random' | 'browserKey'> | undefined} */
  #current;
  #request = new AbortController();

  /**
   * @param {string} api address of the API
   * @param {CodeRequest} codeRequest
   * @param {Code | undefined} code to continue with
   * @param {number} count number of codes so far
   * @param {boolean} streams read event streams; otherwise poll
   */
  constructor(api, codeRequest, code, count, streams) {
    this.#api = api;
    this.#codeRequest = codeRequest;
    this.#count = count;
    this.#streams = streams;
    this.#run(code).catch((error) => this.#end(error instanceof Ended ? error.code : LOST));
  }

  /** @param {string} text a message as for a WebSocket: replaces the code, or requests one to type */
  send(text) {
    if (text.includes('typed-code')) {
      this.#requestTypedCode();
      return;
    }
    this.#refreshing = true;
    this.#request.abort();
  }

  /** Delivers what the server would send over a WebSocket. */
  async #requestTypedCode() {
    const { random = '', browserKey = '' } = this.#current ?? {};
    const answer = await fetch(`${this.#api}typed-code`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-browser-key': browserKey },
      body: JSON.stringify({ random }),
      signal: AbortSignal.timeout(FIRST_MESSAGE * 1000),
      credentials: 'omit',
    }).then((response) => response.json()).catch(() => ({}));
    const { code = 0, message = '', data } = answer;
    this.#deliver(data?.typedCode ? { event: 'typed-code', random, typedCode: data.typedCode }
      : { event: 'error', action: 'typed-code', code, message });
  }

  close() {
    this.readyState = CLOSED;
    this.#request.abort();
  }

  /** @param {number} code */
  #end(code) {
    this.readyState = CLOSED;
    this.onclose?.({ code });
  }

  /** @param {Pick<Code, 'random' | 'browserKey'>} [code] */
  async #run(code) {
    while (this.readyState === OPEN) {
      try {
        const current = code ?? await this.#create();
        this.#current = current;
        await (this.#streams ? this.#read(current) : this.#poll(current));
      } catch (error) {
        if (this.#refreshing) this.#count--; // codes that the user requests do not count
        else if (!(error instanceof Ended && error.code === GONE)) throw error;
        this.#refreshing = false;
      }
      code = undefined;
    }
  }

  /** @returns {Promise<Code>} */
  async #create() {
    if (this.#count >= MAX_CODES) throw new Ended(EXHAUSTED);
    const response = await this.#fetch('gene', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(this.#codeRequest),
    });
    const { data } = await response.json();
    this.#count++;
    this.#deliver({ ...data, event: 'code' });
    return data;
  }

  /**
   * Delivers the messages of an event stream, and returns the final event.
   * @param {Pick<Code, 'random' | 'browserKey'>} code
   */
  async #read(code) {
    const { body } = await this.#fetch(`events?${this.#query(code)}`, { headers: { 'x-browser-key': code.browserKey } }, BUFFERED);
    const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
    const decoder = new TextDecoder();
    let end = LOST;
    for (let text = ''; ;) {
      const { done, value } = await this.#within(STREAM_SILENCE, reader.read(), LOST);
      if (done) throw new Ended(end);
      const blocks = `${text}${decoder.decode(value, { stream: true })}`.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        if (block.startsWith('retry:')) end = GOING_AWAY;
        const last = this.#deliver(parse(block.match(/^data: (.*)$/m)?.[1]));
        if (last) return last;
      }
    }
  }

  /** @param {Pick<Code, 'random' | 'browserKey'>} code */
  async #poll(code) {
    for (; ;) {
      const response = await this.#fetch(`check?${this.#query(code)}`, { headers: { 'x-browser-key': code.browserKey } });
      const last = this.#deliver((await response.json()).data);
      if (last) return last;
      await new Promise((resolve, reject) => {
        setTimeout(resolve, POLL_INTERVAL);
        this.#request.signal.onabort = reject;
      });
    }
  }

  /** @param {Pick<Code, 'random'>} code */
  #query({ random }) {
    const { request } = this.#codeRequest;
    return new URLSearchParams({ random, ...(request && { request }) });
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   * @param {number} late close code if no response comes in time
   */
  async #fetch(path, init, late = LOST) {
    this.#request = new AbortController();
    const { signal } = this.#request;
    const response = await this.#within(FIRST_MESSAGE, fetch(this.#api + path, { ...init, signal, credentials: this.#codeRequest.request ? 'same-origin' : 'omit' }), late);
    if (response.ok && response.status !== 204) return response;
    const { code = response.status } = await response.json().catch(() => ({}));
    throw new Ended(REFUSED.get(code) ?? LOST);
  }

  /**
   * Aborts the request if it takes too long.
   * @template T
   * @param {number} seconds
   * @param {Promise<T>} promise
   * @param {number} late close code in that case
   */
  #within(seconds, promise, late) {
    const request = this.#request;
    const timer = setTimeout(() => request.abort(new Ended(late)), seconds * 1000);
    return promise.finally(() => clearTimeout(timer));
  }

  /**
   * Delivers a message, and returns its event if that is final.
   * @param {any} message
   * @returns {string | undefined}
   */
  #deliver(message) {
    if (!message || this.readyState !== OPEN) return undefined;
    this.onmessage?.({ data: JSON.stringify(message) });
    return FINAL_EVENTS.has(message.event) ? message.event : undefined;
  }
}
