/** A load balancer without session affinity that can simulate misbehaving proxies. */
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';

/** @typedef {'pass' | 'refuse' | 'swallow'} Upgrades how WebSocket handshakes are handled */

export class Balancer {
  /** @type {string[]} addresses of the nodes; the first one gets the next request */
  nodes = [];
  /** Address of a server for the paths outside the API; '': the nodes serve all paths. */
  pages = '';
  /** @type {Record<string, (body: any) => object>} paths that the balancer answers itself, with JSON */
  answers = {};
  /** @type {Upgrades} */
  upgrades = 'pass';
  /** Event streams are buffered until they end, as some proxies do. */
  holdsStreams = false;
  /** All requests, for example `GET /api/v2/qrcode/check`. */
  asked = [];
  #sockets = new Set();

  static async open(sandbox) {
    const balancer = new Balancer();
    const server = createServer((incoming, outgoing) => balancer.#pass(incoming, outgoing));
    server.on('connection', (socket) => balancer.#keep(socket));
    server.on('upgrade', (incoming, socket, head) => balancer.#upgrade(incoming, socket, head));
    await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    sandbox.onClose(() => {
      server.close();
      balancer.cut();
    });
    balancer.address = `http://127.0.0.1:${server.address().port}`;
    return balancer;
  }

  /** The number of requests for a path. */
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

  /** Round robin. */
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
      // The node is down and has received nothing: try the next one.
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
