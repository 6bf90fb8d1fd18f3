/** A login page that connects with the npm package ws. */
import WebSocket from 'ws';

import { within } from './process.mjs';

const SECONDS = 10;

export class SocketPage {
  #messages = [];
  #wake = () => {};

  /**
   * @param {{ address: string }} node
   * @param {Record<string, string>} query parameters of /ws
   * @param {{ protocols?: string[], headers?: Record<string, string> }} [options]
   */
  constructor(node, query, { protocols = ['scanlogin.v1'], headers } = {}) {
    const address = `${node.address.replace('http', 'ws')}/api/v2/qrcode/ws?${new URLSearchParams(query)}`;
    this.socket = new WebSocket(address, protocols, { headers, perMessageDeflate: true });
    this.socket.on('upgrade', (response) => { this.handshake = response; });
    this.socket.on('message', (data) => {
      this.#messages.push(JSON.parse(`${data}`));
      this.#wake();
    });
    /** The close code; rejects if there was no connection. */
    this.closed = new Promise((resolve, reject) => {
      this.socket.on('error', reject);
      this.socket.on('close', resolve);
    }).finally(() => this.#wake());
    this.closed.catch(() => {}); // next and end report the error
  }

  /** The next message, which must have this event. */
  async next(event) {
    if (this.#messages.length === 0 && this.socket.readyState !== WebSocket.CLOSED) {
      await within(SECONDS, `event "${event}" on the socket`, new Promise((resolve) => { this.#wake = resolve; }));
    }
    if (this.#messages.length === 0) throw new Error(`no event "${event}": the socket closed with ${await this.closed}`);
    const message = this.#messages.shift();
    if (message.event !== event) throw new Error(`expected event "${event}", got ${JSON.stringify(message)}`);
    return message;
  }

  /** Waits for the close code. No unread message may be left. */
  async end() {
    const code = await within(SECONDS, 'the server closes the socket', this.closed);
    if (this.#messages.length > 0) throw new Error(`unexpected: ${JSON.stringify(this.#messages)}`);
    return code;
  }

  close() {
    this.socket.terminate();
  }
}
