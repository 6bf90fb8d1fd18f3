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
var L=class{#i;#e=!1;#t;constructor(e){this.#t=e}disconnected(){this.#i??=setTimeout(()=>{this.#e||(this.#e=!0,this.#t("offline"))},1500)}connected(){this.cancel(),this.#e&&(this.#e=!1,this.#t("online"))}cancel(){clearTimeout(this.#i),this.#i=void 0}};var q=new Map([[1e3,"the server ended the login without a ticket"],[1008,"the server refused what this page sent"],[4404,"the server knows no such user pool"],[4403,`the origin of this page, ${globalThis.location?.origin}, is not in the user pool's origins`]]),p=1006,C=1012,w=1013,v=4408,$=2241,x=4e3,X=new Map([[2224,4404],[2247,4403],[2231,1008],[2241,$],[429,w],[503,w],[1e3,w]]),U=new Set(["confirmed","canceled","expired"]),K=new Set(["waiting","scanned",...U]),A=5;function R(i){try{let e=JSON.parse(`${i}`);return typeof e=="object"?e:void 0}catch{return}}var ce=6,le=1500,de=40,u=class extends Error{constructor(e){super(),this.code=e}},I=class{onmessage=null;onclose=null;readyState=1;#i;#e;#t;#n;#s=!1;#a=new AbortController;constructor(e,t,s,n,r){this.#i=e,this.#e=t,this.#t=n,this.#n=r,this.#h(s).catch(o=>this.#r(o instanceof u?o.code:p))}send(){this.#s=!0,this.#a.abort()}close(){this.readyState=3,this.#a.abort()}#r(e){this.readyState=3,this.onclose?.({code:e})}async#h(e){for(;this.readyState===1;){try{let t=e??await this.#u();await(this.#n?this.#l(t):this.#g(t))}catch(t){if(this.#s)this.#t--;else if(!(t instanceof u&&t.code===$))throw t;this.#s=!1}e=void 0}}async#u(){if(this.#t>=ce)throw new u(v);let e=await this.#o("gene",{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify(this.#e)}),{data:t}=await e.json();return this.#t++,this.#c({...t,event:"code"}),t}async#l(e){let{body:t}=await this.#o(`events?random=${e.random}`,{headers:{"x-browser-key":e.browserKey}},x),s=t.getReader(),n=new TextDecoder,r=p;for(let o="";;){let{done:a,value:h}=await this.#d(de,s.read(),p);if(a)throw new u(r);let c=`${o}${n.decode(h,{stream:!0})}`.split(`

`);o=c.pop()??"";for(let l of c){l.startsWith("retry:")&&(r=C);let f=this.#c(R(l.match(/^data: (.*)$/m)?.[1]));if(f)return f}}}async#g(e){for(;;){let t=await this.#o(`check?random=${e.random}`,{headers:{"x-browser-key":e.browserKey}}),s=this.#c((await t.json()).data);if(s)return s;await new Promise((n,r)=>{setTimeout(n,le),this.#a.signal.onabort=r})}}async#o(e,t,s=p){this.#a=new AbortController;let{signal:n}=this.#a,r=await this.#d(A,fetch(this.#i+e,{...t,signal:n,credentials:"omit"}),s);if(r.ok&&r.status!==204)return r;let{code:o=r.status}=await r.json().catch(()=>({}));throw new u(X.get(o)??p)}#d(e,t,s){let n=this.#a,r=setTimeout(()=>n.abort(new u(s)),e*1e3);return t.finally(()=>clearTimeout(r))}#c(e){if(!(!e||this.readyState!==1))return this.onmessage?.({data:JSON.stringify(e)}),U.has(e.event)?e.event:void 0}};var[g,D,fe]=[0,1,2],pe=3,ue=30,N=class{#i=g;#e=!1;#t=0;#n;#s;constructor(e,t){this.#n=e,this.#s=t}open(e,t){if(this.#i!==g)return new I(this.#n,this.#s,e,t,this.#i===D);let s=new URL(`${this.#n.replace("http","ws")}ws?${new URLSearchParams(this.#s)}`),n=["scanlogin.v1"];return e&&(s.searchParams.set("random",e.random),n.push(`key.${e.browserKey}`)),new WebSocket(s,n)}succeeded(){this.#e||=this.#i===g,this.#t=0}reset(){this.#t=0}failed(e){return(this.#i===g?!this.#e||this.#t>=pe:this.#i===D&&e)?(this.#i=this.#i===g?D:fe,0):(this.#i=g,this.nextPause())}nextPause(){return Math.min(ue,2**this.#t++)*(.5+Math.random()/2)}};var me=15,ge=5,be=5,we=.5,ve=EventTarget;function m(){return globalThis.document?.hidden??!1}var k=class extends ve{#i;#e;#t;#n=!1;#s;#a=0;#r=!1;#h="waiting";#u=0;#l=0;#g=new L(e=>this.#w(e,null));#o=!1;#d=0;#c=!1;#b=0;#v=0;#f=0;constructor({server:e=new URL(".",import.meta.url),pool:t,codeChallenge:s=""}){super(),this.#i=`${e}`.replace(/\/*$/,"/api/v2/qrcode/"),this.#e=new N(this.#i,{userPoolId:t,codeChallenge:s})}get remaining(){return Math.max(0,(this.#l-performance.now())/1e3)}start(){this.stop(),globalThis.addEventListener?.("online",this.#y),globalThis.addEventListener?.("offline",this.#R),globalThis.document?.addEventListener("visibilitychange",this.#k),m()?this.#S():this.#L()}stop(){globalThis.removeEventListener?.("online",this.#y),globalThis.removeEventListener?.("offline",this.#R),globalThis.document?.removeEventListener("visibilitychange",this.#k),this.#o=!1,this.#p(!0),this.#C(),this.#e.reset(),this.#s=void 0,this.#l=this.#a=0}refresh(){if(!this.#r){if(!this.#s||this.#t?.readyState!==1){this.start();return}this.#r=!0,this.#t.send('{"action":"refresh"}'),this.#I(0)}}#L(){this.#f=0,this.#o=this.#n=!1,this.#u=0,this.#g.disconnected();let e=this.#t=this.#e.open(this.#s,this.#a);this.#b=setTimeout(()=>this.#x(this.#e.failed(!0)),A*1e3),e.onmessage=({data:t})=>this.#z(t),e.onclose=({code:t,reason:s})=>this.#A(t,s)}#p(e){clearTimeout(this.#b),clearTimeout(this.#v),this.#r=!1;let t=this.#t;this.#t=void 0,t&&(t.onmessage=t.onclose=null,e&&!t.readyState?t.onopen=()=>t.close():t.close())}#C(){clearTimeout(this.#f),this.#f=0,this.#g.cancel()}#A(e,t){let s=q.get(e);s?(this.stop(),this.#w("error",{reason:t||s,closeCode:e})):e===v&&this.#c?(this.#c=!1,this.start()):e===v?(this.stop(),this.#w("exhausted",null)):e===C?this.#x(Math.random()*ge):e!==x&&(e===w||this.#n)?this.#x(this.#e.nextPause()):this.#x(this.#e.failed(e===x))}#x(e){if(this.#r&&(this.#s=void 0),this.#p(),m()&&this.remaining===0){this.#S();return}this.#g.disconnected(),this.#f=setTimeout(()=>this.#L(),e*1e3)}#y=()=>{m()||(this.#r&&(this.#s=void 0),this.#p(),clearTimeout(this.#f),this.#L())};#R=()=>{this.#t&&this.#x(this.#e.nextPause())};#S(){this.#p(),this.#C(),this.#o=!0}#k=()=>{m()?(this.#d=Date.now(),this.#N()):(this.#o||this.#f||Date.now()-this.#d>be*1e3)&&(this.#c=!0,this.#y())};#I(e){clearTimeout(this.#b),this.#b=setTimeout(()=>this.#A(p),(e+me)*1e3),this.#N()}#N(){if(clearTimeout(this.#v),!m())return;let e=Math.max(0,this.remaining-we);this.#v=setTimeout(()=>m()&&this.#S(),e*1e3)}#z(e){let t=R(e);t&&(this.#M(),t.event==="code"?this.#O(t):K.has(t.event)&&this.#m(t))}#M(){this.#n=!0,this.#c=!1,this.#e.succeeded(),this.#g.connected()}#O({random:e,url:t,payload:s,appLink:n,customLogo:r,brandColor:o,expiresIn:a,browserKey:h,version:c=0}){this.#r||this.#a++;let l=`${this.#i}image/${e}.svg`;this.#s={random:e,url:t,svg:l,payload:s,appLink:n,customLogo:r,brandColor:o,expiresIn:a,browserKey:h},this.#r=!1,this.#h="waiting",this.#u=c,this.#T(a),this.#w("code",this.#s)}#m(e){if(!(e.random!==this.#s?.random||e.version<this.#u)){if(this.#u=e.version,this.#T(e.expiresIn),this.#r){e.event==="confirmed"&&this.start();return}e.event!==this.#h&&(this.#h=e.event,e.event==="waiting"?this.#w("code",this.#s):e.event==="confirmed"?this.#E(this.#s,e):(e.event!=="scanned"&&m()&&this.#S(),this.#w(e.event,e)))}}#E({random:e,browserKey:t},{ticket:s,userInfo:n}){this.stop(),s?this.#w("confirmed",{ticket:s,random:e,browserKey:t,userInfo:n}):this.#w("error",{reason:"the ticket is used, or this browser was not recognised",closeCode:1e3})}#T(e){this.#l=performance.now()+e*1e3,this.#I(e)}#w(e,t){this.dispatchEvent(new CustomEvent(e,{detail:t}))}};var Q=`/* The element. A code is black on white; the rest is as light or dark as the page. */
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
`;var M;function J(){return M||(M=new CSSStyleSheet,M.replaceSync(Q)),M}function d(i,e,...t){let s=document.createElement(i);return s.className=e,s.part.value=e,s.append(...t),s}function Z(i){let e=Math.ceil(i);return`${Math.floor(e/60)}:${`${e%60}`.padStart(2,"0")}`}function ee(i){return URL.canParse(i)?/^(javascript|data|blob|file|vbscript|about):$/.test(new URL(i).protocol)?"":i:""}var Ee=[.2,.375,.5555555555555556,.6666666666666666],ke=(i,e)=>t=>{let s=4*i+t-4,n="*-04-39?2$%%$%%'$%''%'''%')(%'))%(++'(++'(+.'+-.',/3',33)-/5)-43).36)058*18<+37<+4:<,4:E,5<A-7>C/8@F/:EH/<EK0=FM1?IP2@KS3BNV4DPY5FS\\6HV_6IXb7K[e8N^i9Pam;Rdp<Tgt".charCodeAt(s)-35,r=s>8?n:1,o=e/r|0,a=e%r,h=r-a,c=s>8?o*Ee[t]+(i>5)&-2:n,l=o-c;return{t:h*l+a*l+a,o:[[h,l],[a,l+1]],l:c}},V={L:0,M:1,Q:2,H:3},b=i=>new Uint8Array(i),G=i=>{let e=new Error(`lean-qr error ${i}`);throw e.code=i,e},B=(i,e=i*i,t=b(e))=>({size:i,i:t,get:(s,n)=>s>=0&&s<i&&!!(1&t[n*i+s]),u(s,{on:n=[0,0,0],off:r=[0,0,0,0],pad:o=4,padX:a=o,padY:h=o}={}){let c=i+2*a,l=i+2*h,f=s.createImageData(c,l),F=new Uint32Array(f.data.buffer);f.data.set([...n,255]);let ae=F[0];f.data.set([...r,255]);let he=F[0];for(let S=0;S<l;++S)for(let T=0;T<c;++T)F[S*c+T]=this.get(T-a,S-h)?ae:he;return f},toCanvas(s,n){let r=s.getContext("2d"),o=this.u(r,n);s.width=o.width,s.height=o.height,r.putImageData(o,0,0)}}),ye=[(i,e)=>1&(i^e),(i,e)=>1&e,i=>i%3,(i,e)=>(i+e)%3,(i,e)=>1&(i/3^e>>1),(i,e)=>(i&e&1)+i*e%3,(i,e)=>(i&e)+i*e%3&1,(i,e)=>(i^e)+i*e%3&1],O=b(511);for(let i=0,e=1;i<255;e=2*e^285*(e>127))O[O[e+255]=i++]=e;var ie=i=>O[i%255],se=i=>O[i+255],Se=(i,e)=>{let t=b(i.length+e.length-1);for(let s=0;s<i.length;++s)for(let n=0;n<e.length;++n)t[s+n]^=ie(i[s]+e[n]);return t.map(se)},Te=(i,e)=>{let t=b(i.length+e.length-1);t.set(i,0);for(let s=0;s<i.length;++s)if(t[s]){let n=se(t[s]);for(let r=0;r<e.length;++r)t[s+r]^=ie(e[r]+n)}return t.slice(i.length)},H=[[0],[0,0]];for(let i=1;i<30;++i)H.push(Se(H[i],[0,i]));var Le=(i,e)=>{let t=[[],[]],s=0,n=0;for(let[o,a]of e.o)for(let h=0;h<o;++h,s+=a){let c=i.slice(s,s+a);t[0].push(c),t[1].push(Te(c,H[e.l])),n+=a+e.l}let r=b(n);n=0;for(let o of t)for(let a=0,h=-1;h<n;++a){h=n;for(let c of o)a<c.length&&(r[n++]=c[a])}return r},ne=(i,e,t)=>{let s=i<<=t;for(let n=134217728;n>>=1;)s&n&&(s^=e*(n>>t));return s|i},Ce=({size:i,i:e},t)=>{let s=(o,a,h,c)=>{for(;h-- >0;o+=i)e.fill(c,o,o+a)},n=(o,a,h)=>{for(let c=0;c++<3;h-=2)s(a*i+o-(h>>1)*(i+1),h,h,2|c)},r=2*((i-13)/(1+(t/7|0))/2+.75|0);if(t>1)for(let o=i-7;o>8;o-=r){for(let a=o;a>8;a-=r)n(o,a,5);o<i-7&&n(o,6,5)}if(t>6)for(let o=ne(t,7973,12),a=1;a<7;++a)for(let h=12;h-- >9;o>>=1)e[a*i-h]=2|1&o;s(7,2,9,2),s(i-8,8,9,2);for(let o=0;o<i;++o)e[6*i+o]=3^1&o;n(3,3,7),n(i-4,3,7);for(let o=0;o<i;++o)for(let a=o;a<i;++a)e[a*i+o]=e[o*i+a];e[(i-8)*i+8]=3},Ae=({size:i,i:e})=>{let t=[];for(let s=i-2,n=i,r=-1;s>=0;s-=2){for(s===5&&(s=4);n+=r,n!==-1&&n!==i;){let o=n*i+s;e[o+1]||t.push(o+1),e[o]||t.push(o)}r*=-1}return t},Re=({i},e,t)=>e.forEach((s,n)=>i[s]=t[n>>3]>>(7&~n)&1),Ie=({size:i,i:e},t,s,n)=>{for(let o=0;o<i;++o)for(let a=0;a<i;++a){let h=o*i+a;e[h]^=!(t(a,o)||2&e[h])}let r=21522^ne((1^n)<<3|s,1335,10);for(let o=0;o++<8;r>>=1)e[(o-(o<7))*i+8]=1&r,e[9*i-o]=1&r;for(let o=8;--o,r;r>>=1)e[8*i+o-(o<7)]=1&r,e[(i-o)*i+8]=1&r},Ne=({size:i,i:e},t=0,s=0)=>{for(let n=0;n<i;++n){for(let r=0;r<2;++r)for(let o,a=0,h=0,c=2;a<i;++a){let l=1&e[r?n*i+a:a*i+n];s+=l,h=(h>>1|2098176)&(3047517^l-1),2049&h&&(t+=40),l^c&&(o=0),c=l,t+=++o===5?3:o>5}if(n)for(let r=i+n,o=5*e[n-1]^e[n];r<i*i;r+=i){let a=5*e[r-1]^e[r];t+=3*!(1&(o|a)|4&(o^a)),o=a}}return t+10*(10*Math.abs(s/(i*i)-1)|0)},te=[],oe=(i=G(1),{minCorrectionLevel:e=0,minVersion:t=1}={})=>{typeof i!="string"&&G(5),i=new TextEncoder().encode(i);let s=b(2957);s.set([113,164,i.length>>8]);for(let n=t;n<41;++n){let r=te[n];r||(te[n]=r=B(4*n+17),Ce(r,n),r.p=Ae(r));let o=ke(n,r.p.length>>3)(e);if(o.t>=3+(n>9)+i.length){let a=n>9?3:2;for(s[a++]=i.length,s.set(i,a),a+=i.length-1;a<2954;s.set([236,17],a+=2));let h=B(r.size,r.i);return Re(h,r.p,Le(s,o)),ye.map((c,l)=>{let f=B(h.size,h.i);return Ie(f,c,l,e),f.s=Ne(f),f}).sort((c,l)=>c.s-l.s)[0]}}G(4)};var j=4,Me=2,Oe=1/4;function re(i,e,t){let s=i+2*j,n=Math.max(1,Math.floor((e-2*t)/s)),r=Math.max(e,n*s);return{canvas:r,scale:n,origin:Math.floor((r-n*s)/2)+n*j}}var z=class{#i=new Map;#e;constructor(e){this.#e=e}draw(e,{available:t,margin:s,ratio:n,logo:r}){let o=r!=="none",a=this.#t(o),h=re(a.size,t,s);o&&h.scale<Me*n&&(o=!1,a=this.#t(!1),h=re(a.size,t,s)),e.width=e.height=h.canvas;let c=e.getContext("2d");if(!c)throw new Error("no canvas");if(Pe(c,a,h),!o)return;let l=ze(a.size*Oe)*h.scale,f=h.origin+(a.size*h.scale-l)/2;return r==="ready"&&(c.fillStyle="#fff",c.fillRect(f,f,l,l)),{start:f,side:l,padding:h.scale/2}}#t(e){let t=e?V.H:V.M,s=this.#i.get(t)??oe(this.#e,{minCorrectionLevel:t});return this.#i.set(t,s),s}};function ze(i){return 2*Math.floor((i+1)/2)-1}function Pe(i,e,{scale:t,origin:s}){let n=j*t,r=e.size*t+2*n;i.fillStyle="#fff",i.fillRect(s-n,s-n,r,r),i.fillStyle="#000";for(let o=0;o<e.size;o++)for(let a=0;a<e.size;a++)e.get(a,o)&&i.fillRect(s+a*t,s+o*t,t,t)}var _e=7,Fe=2e3,P=class{#i=d("canvas","canvas");#e=d("img","logo");#t=d("img","fallback");element=d("div","code",this.#i,this.#e,this.#t);#n;#s;#a=0;#r="none";#h;#u;constructor(e){this.#u=e,this.element.role="img",this.#e.alt=this.#t.alt="",this.#e.hidden=this.#t.hidden=!0,this.#e.referrerPolicy="no-referrer",this.#e.addEventListener("load",()=>this.#l("ready")),this.#e.addEventListener("error",()=>{this.#r="none"}),this.#t.addEventListener("load",()=>this.#v()),this.#t.addEventListener("error",()=>this.#b()),this.#g()}set label(e){this.element.ariaLabel=e}get hasCode(){return this.#n!==void 0}get isVisible(){return this.#h!==void 0}get isStale(){return this.isVisible&&this.#h!==this.#n}show(e){this.#n=e,this.#s=new z(e.payload),this.#o()}clear(){this.#n=this.#s=this.#h=void 0,this.#i.width=0,this.#t.hidden=!0,this.#t.removeAttribute("src")}setLogo(e){if(e){if(this.#e.getAttribute("src")===e)return;this.#l("loading"),this.#e.src=e}else this.#e.removeAttribute("src"),this.#l("none")}#l(e){this.#r=e,this.#o()}#g(){let e=new ResizeObserver(([{contentRect:t,devicePixelContentBoxSize:s}])=>{let n=Math.round(t.width*devicePixelRatio),r=Math.min(s?.[0].inlineSize??n,s?.[0].blockSize??n);this.#a=Math.abs(r-n)>1?n:r,this.#o()});try{e.observe(this.#i,{box:"device-pixel-content-box"})}catch{e.observe(this.#i)}}#o(){if(!(!this.#s||!this.#a))try{let e=this.#s.draw(this.#i,{available:this.#a,margin:Math.round(_e*devicePixelRatio),ratio:devicePixelRatio,logo:this.#r});this.#d(e),this.#t.hidden=!0,this.#v()}catch{this.#c()}}#d(e){if(this.#e.hidden=this.#r!=="ready"||!e,!e)return;let{style:t}=this.#e;t.left=t.top=`${e.start/devicePixelRatio}px`,t.width=t.height=`${e.side/devicePixelRatio}px`,t.padding=`${e.padding/devicePixelRatio}px`}#c(){this.#e.hidden=!0,this.#t.hidden=!1;let{svg:e=""}=this.#n??{};this.#t.getAttribute("src")!==e&&(this.#t.src=e)}#b(){let{src:e}=this.#t;setTimeout(()=>{this.#t.src===e&&!this.#t.hidden&&(this.#t.src=e)},Fe)}#v(){this.#h=this.#n,this.#u()}};var Y={alt:"QR code to log in",altTo:"QR code to log in to {name}",loading:"Getting a code\u2026",scan:"Scan the code with your app",newCodeIn:"New code in {time}",openApp:"Open in the app",scannedBy:"Scanned by {name}.",confirm:"Confirm in your app",match:"Enter {number} in your app",timeLeft:"{time} left",notYou:"Not you? Get a new code",hereIsNewCode:"Here is a new code.",canceled:"Canceled.",canceledNewCode:"Canceled. Here is a new code.",renewing:"Getting a new code\u2026",exhausted:"Still there?",newCode:"Show a new code",confirmed:"Logging in\u2026",offline:"Connection lost. Trying again\u2026",failed:"Something went wrong."},$e={alt:"\u767B\u5F55\u4E8C\u7EF4\u7801",altTo:"\u767B\u5F55 {name} \u7684\u4E8C\u7EF4\u7801",loading:"\u6B63\u5728\u83B7\u53D6\u4E8C\u7EF4\u7801\u2026",scan:"\u8BF7\u7528 App \u626B\u63CF\u4E8C\u7EF4\u7801",newCodeIn:"{time} \u540E\u66F4\u65B0",openApp:"\u5728 App \u4E2D\u6253\u5F00",scannedBy:"{name} \u5DF2\u626B\u7801\u3002",confirm:"\u8BF7\u5728 App \u4E2D\u786E\u8BA4\u767B\u5F55",match:"\u8BF7\u5728 App \u4E2D\u8F93\u5165 {number}",timeLeft:"\u5269\u4F59 {time}",notYou:"\u4E0D\u662F\u4F60\uFF1F\u6362\u4E00\u4E2A\u4E8C\u7EF4\u7801",hereIsNewCode:"\u4E8C\u7EF4\u7801\u5DF2\u66F4\u65B0\u3002",canceled:"\u5DF2\u53D6\u6D88\u3002",canceledNewCode:"\u5DF2\u53D6\u6D88\uFF0C\u4E8C\u7EF4\u7801\u5DF2\u66F4\u65B0\u3002",renewing:"\u6B63\u5728\u83B7\u53D6\u65B0\u7684\u4E8C\u7EF4\u7801\u2026",exhausted:"\u8FD8\u5728\u5417\uFF1F",newCode:"\u663E\u793A\u65B0\u7684\u4E8C\u7EF4\u7801",confirmed:"\u6B63\u5728\u767B\u5F55\u2026",offline:"\u8FDE\u63A5\u5DF2\u65AD\u5F00\uFF0C\u6B63\u5728\u91CD\u8BD5\u2026",failed:"\u51FA\u9519\u4E86\u3002"},_={en:Y,zh:$e};var Ue=500,De=["code","scanned","confirmed","canceled","expired","exhausted","error","offline","online"],Ge=globalThis.HTMLElement??class{},y=class extends Ge{static observedAttributes=["server","pool","code-challenge","lang","size","theme","name","logo"];#i;#e="idle";#t="loading";#n="scan";#s=!1;#a=1;#r="";#h="";#u="";#l;#g=d("div","wait");#o=new P(()=>this.#T());#d=d("div","avatar");#c=d("span","check");#b=d("p","match");#v=d("p","nickname");#f=d("button","button");#L=d("div","over",this.#d,this.#b,this.#v,this.#f);#p=d("a","link");#C=d("span","spoken");#A=d("span","sentence");#x=d("p","status",this.#C,this.#A);#y=d("span","bar");#R=d("p","countdown");#S=d("div","time",d("div","progress",this.#y),this.#R);#k=d("div","base",d("div","frame",this.#g,this.#o.element,this.#L),this.#p,this.#x,this.#S);constructor(){super();let e=this.attachShadow({mode:"open"});e.adoptedStyleSheets=[J()],this.#x.role="status",this.#x.tabIndex=-1,this.#c.ariaHidden=this.#y.ariaHidden="true",this.#f.type="button",this.#f.addEventListener("click",()=>this.#I()),this.#p.rel="noopener noreferrer",e.append(this.#k)}get state(){return this.#e}start(){this.#i?.stop(),this.#i=void 0,this.#s=!1,this.#n="scan",this.#o.clear(),this.#m("loading","loading");let e=this.getAttribute("pool");if(!e)return;let t=this.getAttribute("server"),s=new k({server:t?new URL(t,document.baseURI):void 0,pool:e,codeChallenge:this.getAttribute("code-challenge")??""});this.#i=s;for(let n of De)s.addEventListener(n,({detail:r})=>this.#N(n,r));clearInterval(this.#l),this.#l=setInterval(()=>this.#w(),Ue),s.start()}stop(){this.#i?.stop(),this.#i=void 0,this.#s=!1,clearInterval(this.#l),this.#o.clear(),this.#m("idle","scan")}refresh(){if(!this.#i||this.#e==="confirmed"){this.start();return}this.#n="hereIsNewCode",this.#m("renewing","renewing"),this.#i.refresh()}connectedCallback(){this.#i||this.start()}disconnectedCallback(){queueMicrotask(()=>{this.isConnected||this.stop()})}attributeChangedCallback(e,t,s){if(t!==s){if(/^(server|pool|code)/.test(e)){this.isConnected&&this.start();return}if(e==="logo")this.#M();else if(e==="size"){let n=Number(s);this.#k.style.setProperty("--width",n>0?`${n}px`:"")}this.#T()}}#I(){this.#e==="scanned"?this.refresh():this.start(),this.#x.focus()}#N(e,t){switch(e){case"code":this.#a=Math.max(1,t.expiresIn),this.#z(t),this.#m("waiting",this.#n),this.#n="scan";break;case"scanned":this.#a=Math.max(1,t.expiresIn),this.#O(t.userInfo),this.#h=t.matchCode??"",this.#m("scanned",this.#h?"match":"confirm");break;case"confirmed":this.#O(t.userInfo),this.#m("confirmed","confirmed");break;case"canceled":this.#n="canceledNewCode",this.#m("renewing","canceled");break;case"expired":this.#m("renewing","renewing");break;case"exhausted":this.#m("exhausted",this.#n==="canceledNewCode"?"canceled":"exhausted");break;case"error":console.error(`scan-login: ${t.reason}`),this.#m("failed","failed");break;default:this.#s=e==="offline",this.#T()}this.dispatchEvent(new CustomEvent(e,{detail:t}))}#z(e){let{payload:t,appLink:s,customLogo:n="",brandColor:r=""}=e;this.#u=n,this.#k.classList.toggle("branded",r!==""),this.#k.style.setProperty("--brand",r),this.#M(),this.#o.show(e);let o=ee(s||t);o?this.#p.href=o:this.#p.removeAttribute("href"),this.#p.target=o.startsWith("http")?"_blank":""}#M(){let e=this.getAttribute("logo");this.#o.setLogo(e===""?this.#u:e??"")}#O({nickname:e="",photo:t}){this.#r=e;let[s="?"]=e;if(this.#d.replaceChildren(s.toUpperCase()),t){let n=d("img","photo");n.alt="",n.referrerPolicy="no-referrer",n.addEventListener("error",()=>n.remove()),n.src=t,this.#d.append(n)}this.#d.append(this.#c)}#m(e,t){this.#e=e,this.#t=t,this.#T()}#E(e,t={}){let s=this.lang||this.closest("[lang]")?.getAttribute("lang")||navigator.language;return(_[s]?.[e]??_[s.split("-")[0].toLowerCase()]?.[e]??Y[e]).replace(/\{(\w+)\}/g,(r,o)=>t[o]??"")}#T(){let e=this.#e,t=["exhausted","failed","idle"].includes(e),s=e==="scanned"||e==="confirmed";this.#k.dataset.state=e,this.#k.classList.toggle("offline",this.#s);let n=this.getAttribute("name")??"";this.#o.label=this.#E(n?"altTo":"alt",{name:n}),this.#o.element.hidden=!this.#o.hasCode,this.#g.hidden=t||s||this.#o.isVisible,this.#L.hidden=!s&&!t,this.#v.hidden=!s,this.#b.hidden=e!=="scanned"||!this.#h,this.#b.textContent=this.#h,this.#d.hidden=!s||!this.#b.hidden,this.#c.hidden=e!=="confirmed",this.#v.textContent=this.#r,this.#f.hidden=!t&&e!=="scanned",this.#f.classList.toggle("quiet",!t),this.#f.textContent=this.#E(t?"newCode":"notYou"),this.#p.hidden=e!=="waiting"||!this.#p.href,this.#p.textContent=this.#E("openApp"),this.#A.textContent=this.#E(this.#s?"offline":this.#t,{number:this.#h}),this.#C.textContent=e==="scanned"&&!this.#s?this.#E("scannedBy",{name:this.#r||"?"}):"",this.#S.classList.toggle("away",e!=="waiting"&&e!=="scanned"),this.#w()}#w(){let e=this.#i?.remaining??0,t=Z(e);this.#o.element.classList.toggle("dim",this.#e!=="waiting"||e===0||this.#o.isStale),this.#y.style.transform=`scaleX(${Math.min(1,e/this.#a)})`,this.#R.textContent=this.#e==="scanned"?this.#E("timeLeft",{time:t}):e>0?this.#E("newCodeIn",{time:t}):this.#E("renewing")}};globalThis.customElements&&!customElements.get("scan-login")&&customElements.define("scan-login",y);export{k as ScanLogin,y as ScanLoginElement,_ as words};
