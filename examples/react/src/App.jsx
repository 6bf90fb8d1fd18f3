import { useEffect, useRef, useState } from 'react';

import { call, pool } from './site.js';

export function App() {
  const [user, setUser] = useState(); // undefined: not known yet; null: not logged in
  useEffect(() => { call('/me').then(setUser); }, []);

  if (user === undefined) return <h1>Example</h1>;
  return (
    <>
      <h1>Example</h1>
      {user ? <Hello user={user} onLogout={() => setUser(null)} /> : <Login onLogin={setUser} />}
    </>
  );
}

function Login({ onLogin }) {
  const [problem, setProblem] = useState('');
  const bound = useRef(Promise.resolve());

  // The back end accepts only tickets of codes that were shown in this session.
  function note({ detail }) {
    console.info(`code ${detail.random}`);
    bound.current = call('/login/code', { random: detail.random });
  }

  async function logIn({ detail, target }) {
    try {
      await bound.current;
      const tryTicket = () => call('/login', { ticket: detail.ticket });
      onLogin(await tryTicket().catch(tryTicket)); // once more: after a late answer the ticket may still be valid
    } catch {
      setProblem('That did not work. Please try again.');
      target.start();
    }
  }

  return (
    <>
      <scan-login pool={pool} name="Example" oncode={note} onconfirmed={logIn} />
      <p role="alert">{problem}</p>
    </>
  );
}

function Hello({ user, onLogout }) {
  return (
    <section>
      <p>Hello, <strong>{user.nickname}</strong>!</p>
      <button type="button" onClick={() => call('/logout', {}).then(onLogout)}>Log out</button>
    </section>
  );
}
