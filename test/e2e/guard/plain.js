// A page with @authing/guard, as its README shows.
import { Guard } from '@authing/guard';
import '@authing/guard/dist/esm/guard.min.css';

document.getElementById('root').innerHTML = '<div id="guard"></div>';
globalThis.watchGuard(new Guard(globalThis.guardOptions));
