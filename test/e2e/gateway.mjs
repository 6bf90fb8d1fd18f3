/**
 * One address for the demo's pages and a node's interface, as a reverse proxy
 * gives them: so the demo's pages can be had with other settings than the demo's.
 */
import { createServer, request } from 'node:http';
import { connect } from 'node:net';

/** Which server a path is of: the node has the interface. */
function choose(path, demo, node) {
  return new URL(path.startsWith('/api/') ? node() : demo);
}

/**
 * Starts it; returns its address. `node` is asked for the node's address with
 * each request, so that the node may be started later and know the gateway's.
 */
export async function openGateway(house, demo, node) {
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
  house.atEnd(() => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return `http://127.0.0.1:${server.address().port}`;
}
