/** The page's configuration, and calls to the site's own back end. */

const { content: server, dataset: { pool } } = document.querySelector('meta[name="scanlogin"]');

/** The element <scan-login>, loaded from the server, so that both have the same version. */
export const element = import(/* @vite-ignore */ `${server}/scanlogin.js`);
export { pool };

export async function call(path, body) {
  const response = await fetch(path, {
    method: body ? 'POST' : 'GET',
    headers: body && { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}
