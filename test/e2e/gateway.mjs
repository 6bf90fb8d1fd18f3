/**
 * A reverse proxy with one address for the demo's pages and a node's API, so that
 * the demo's pages can be used with other settings than the demo's.
 */
import { createServer, request } from 'node:http';
import { connect } from 'node:net';

/** The server for a path: the node serves the API. */
function choose(path, demo, node) {
  return new URL(path.startsWith('/api/') ? node() : demo);
}

/**
 * Starts the gateway and returns its address. `node` returns the node's address and
 * is called for each request, so that the node can be started later with the
 * gateway's address.
 */
export async function openGateway(sandbox, demo, node) {
  const server = createServer((incoming, outgoing) => {
    const { hostname, port } = choose(incoming.url, demo, node);
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  const sockets = new Set();
  server.on('connection', (socket) => sockets.add(socket));
  server.on('upgrade', ({ url, method, httpVersion, rawHeaders }, socket, head) => {
    const { hostname, port } = choose(url, demo, node);
    const onward = connect(Number(port), hostname, () => {
      const lines = rawHeaders.map((text, i) => (i % 2 ? `${text}\r\n` : `${text}: `));
      onward.write(`${method} ${url} HTTP/${httpVersion}\r\n${lines.join('')}\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    for (const [one, other] of [[socket, onward], [onward, socket]]) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    sockets.add(onward);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  sandbox.onClose(() => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return `http://127.0.0.1:${server.address().port}`;
}
