// A page with @authing/guard-react, as its README shows.
import { GuardProvider, useGuard } from '@authing/guard-react';
import '@authing/guard-react/dist/esm/guard.min.css';
import React, { useEffect } from 'react';
import ReactDOM from 'react-dom';

function Login() {
  const guard = useGuard();
  useEffect(() => globalThis.watchGuard(guard), [guard]);
  return <div id="guard" />;
}

ReactDOM.render(<GuardProvider {...globalThis.guardOptions}><Login /></GuardProvider>, document.getElementById('root'));
