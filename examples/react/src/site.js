/** What the page knows of its surroundings, and the site's own back end. */

const { content: server, dataset: { pool } } = document.querySelector('meta[name="scanlogin"]');

/** The element <scan-login>, from the server itself, which keeps it up to date. */
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
