/*! scanlogin, Apache License 2.0. Generated from web/src/scanlogin.js by web/build.sh. Contains:

lean-qr 2.7.4, https://www.npmjs.com/package/lean-qr

MIT License

Copyright (c) 2021-2025 David Evans

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
 */
var L=class{#i;#e=!1;#t;constructor(e){this.#t=e}disconnected(){this.#i??=setTimeout(()=>{this.#e||(this.#e=!0,this.#t("offline"))},1500)}connected(){this.cancel(),this.#e&&(this.#e=!1,this.#t("online"))}cancel(){clearTimeout(this.#i),this.#i=void 0}};var Y=new Map([[1e3,"the server ended the login without a ticket"],[1008,"the server refused what this page sent"],[4404,"the server knows no such user pool"],[4403,`the origin of this page, ${globalThis.location?.origin}, is not in the user pool's origins`]]),u=1006,C=1012,w=1013,v=4408,U=2241,x=4e3,X=new Map([[2224,4404],[2247,4403],[2231,1008],[2241,U],[429,w],[503,w],[1e3,w]]),$=new Set(["confirmed","canceled","expired"]),K=new Set(["waiting","scanned",...$]),A=5;function R(i){try{let e=JSON.parse(`${i}`);return typeof e=="object"?e:void 0}catch{return}}var ce=6,le=1500,de=40,p=class extends Error{constructor(e){super(),this.code=e}},I=class{onmessage=null;onclose=null;readyState=1;#i;#e;#t;#n;#s=!1;#a=new AbortController;constructor(e,t,s,n,o){this.#i=e,this.#e=t,this.#t=n,this.#n=o,this.#h(s).catch(r=>this.#o(r instanceof p?r.code:u))}send(){this.#s=!0,this.#a.abort()}close(){this.readyState=3,this.#a.abort()}#o(e){this.readyState=3,this.onclose?.({code:e})}async#h(e){for(;this.readyState===1;){try{let t=e??await this.#m();await(this.#n?this.#d(t):this.#b(t))}catch(t){if(this.#s)this.#t--;else if(!(t instanceof p&&t.code===U))throw t;this.#s=!1}e=void 0}}async#m(){if(this.#t>=ce)throw new p(v);let e=await this.#l("gene",{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify(this.#e)}),{data:t}=await e.json();return this.#t++,this.#c({...t,event:"code"}),t}async#d(e){let{body:t}=await this.#l(`events?${this.#r(e)}`,{headers:{"x-browser-key":e.browserKey}},x),s=t.getReader(),n=new TextDecoder,o=u;for(let r="";;){let{done:a,value:h}=await this.#f(de,s.read(),u);if(a)throw new p(o);let c=`${r}${n.decode(h,{stream:!0})}`.split(`

`);r=c.pop()??"";for(let l of c){l.startsWith("retry:")&&(o=C);let f=this.#c(R(l.match(/^data: (.*)$/m)?.[1]));if(f)return f}}}async#b(e){for(;;){let t=await this.#l(`check?${this.#r(e)}`,{headers:{"x-browser-key":e.browserKey}}),s=this.#c((await t.json()).data);if(s)return s;await new Promise((n,o)=>{setTimeout(n,le),this.#a.signal.onabort=o})}}#r({random:e}){let{request:t}=this.#e;return new URLSearchParams({random:e,...t&&{request:t}})}async#l(e,t,s=u){this.#a=new AbortController;let{signal:n}=this.#a,o=await this.#f(A,fetch(this.#i+e,{...t,signal:n,credentials:this.#e.request?"same-origin":"omit"}),s);if(o.ok&&o.status!==204)return o;let{code:r=o.status}=await o.json().catch(()=>({}));throw new p(X.get(r)??u)}#f(e,t,s){let n=this.#a,o=setTimeout(()=>n.abort(new p(s)),e*1e3);return t.finally(()=>clearTimeout(o))}#c(e){if(!(!e||this.readyState!==1))return this.onmessage?.({data:JSON.stringify(e)}),$.has(e.event)?e.event:void 0}};var[g,D,fe]=[0,1,2],ue=3,pe=30,N=class{#i=g;#e=!1;#t=0;#n;#s;constructor(e,t){this.#n=e,this.#s=t}open(e,t){if(this.#i!==g)return new I(this.#n,this.#s,e,t,this.#i===D);let s=new URL(`${this.#n.replace("http","ws")}ws?${new URLSearchParams(this.#s)}`),n=["scanlogin.v1"];return e&&(s.searchParams.set("random",e.random),n.push(`key.${e.browserKey}`)),new WebSocket(s,n)}succeeded(){this.#e||=this.#i===g,this.#t=0}reset(){this.#t=0}failed(e){return(this.#i===g?!this.#e||this.#t>=ue:this.#i===D&&e)?(this.#i=this.#i===g?D:fe,0):(this.#i=g,this.nextPause())}nextPause(){return Math.min(pe,2**this.#t++)*(.5+Math.random()/2)}};var me=15,ge=5,be=5,we=.5,ve=EventTarget;function m(){return globalThis.document?.hidden??!1}var k=class extends ve{#i;#e;#t;#n=!1;#s;#a=0;#o=!1;#h="waiting";#m=0;#d=0;#b=new L(e=>this.#w(e,null));#r=!1;#l=0;#f=!1;#c=0;#v=0;#u=0;constructor({server:e=new URL(".",import.meta.url),pool:t,codeChallenge:s="",request:n=""}){super(),this.#i=`${e}`.replace(/\/*$/,"/api/v2/qrcode/"),this.#e=new N(this.#i,{userPoolId:t,codeChallenge:s,...n&&{request:n}})}get remaining(){return Math.max(0,(this.#d-performance.now())/1e3)}start(){this.stop(),globalThis.addEventListener?.("online",this.#y),globalThis.addEventListener?.("offline",this.#R),globalThis.document?.addEventListener("visibilitychange",this.#k),m()?this.#S():this.#L()}stop(){globalThis.removeEventListener?.("online",this.#y),globalThis.removeEventListener?.("offline",this.#R),globalThis.document?.removeEventListener("visibilitychange",this.#k),this.#r=!1,this.#p(!0),this.#C(),this.#e.reset(),this.#s=void 0,this.#d=this.#a=0}refresh(){if(!this.#o){if(!this.#s||this.#t?.readyState!==1){this.start();return}this.#o=!0,this.#t.send('{"action":"refresh"}'),this.#I(0)}}#L(){this.#u=0,this.#r=this.#n=!1,this.#m=0,this.#b.disconnected();let e=this.#t=this.#e.open(this.#s,this.#a);this.#c=setTimeout(()=>this.#x(this.#e.failed(!0)),A*1e3),e.onmessage=({data:t})=>this.#z(t),e.onclose=({code:t,reason:s})=>this.#A(t,s)}#p(e){clearTimeout(this.#c),clearTimeout(this.#v),this.#o=!1;let t=this.#t;this.#t=void 0,t&&(t.onmessage=t.onclose=null,e&&!t.readyState?t.onopen=()=>t.close():t.close())}#C(){clearTimeout(this.#u),this.#u=0,this.#b.cancel()}#A(e,t){let s=Y.get(e);s?(this.stop(),this.#w("error",{reason:t||s,closeCode:e})):e===v&&this.#f?(this.#f=!1,this.start()):e===v?(this.stop(),this.#w("exhausted",null)):e===C?this.#x(Math.random()*ge):e!==x&&(e===w||this.#n)?this.#x(this.#e.nextPause()):this.#x(this.#e.failed(e===x))}#x(e){if(this.#o&&(this.#s=void 0),this.#p(),m()&&this.remaining===0){this.#S();return}this.#b.disconnected(),this.#u=setTimeout(()=>this.#L(),e*1e3)}#y=()=>{m()||(this.#o&&(this.#s=void 0),this.#p(),clearTimeout(this.#u),this.#L())};#R=()=>{this.#t&&this.#x(this.#e.nextPause())};#S(){this.#p(),this.#C(),this.#r=!0}#k=()=>{m()?(this.#l=Date.now(),this.#N()):(this.#r||this.#u||Date.now()-this.#l>be*1e3)&&(this.#f=!0,this.#y())};#I(e){clearTimeout(this.#c),this.#c=setTimeout(()=>this.#A(u),(e+me)*1e3),this.#N()}#N(){if(clearTimeout(this.#v),!m())return;let e=Math.max(0,this.remaining-we);this.#v=setTimeout(()=>m()&&this.#S(),e*1e3)}#z(e){let t=R(e);t&&(this.#M(),t.event==="code"?this.#O(t):K.has(t.event)&&this.#g(t))}#M(){this.#n=!0,this.#f=!1,this.#e.succeeded(),this.#b.connected()}#O({random:e,url:t,payload:s,appLink:n,customLogo:o,brandColor:r,expiresIn:a,browserKey:h,version:c=0}){this.#o||this.#a++;let l=`${this.#i}image/${e}.svg`;this.#s={random:e,url:t,svg:l,payload:s,appLink:n,customLogo:o,brandColor:r,expiresIn:a,browserKey:h},this.#o=!1,this.#h="waiting",this.#m=c,this.#T(a),this.#w("code",this.#s)}#g(e){if(!(e.random!==this.#s?.random||e.version<this.#m)){if(this.#m=e.version,this.#T(e.expiresIn),this.#o){e.event==="confirmed"&&this.start();return}e.event!==this.#h&&(this.#h=e.event,e.event==="waiting"?this.#w("code",this.#s):e.event==="confirmed"?this.#E(this.#s,e):(e.event!=="scanned"&&m()&&this.#S(),this.#w(e.event,e)))}}#E({random:e,browserKey:t},{ticket:s,redirect:n,userInfo:o}){this.stop(),s||n?this.#w("confirmed",{ticket:s,redirect:n,random:e,browserKey:t,userInfo:o}):this.#w("error",{reason:"the ticket is used, or this browser was not recognised",closeCode:1e3})}#T(e){this.#d=performance.now()+e*1e3,this.#I(e)}#w(e,t){this.dispatchEvent(new CustomEvent(e,{detail:t}))}};var Q=`/* The element. A code is black on white; the rest is as light or dark as the page. */
:host { display: block; }
:host([hidden]), [hidden] { display: none !important; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
*, ::before { box-sizing: border-box; }
p { margin: 0; text-wrap: balance; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[tabindex="-1"]:focus { outline: none; }

.base {
  --ink: var(--scan-login-ink, light-dark(#16201b, #edf2ef));
  --soft: var(--scan-login-soft, light-dark(#59655f, #9daaa3));
  --line: var(--scan-login-line, light-dark(#dde3df, #2b3630));
  --accent: var(--scan-login-accent, light-dark(var(--brand, #0b6e4f), var(--brand-dark, #62d2a6)));
  --accent-ink: var(--scan-login-accent-ink, light-dark(#fff, #05271a));
  --alarm: var(--scan-login-alarm, light-dark(#a8321f, #f49a85));
  display: grid;
  justify-items: center;
  gap: 1rem;
  width: min(100%, var(--width, var(--scan-login-size, 17.5rem)));
  margin-inline: auto;
  color: var(--ink);
  line-height: 1.5;
  text-align: center;
}
/* The pool's color. The mix for dark pages has a contrast of at least 5.5:1 for every color. */
.branded {
  --brand-dark: color-mix(in srgb, var(--brand) 40%, #fff);
  --brand-tint: color-mix(in srgb, var(--brand) 10%, #fff);
}
.frame {
  position: relative;
  width: 100%;
  aspect-ratio: 1;
  padding: 10px;
  border-radius: var(--scan-login-radius, 1.375rem);
  background: #fff content-box;
}
.frame::before {
  content: "";
  position: absolute;
  inset: 0;
  border: 3px solid var(--scan-login-frame, var(--accent));
  border-radius: inherit;
  pointer-events: none;
  --corner: conic-gradient(#000 0 0);
  mask: var(--corner) 0 0, var(--corner) 100% 0, var(--corner) 0 100%, var(--corner) 100% 100%;
  mask-size: 1.75rem 1.75rem;
  mask-repeat: no-repeat;
}
.wait { position: absolute; inset: 1.5rem; border-radius: 0.75rem; background: #dde3df; animation: breathe 1.6s ease-in-out infinite alternate; }
/* The canvas reaches under the padding, for codes that need the space at small sizes; see picture.js. */
.code { position: absolute; inset: 3px; transition: opacity 0.25s, filter 0.25s; }
.canvas { position: absolute; inset: 0; width: 100%; height: 100%; image-rendering: pixelated; }
.logo { position: absolute; object-fit: contain; }
.fallback { position: absolute; inset: 0; width: 100%; height: 100%; padding: 7px; background: #fff content-box; }
.code.dim { opacity: 0.12; filter: blur(4px); }
.over {
  position: absolute;
  inset: 1rem;
  display: flex;
  flex-direction: column;
  align-items: center;
  justify-content: center;
  gap: 0.25rem;
  color-scheme: light;
  color: #16201b;
  animation: appear 0.3s ease-out;
}
.avatar {
  position: relative;
  display: grid;
  place-items: center;
  width: 5rem;
  height: 5rem;
  margin-bottom: 0.5rem;
  border-radius: 50%;
  background: var(--brand-tint, #e7f3ee);
  color: var(--brand, #0b6e4f);
  font-size: 2rem;
  font-weight: 600;
}
.avatar img { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 50%; object-fit: cover; }
.check {
  position: absolute;
  right: -0.375rem;
  bottom: -0.25rem;
  width: 2rem;
  border: 3px solid #fff;
  border-radius: 50%;
  background: var(--brand, #0b6e4f);
  color: #fff;
  font-size: 1.125rem;
  line-height: 1.625rem;
}
.check::before { content: "\u2713"; }
.match { color: var(--brand, #0b6e4f); font-size: 4rem; font-weight: 600; line-height: 1; }
.nickname { max-width: 100%; font-size: 1.125rem; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.button, .link {
  min-height: 2.75rem;
  padding: 0.5rem 1.25rem;
  border: 0;
  border-radius: 0.875rem;
  background: var(--accent);
  color: var(--accent-ink);
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
.button:hover, .link:hover { filter: brightness(1.1); }
.button.quiet { margin-top: 0.5rem; padding: 0.25rem 0.5rem; background: none; color: var(--brand, #0b6e4f); font-size: 0.875rem; }
.button.quiet:hover { text-decoration: underline; text-underline-offset: 0.2em; }
.link { display: none; align-items: center; text-decoration: none; }
.status { min-height: 1.5em; font-weight: 600; }
.offline .status { color: var(--alarm); }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.time { width: 100%; color: var(--soft); font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.time.away { visibility: hidden; }
.progress { height: 4px; margin-bottom: 0.625rem; border-radius: 2px; background: var(--line); overflow: hidden; }
.bar { display: block; height: 100%; border-radius: inherit; background: var(--accent); transform-origin: left; transition: transform 0.5s linear; }
@media (pointer: coarse), (max-width: 30rem) { .link { display: inline-flex; } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
@keyframes appear { from { opacity: 0; transform: scale(0.96); } }
@keyframes breathe { to { opacity: 0.4; } }
`;var M;function J(){return M||(M=new CSSStyleSheet,M.replaceSync(Q)),M}function d(i,e,...t){let s=document.createElement(i);return s.className=e,s.part.value=e,s.append(...t),s}function Z(i){let e=Math.ceil(i);return`${Math.floor(e/60)}:${`${e%60}`.padStart(2,"0")}`}function ee(i){return URL.canParse(i)?/^(javascript|data|blob|file|vbscript|about):$/.test(new URL(i).protocol)?"":i:""}var Ee=[.2,.375,.5555555555555556,.6666666666666666],ke=(i,e)=>t=>{let s=4*i+t-4,n="*-04-39?2$%%$%%'$%''%'''%')(%'))%(++'(++'(+.'+-.',/3',33)-/5)-43).36)058*18<+37<+4:<,4:E,5<A-7>C/8@F/:EH/<EK0=FM1?IP2@KS3BNV4DPY5FS\\6HV_6IXb7K[e8N^i9Pam;Rdp<Tgt".charCodeAt(s)-35,o=s>8?n:1,r=e/o|0,a=e%o,h=o-a,c=s>8?r*Ee[t]+(i>5)&-2:n,l=r-c;return{t:h*l+a*l+a,o:[[h,l],[a,l+1]],l:c}},H={L:0,M:1,Q:2,H:3},b=i=>new Uint8Array(i),G=i=>{let e=new Error(`lean-qr error ${i}`);throw e.code=i,e},B=(i,e=i*i,t=b(e))=>({size:i,i:t,get:(s,n)=>s>=0&&s<i&&!!(1&t[n*i+s]),u(s,{on:n=[0,0,0],off:o=[0,0,0,0],pad:r=4,padX:a=r,padY:h=r}={}){let c=i+2*a,l=i+2*h,f=s.createImageData(c,l),F=new Uint32Array(f.data.buffer);f.data.set([...n,255]);let ae=F[0];f.data.set([...o,255]);let he=F[0];for(let S=0;S<l;++S)for(let T=0;T<c;++T)F[S*c+T]=this.get(T-a,S-h)?ae:he;return f},toCanvas(s,n){let o=s.getContext("2d"),r=this.u(o,n);s.width=r.width,s.height=r.height,o.putImageData(r,0,0)}}),ye=[(i,e)=>1&(i^e),(i,e)=>1&e,i=>i%3,(i,e)=>(i+e)%3,(i,e)=>1&(i/3^e>>1),(i,e)=>(i&e&1)+i*e%3,(i,e)=>(i&e)+i*e%3&1,(i,e)=>(i^e)+i*e%3&1],O=b(511);for(let i=0,e=1;i<255;e=2*e^285*(e>127))O[O[e+255]=i++]=e;var ie=i=>O[i%255],se=i=>O[i+255],Se=(i,e)=>{let t=b(i.length+e.length-1);for(let s=0;s<i.length;++s)for(let n=0;n<e.length;++n)t[s+n]^=ie(i[s]+e[n]);return t.map(se)},Te=(i,e)=>{let t=b(i.length+e.length-1);t.set(i,0);for(let s=0;s<i.length;++s)if(t[s]){let n=se(t[s]);for(let o=0;o<e.length;++o)t[s+o]^=ie(e[o]+n)}return t.slice(i.length)},q=[[0],[0,0]];for(let i=1;i<30;++i)q.push(Se(q[i],[0,i]));var Le=(i,e)=>{let t=[[],[]],s=0,n=0;for(let[r,a]of e.o)for(let h=0;h<r;++h,s+=a){let c=i.slice(s,s+a);t[0].push(c),t[1].push(Te(c,q[e.l])),n+=a+e.l}let o=b(n);n=0;for(let r of t)for(let a=0,h=-1;h<n;++a){h=n;for(let c of r)a<c.length&&(o[n++]=c[a])}return o},ne=(i,e,t)=>{let s=i<<=t;for(let n=134217728;n>>=1;)s&n&&(s^=e*(n>>t));return s|i},Ce=({size:i,i:e},t)=>{let s=(r,a,h,c)=>{for(;h-- >0;r+=i)e.fill(c,r,r+a)},n=(r,a,h)=>{for(let c=0;c++<3;h-=2)s(a*i+r-(h>>1)*(i+1),h,h,2|c)},o=2*((i-13)/(1+(t/7|0))/2+.75|0);if(t>1)for(let r=i-7;r>8;r-=o){for(let a=r;a>8;a-=o)n(r,a,5);r<i-7&&n(r,6,5)}if(t>6)for(let r=ne(t,7973,12),a=1;a<7;++a)for(let h=12;h-- >9;r>>=1)e[a*i-h]=2|1&r;s(7,2,9,2),s(i-8,8,9,2);for(let r=0;r<i;++r)e[6*i+r]=3^1&r;n(3,3,7),n(i-4,3,7);for(let r=0;r<i;++r)for(let a=r;a<i;++a)e[a*i+r]=e[r*i+a];e[(i-8)*i+8]=3},Ae=({size:i,i:e})=>{let t=[];for(let s=i-2,n=i,o=-1;s>=0;s-=2){for(s===5&&(s=4);n+=o,n!==-1&&n!==i;){let r=n*i+s;e[r+1]||t.push(r+1),e[r]||t.push(r)}o*=-1}return t},Re=({i},e,t)=>e.forEach((s,n)=>i[s]=t[n>>3]>>(7&~n)&1),Ie=({size:i,i:e},t,s,n)=>{for(let r=0;r<i;++r)for(let a=0;a<i;++a){let h=r*i+a;e[h]^=!(t(a,r)||2&e[h])}let o=21522^ne((1^n)<<3|s,1335,10);for(let r=0;r++<8;o>>=1)e[(r-(r<7))*i+8]=1&o,e[9*i-r]=1&o;for(let r=8;--r,o;o>>=1)e[8*i+r-(r<7)]=1&o,e[(i-r)*i+8]=1&o},Ne=({size:i,i:e},t=0,s=0)=>{for(let n=0;n<i;++n){for(let o=0;o<2;++o)for(let r,a=0,h=0,c=2;a<i;++a){let l=1&e[o?n*i+a:a*i+n];s+=l,h=(h>>1|2098176)&(3047517^l-1),2049&h&&(t+=40),l^c&&(r=0),c=l,t+=++r===5?3:r>5}if(n)for(let o=i+n,r=5*e[n-1]^e[n];o<i*i;o+=i){let a=5*e[o-1]^e[o];t+=3*!(1&(r|a)|4&(r^a)),r=a}}return t+10*(10*Math.abs(s/(i*i)-1)|0)},te=[],re=(i=G(1),{minCorrectionLevel:e=0,minVersion:t=1}={})=>{typeof i!="string"&&G(5),i=new TextEncoder().encode(i);let s=b(2957);s.set([113,164,i.length>>8]);for(let n=t;n<41;++n){let o=te[n];o||(te[n]=o=B(4*n+17),Ce(o,n),o.p=Ae(o));let r=ke(n,o.p.length>>3)(e);if(r.t>=3+(n>9)+i.length){let a=n>9?3:2;for(s[a++]=i.length,s.set(i,a),a+=i.length-1;a<2954;s.set([236,17],a+=2));let h=B(o.size,o.i);return Re(h,o.p,Le(s,r)),ye.map((c,l)=>{let f=B(h.size,h.i);return Ie(f,c,l,e),f.s=Ne(f),f}).sort((c,l)=>c.s-l.s)[0]}}G(4)};var V=4,Me=2,Oe=1/4;function oe(i,e,t){let s=i+2*V,n=Math.max(1,Math.floor((e-2*t)/s)),o=Math.max(e,n*s);return{canvas:o,scale:n,origin:Math.floor((o-n*s)/2)+n*V}}var z=class{#i=new Map;#e;constructor(e){this.#e=e}draw(e,{available:t,margin:s,ratio:n,logo:o}){let r=o!=="none",a=this.#t(r),h=oe(a.size,t,s);r&&h.scale<Me*n&&(r=!1,a=this.#t(!1),h=oe(a.size,t,s)),e.width=e.height=h.canvas;let c=e.getContext("2d");if(!c)throw new Error("no canvas");if(Pe(c,a,h),!r)return;let l=ze(a.size*Oe)*h.scale,f=h.origin+(a.size*h.scale-l)/2;return o==="ready"&&(c.fillStyle="#fff",c.fillRect(f,f,l,l)),{start:f,side:l,padding:h.scale/2}}#t(e){let t=e?H.H:H.M,s=this.#i.get(t)??re(this.#e,{minCorrectionLevel:t});return this.#i.set(t,s),s}};function ze(i){return 2*Math.floor((i+1)/2)-1}function Pe(i,e,{scale:t,origin:s}){let n=V*t,o=e.size*t+2*n;i.fillStyle="#fff",i.fillRect(s-n,s-n,o,o),i.fillStyle="#000";for(let r=0;r<e.size;r++)for(let a=0;a<e.size;a++)e.get(a,r)&&i.fillRect(s+a*t,s+r*t,t,t)}var _e=7,Fe=2e3,P=class{#i=d("canvas","canvas");#e=d("img","logo");#t=d("img","fallback");element=d("div","code",this.#i,this.#e,this.#t);#n;#s;#a=0;#o="none";#h;#m;constructor(e){this.#m=e,this.element.role="img",this.#e.alt=this.#t.alt="",this.#e.hidden=this.#t.hidden=!0,this.#e.referrerPolicy="no-referrer",this.#e.addEventListener("load",()=>this.#d("ready")),this.#e.addEventListener("error",()=>{this.#o="none"}),this.#t.addEventListener("load",()=>this.#v()),this.#t.addEventListener("error",()=>this.#c()),this.#b()}set label(e){this.element.ariaLabel=e}get hasCode(){return this.#n!==void 0}get isVisible(){return this.#h!==void 0}get isStale(){return this.isVisible&&this.#h!==this.#n}show(e){this.#n=e,this.#s=new z(e.payload),this.#r()}clear(){this.#n=this.#s=this.#h=void 0,this.#i.width=0,this.#t.hidden=!0,this.#t.removeAttribute("src")}setLogo(e){if(e){if(this.#e.getAttribute("src")===e)return;this.#d("loading"),this.#e.src=e}else this.#e.removeAttribute("src"),this.#d("none")}#d(e){this.#o=e,this.#r()}#b(){let e=new ResizeObserver(([{contentRect:t,devicePixelContentBoxSize:s}])=>{let n=Math.round(t.width*devicePixelRatio),o=Math.min(s?.[0].inlineSize??n,s?.[0].blockSize??n);this.#a=Math.abs(o-n)>1?n:o,this.#r()});try{e.observe(this.#i,{box:"device-pixel-content-box"})}catch{e.observe(this.#i)}}#r(){if(!(!this.#s||!this.#a))try{let e=this.#s.draw(this.#i,{available:this.#a,margin:Math.round(_e*devicePixelRatio),ratio:devicePixelRatio,logo:this.#o});this.#l(e),this.#t.hidden=!0,this.#v()}catch{this.#f()}}#l(e){if(this.#e.hidden=this.#o!=="ready"||!e,!e)return;let{style:t}=this.#e;t.left=t.top=`${e.start/devicePixelRatio}px`,t.width=t.height=`${e.side/devicePixelRatio}px`,t.padding=`${e.padding/devicePixelRatio}px`}#f(){this.#e.hidden=!0,this.#t.hidden=!1;let{svg:e=""}=this.#n??{};this.#t.getAttribute("src")!==e&&(this.#t.src=e)}#c(){let{src:e}=this.#t;setTimeout(()=>{this.#t.src===e&&!this.#t.hidden&&(this.#t.src=e)},Fe)}#v(){this.#h=this.#n,this.#m()}};var j={alt:"QR code to log in",altTo:"QR code to log in to {name}",loading:"Getting a code\u2026",scan:"Scan the code with your app",newCodeIn:"New code in {time}",openApp:"Open in the app",scannedBy:"Scanned by {name}.",confirm:"Confirm in your app",match:"Enter {number} in your app",timeLeft:"{time} left",notYou:"Not you? Get a new code",hereIsNewCode:"Here is a new code.",canceled:"Canceled.",canceledNewCode:"Canceled. Here is a new code.",renewing:"Getting a new code\u2026",exhausted:"Still there?",newCode:"Show a new code",confirmed:"Logging in\u2026",offline:"Connection lost. Trying again\u2026",failed:"Something went wrong."},Ue={alt:"\u767B\u5F55\u4E8C\u7EF4\u7801",altTo:"\u767B\u5F55 {name} \u7684\u4E8C\u7EF4\u7801",loading:"\u6B63\u5728\u83B7\u53D6\u4E8C\u7EF4\u7801\u2026",scan:"\u8BF7\u7528 App \u626B\u63CF\u4E8C\u7EF4\u7801",newCodeIn:"{time} \u540E\u66F4\u65B0",openApp:"\u5728 App \u4E2D\u6253\u5F00",scannedBy:"{name} \u5DF2\u626B\u7801\u3002",confirm:"\u8BF7\u5728 App \u4E2D\u786E\u8BA4\u767B\u5F55",match:"\u8BF7\u5728 App \u4E2D\u8F93\u5165 {number}",timeLeft:"\u5269\u4F59 {time}",notYou:"\u4E0D\u662F\u4F60\uFF1F\u6362\u4E00\u4E2A\u4E8C\u7EF4\u7801",hereIsNewCode:"\u4E8C\u7EF4\u7801\u5DF2\u66F4\u65B0\u3002",canceled:"\u5DF2\u53D6\u6D88\u3002",canceledNewCode:"\u5DF2\u53D6\u6D88\uFF0C\u4E8C\u7EF4\u7801\u5DF2\u66F4\u65B0\u3002",renewing:"\u6B63\u5728\u83B7\u53D6\u65B0\u7684\u4E8C\u7EF4\u7801\u2026",exhausted:"\u8FD8\u5728\u5417\uFF1F",newCode:"\u663E\u793A\u65B0\u7684\u4E8C\u7EF4\u7801",confirmed:"\u6B63\u5728\u767B\u5F55\u2026",offline:"\u8FDE\u63A5\u5DF2\u65AD\u5F00\uFF0C\u6B63\u5728\u91CD\u8BD5\u2026",failed:"\u51FA\u9519\u4E86\u3002"},_={en:j,zh:Ue};var $e=500,De=["code","scanned","confirmed","canceled","expired","exhausted","error","offline","online"],Ge=globalThis.HTMLElement??class{},y=class extends Ge{static observedAttributes=["server","pool","request","code-challenge","lang","size","theme","name","logo"];#i;#e="idle";#t="loading";#n="scan";#s=!1;#a=1;#o="";#h="";#m="";#d;#b=d("div","wait");#r=new P(()=>this.#T());#l=d("div","avatar");#f=d("span","check");#c=d("p","match");#v=d("p","nickname");#u=d("button","button");#L=d("div","over",this.#l,this.#c,this.#v,this.#u);#p=d("a","link");#C=d("span","spoken");#A=d("span","sentence");#x=d("p","status",this.#C,this.#A);#y=d("span","bar");#R=d("p","countdown");#S=d("div","time",d("div","progress",this.#y),this.#R);#k=d("div","base",d("div","frame",this.#b,this.#r.element,this.#L),this.#p,this.#x,this.#S);constructor(){super();let e=this.attachShadow({mode:"open"});e.adoptedStyleSheets=[J()],this.#x.role="status",this.#x.tabIndex=-1,this.#f.ariaHidden=this.#y.ariaHidden="true",this.#u.type="button",this.#u.addEventListener("click",()=>this.#I()),this.#p.rel="noopener noreferrer",e.append(this.#k)}get state(){return this.#e}start(){this.#i?.stop(),this.#i=void 0,this.#s=!1,this.#n="scan",this.#r.clear(),this.#g("loading","loading");let e=this.getAttribute("pool");if(!e)return;let t=this.getAttribute("server"),s=new k({server:t?new URL(t,document.baseURI):void 0,pool:e,codeChallenge:this.getAttribute("code-challenge")??"",request:this.getAttribute("request")??""});this.#i=s;for(let n of De)s.addEventListener(n,({detail:o})=>this.#N(n,o));clearInterval(this.#d),this.#d=setInterval(()=>this.#w(),$e),s.start()}stop(){this.#i?.stop(),this.#i=void 0,this.#s=!1,clearInterval(this.#d),this.#r.clear(),this.#g("idle","scan")}refresh(){if(!this.#i||this.#e==="confirmed"){this.start();return}this.#n="hereIsNewCode",this.#g("renewing","renewing"),this.#i.refresh()}connectedCallback(){this.#i||this.start()}disconnectedCallback(){queueMicrotask(()=>{this.isConnected||this.stop()})}attributeChangedCallback(e,t,s){if(t!==s){if(/^(server|pool|request|code)/.test(e)){this.isConnected&&this.start();return}if(e==="logo")this.#M();else if(e==="size"){let n=Number(s);this.#k.style.setProperty("--width",n>0?`${n}px`:"")}this.#T()}}#I(){this.#e==="scanned"?this.refresh():this.start(),this.#x.focus()}#N(e,t){switch(e){case"code":this.#a=Math.max(1,t.expiresIn),this.#z(t),this.#g("waiting",this.#n),this.#n="scan";break;case"scanned":this.#a=Math.max(1,t.expiresIn),this.#O(t.userInfo),this.#h=t.matchCode??"",this.#g("scanned",this.#h?"match":"confirm");break;case"confirmed":this.#O(t.userInfo),this.#g("confirmed","confirmed");break;case"canceled":this.#n="canceledNewCode",this.#g("renewing","canceled");break;case"expired":this.#g("renewing","renewing");break;case"exhausted":this.#g("exhausted",this.#n==="canceledNewCode"?"canceled":"exhausted");break;case"error":console.error(`scan-login: ${t.reason}`),this.#g("failed","failed");break;default:this.#s=e==="offline",this.#T()}this.dispatchEvent(new CustomEvent(e,{detail:t}))}#z(e){let{payload:t,appLink:s,customLogo:n="",brandColor:o=""}=e;this.#m=n,this.#k.classList.toggle("branded",o!==""),this.#k.style.setProperty("--brand",o),this.#M(),this.#r.show(e);let r=ee(s||t);r?this.#p.href=r:this.#p.removeAttribute("href"),this.#p.target=r.startsWith("http")?"_blank":""}#M(){let e=this.getAttribute("logo");this.#r.setLogo(e===""?this.#m:e??"")}#O({nickname:e="",photo:t}){this.#o=e;let[s="?"]=e;if(this.#l.replaceChildren(s.toUpperCase()),t){let n=d("img","photo");n.alt="",n.referrerPolicy="no-referrer",n.addEventListener("error",()=>n.remove()),n.src=t,this.#l.append(n)}this.#l.append(this.#f)}#g(e,t){this.#e=e,this.#t=t,this.#T()}#E(e,t={}){let s=this.lang||this.closest("[lang]")?.getAttribute("lang")||navigator.language;return(_[s]?.[e]??_[s.split("-")[0].toLowerCase()]?.[e]??j[e]).replace(/\{(\w+)\}/g,(o,r)=>t[r]??"")}#T(){let e=this.#e,t=["exhausted","failed","idle"].includes(e),s=e==="scanned"||e==="confirmed";this.#k.dataset.state=e,this.#k.classList.toggle("offline",this.#s);let n=this.getAttribute("name")??"";this.#r.label=this.#E(n?"altTo":"alt",{name:n}),this.#r.element.hidden=!this.#r.hasCode,this.#b.hidden=t||s||this.#r.isVisible,this.#L.hidden=!s&&!t,this.#v.hidden=!s,this.#c.hidden=e!=="scanned"||!this.#h,this.#c.textContent=this.#h,this.#l.hidden=!s||!this.#c.hidden,this.#f.hidden=e!=="confirmed",this.#v.textContent=this.#o,this.#u.hidden=!t&&e!=="scanned",this.#u.classList.toggle("quiet",!t),this.#u.textContent=this.#E(t?"newCode":"notYou"),this.#p.hidden=e!=="waiting"||!this.#p.href,this.#p.textContent=this.#E("openApp"),this.#A.textContent=this.#E(this.#s?"offline":this.#t,{number:this.#h}),this.#C.textContent=e==="scanned"&&!this.#s?this.#E("scannedBy",{name:this.#o||"?"}):"",this.#S.classList.toggle("away",e!=="waiting"&&e!=="scanned"),this.#w()}#w(){let e=this.#i?.remaining??0,t=Z(e);this.#r.element.classList.toggle("dim",this.#e!=="waiting"||e===0||this.#r.isStale),this.#y.style.transform=`scaleX(${Math.min(1,e/this.#a)})`,this.#R.textContent=this.#e==="scanned"?this.#E("timeLeft",{time:t}):e>0?this.#E("newCodeIn",{time:t}):this.#E("renewing")}};globalThis.customElements&&!customElements.get("scan-login")&&customElements.define("scan-login",y);export{k as ScanLogin,y as ScanLoginElement,_ as words};
