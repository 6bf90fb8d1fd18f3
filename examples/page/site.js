/** The login page of a site, without a framework. */
const login = document.querySelector('scan-login');
const hello = document.querySelector('section');
const alert = document.querySelector('[role="alert"]');
login.remove(); // the element starts when it is added to the page: only for visitors who are not logged in

/** Calls the site's own back end. */
async function call(path, body) {
  const response = await fetch(path, {
    method: body ? 'POST' : 'GET',
    headers: body && { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

function show(user) {
  if (user) login.remove();
  else hello.before(login);
  hello.hidden = !user;
  hello.querySelector('strong').textContent = user?.nickname ?? '';
  alert.textContent = '';
}

/** The back end accepts only tickets of codes that were shown in this session. */
let bound = Promise.resolve();
login.addEventListener('code', ({ detail }) => {
  console.info(`code ${detail.random}`);
  bound = call('/login/code', { random: detail.random });
});

login.addEventListener('confirmed', async ({ detail }) => {
  try {
    await bound;
    const logIn = () => call('/login', { ticket: detail.ticket });
    show(await logIn().catch(logIn)); // once more: after a late answer the ticket may still be valid
  } catch {
    alert.textContent = 'That did not work. Please try again.';
    login.start();
  }
});

hello.querySelector('button').addEventListener('click', async () => {
  await call('/logout', {});
  show(null);
});

show(await call('/me'));
