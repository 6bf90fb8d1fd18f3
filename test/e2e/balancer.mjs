/**
 * A load balancer without stickiness in front of nodes, which can be as bad as
 * those that people's pages are behind.
 */
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';

/** @typedef {'pass' | 'refuse' | 'swallow'} Upgrades what becomes of WebSocket handshakes */

export class Front {
  /** @type {string[]} addresses of the nodes, the next one first */
  nodes = [];
  /** Address of a server that has the paths besides the interface; absent: the nodes have all. */
  pages = '';
  /** @type {Record<string, (body: any) => object>} paths that are answered here, JSON to JSON */
  answers = {};
  /** @type {Upgrades} */
  upgrades = 'pass';
  /** Event streams are kept back until they end, as some proxies do. */
  holdsStreams = false;
  /** What was asked for: `GET /api/v2/qrcode/check`. */
  asked = [];
  #sockets = new Set();

  static async open(house) {
    const front = new Front();
    const server = createServer((incoming, outgoing) => front.#pass(incoming, outgoing));
    server.on('connection', (socket) => front.#keep(socket));
    server.on('upgrade', (incoming, socket, head) => front.#upgrade(incoming, socket, head));
    await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    house.atEnd(() => {
      server.close();
      front.cut();
    });
    front.address = `http://127.0.0.1:${server.address().port}`;
    return front;
  }

  /** How often a path was asked for. */
  count(path) {
    return this.asked.filter((one) => one.endsWith(path)).length;
  }

  /** Ends all connections. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  /** Turns by turns. */
  #next() {
    const node = this.nodes.shift();
    this.nodes.push(node);
    return new URL(node);
  }

  #note({ method, url }) {
    if (method !== 'OPTIONS') this.asked.push(`${method} ${url.split('?')[0]}`);
  }

  #pass(incoming, outgoing, tries = this.nodes.length) {
    if (tries === this.nodes.length) this.#note(incoming);
    const own = this.answers[incoming.url];
    if (own) {
      json(incoming).then((body) => outgoing.setHeader('content-type', 'application/json').end(JSON.stringify(own(body))));
      return;
    }
    const isPage = this.pages && !incoming.url.startsWith('/api/');
    const { hostname, port } = isPage ? new URL(this.pages) : this.#next();
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      const held = this.holdsStreams && answer.headers['content-type']?.startsWith('text/event-stream');
      if (held) {
        answer.resume();
        return;
      }
      outgoing.writeHead(answer.statusCode, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    outgoing.on('close', () => onward.destroy());
    onward.on('error', (error) => {
      // A node that is down has not heard a byte: the next one may.
      if (error.code === 'ECONNREFUSED' && tries > 1) this.#pass(incoming, outgoing, tries - 1);
      else outgoing.destroy();
    });
    incoming.pipe(onward);
  }

  #upgrade(incoming, socket, head, tries = this.nodes.length) {
    if (tries === this.nodes.length) this.#note(incoming);
    if (this.upgrades === 'refuse') socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    if (this.upgrades !== 'pass') return;
    const { url, method, httpVersion, rawHeaders } = incoming;
    const { hostname, port } = this.#next();
    const onward = connect(Number(port), hostname, () => {
      const lines = rawHeaders.map((text, i) => (i % 2 ? `${text}\r\n` : `${text}: `));
      onward.write(`${method} ${url} HTTP/${httpVersion}\r\n${lines.join('')}\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    this.#keep(onward);
    onward.on('error', (error) => {
      if (error.code === 'ECONNREFUSED' && tries > 1) this.#upgrade(incoming, socket, head, tries - 1);
      else socket.destroy();
    });
    onward.on('close', () => { if (onward.bytesRead > 0) socket.destroy(); });
    socket.on('close', () => onward.destroy());
  }
}
