var b=class{#e;#t=!1;#s;constructor(e){this.#s=e}disconnected(){this.#e??=setTimeout(()=>{this.#t||(this.#t=!0,this.#s("offline"))},1500)}connected(){this.cancel(),this.#t&&(this.#t=!1,this.#s("online"))}cancel(){clearTimeout(this.#e),this.#e=void 0}};var _=new Map([[1e3,"the server ended the login without a ticket"],[1008,"the server refused what this page sent"],[4404,"the server knows no such user pool"]]),h=1006,v=1012,f=1013,m=4408,L=2241,p=4e3,F=new Map([[2224,4404],[2231,1008],[2241,L],[429,f],[503,f],[1e3,f]]),A=new Set(["confirmed","canceled","expired"]),M=new Set(["waiting","scanned",...A]),x=5;function k(o){try{let e=JSON.parse(`${o}`);return typeof e=="object"?e:void 0}catch{return}}var H=6,j=1500,q=40,c=class extends Error{constructor(e){super(),this.code=e}},E=class{onmessage=null;onclose=null;readyState=1;#e;#t;#s;#r;#i=!1;#o=new AbortController;constructor(e,t,i,s,n){this.#e=e,this.#t=t,this.#s=s,this.#r=n,this.#f(i).catch(a=>this.#a(a instanceof c?a.code:h))}send(){this.#i=!0,this.#o.abort()}close(){this.readyState=3,this.#o.abort()}#a(e){this.readyState=3,this.onclose?.({code:e})}async#f(e){for(;this.readyState===1;){try{let t=e??await this.#m();await(this.#r?this.#p(t):this.#n(t))}catch(t){if(this.#i)this.#s--;else if(!(t instanceof c&&t.code===L))throw t;this.#i=!1}e=void 0}}async#m(){if(this.#s>=H)throw new c(m);let e=await this.#h("gene",{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify(this.#t)}),{data:t}=await e.json();return this.#s++,this.#c({...t,event:"code"}),t}async#p(e){let{body:t}=await this.#h(`events?random=${e.random}`,{headers:{"x-browser-key":e.browserKey}},p),i=t.getReader(),s=new TextDecoder,n=h;for(let a="";;){let{done:C,value:z}=await this.#w(q,i.read(),h);if(C)throw new c(n);let R=`${a}${s.decode(z,{stream:!0})}`.split(`

`);a=R.pop()??"";for(let O of R){O.startsWith("retry:")&&(n=v);let U=this.#c(k(O.match(/^data: (.*)$/m)?.[1]));if(U)return U}}}async#n(e){for(;;){let t=await this.#h(`check?random=${e.random}`,{headers:{"x-browser-key":e.browserKey}}),i=this.#c((await t.json()).data);if(i)return i;await new Promise((s,n)=>{setTimeout(s,j),this.#o.signal.onabort=n})}}async#h(e,t,i=h){this.#o=new AbortController;let{signal:s}=this.#o,n=await this.#w(x,fetch(this.#e+e,{...t,signal:s,credentials:"omit"}),i);if(n.ok&&n.status!==204)return n;let{code:a=n.status}=await n.json().catch(()=>({}));throw new c(F.get(a)??h)}#w(e,t,i){let s=this.#o,n=setTimeout(()=>s.abort(new c(i)),e*1e3);return t.finally(()=>clearTimeout(n))}#c(e){if(!(!e||this.readyState!==1))return this.onmessage?.({data:JSON.stringify(e)}),A.has(e.event)?e.event:void 0}};var[l,N,Y]=[0,1,2],W=3,X=30,S=class{#e=l;#t=!1;#s=0;#r;#i;constructor(e,t){this.#r=e,this.#i=t}open(e,t){if(this.#e!==l)return new E(this.#r,this.#i,e,t,this.#e===N);let i=new URL(`${this.#r.replace("http","ws")}ws?${new URLSearchParams(this.#i)}`),s=["scanlogin.v1"];return e&&(i.searchParams.set("random",e.random),s.push(`key.${e.browserKey}`)),new WebSocket(i,s)}succeeded(){this.#t||=this.#e===l,this.#s=0}reset(){this.#s=0}failed(e){return(this.#e===l?!this.#t||this.#s>=W:this.#e===N&&e)?(this.#e=this.#e===l?N:Y,0):(this.#e=l,this.nextPause())}nextPause(){return Math.min(X,2**this.#s++)*(.5+Math.random()/2)}};var V=15,K=5,J=5,Q=.5,Z=EventTarget;function d(){return globalThis.document?.hidden??!1}var g=class extends Z{#e;#t;#s;#r=!1;#i;#o=0;#a=!1;#f="waiting";#m=0;#p=0;#n=new b(e=>this.#E(e,null));#h=!1;#w=0;#c=!1;#k=0;#u=0;#b=0;constructor({server:e=new URL(".",import.meta.url),pool:t,codeChallenge:i=""}){super(),this.#e=`${e}`.replace(/\/*$/,"/api/v2/qrcode/"),this.#t=new S(this.#e,{userPoolId:t,codeChallenge:i})}get remaining(){return Math.max(0,(this.#p-performance.now())/1e3)}start(){this.stop(),globalThis.addEventListener?.("online",this.#T),globalThis.addEventListener?.("offline",this.#A),globalThis.document?.addEventListener("visibilitychange",this.#I),d()?this.#x():this.#d()}stop(){globalThis.removeEventListener?.("online",this.#T),globalThis.removeEventListener?.("offline",this.#A),globalThis.document?.removeEventListener("visibilitychange",this.#I),this.#h=!1,this.#S(!0),this.#L(),this.#t.reset(),this.#i=void 0,this.#p=this.#o=0}refresh(){if(!this.#a){if(!this.#i||this.#s?.readyState!==1){this.start();return}this.#a=!0,this.#s.send('{"action":"refresh"}'),this.#R(0)}}#d(){this.#b=0,this.#h=this.#r=!1,this.#m=0,this.#n.disconnected();let e=this.#s=this.#t.open(this.#i,this.#o);this.#k=setTimeout(()=>this.#v(this.#t.failed(!0)),x*1e3),e.onmessage=({data:t})=>this.#_(t),e.onclose=({code:t,reason:i})=>this.#y(t,i)}#S(e){clearTimeout(this.#k),clearTimeout(this.#u),this.#a=!1;let t=this.#s;this.#s=void 0,t&&(t.onmessage=t.onclose=null,e&&!t.readyState?t.onopen=()=>t.close():t.close())}#L(){clearTimeout(this.#b),this.#b=0,this.#n.cancel()}#y(e,t){let i=_.get(e);i?(this.stop(),this.#E("error",{reason:t||i,closeCode:e})):e===m&&this.#c?(this.#c=!1,this.start()):e===m?(this.stop(),this.#E("exhausted",null)):e===v?this.#v(Math.random()*K):e!==p&&(e===f||this.#r)?this.#v(this.#t.nextPause()):this.#v(this.#t.failed(e===p))}#v(e){if(this.#a&&(this.#i=void 0),this.#S(),d()&&this.remaining===0){this.#x();return}this.#n.disconnected(),this.#b=setTimeout(()=>this.#d(),e*1e3)}#T=()=>{d()||(this.#a&&(this.#i=void 0),this.#S(),clearTimeout(this.#b),this.#d())};#A=()=>{this.#s&&this.#v(this.#t.nextPause())};#x(){this.#S(),this.#L(),this.#h=!0}#I=()=>{d()?(this.#w=Date.now(),this.#O()):(this.#h||this.#b||Date.now()-this.#w>J*1e3)&&(this.#c=!0,this.#T())};#R(e){clearTimeout(this.#k),this.#k=setTimeout(()=>this.#y(h),(e+V)*1e3),this.#O()}#O(){if(clearTimeout(this.#u),!d())return;let e=Math.max(0,this.remaining-Q);this.#u=setTimeout(()=>d()&&this.#x(),e*1e3)}#_(e){let t=k(e);t&&(this.#U(),t.event==="code"?this.#l(t):M.has(t.event)&&this.#g(t))}#U(){this.#r=!0,this.#c=!1,this.#t.succeeded(),this.#n.connected()}#l({random:e,url:t,payload:i,appLink:s,expiresIn:n,browserKey:a}){this.#a||this.#o++;let C=`${this.#e}image/${e}.svg`;this.#i={random:e,url:t,svg:C,payload:i,appLink:s,expiresIn:n,browserKey:a},this.#a=!1,this.#f="waiting",this.#m=0,this.#N(n),this.#E("code",this.#i)}#g(e){if(!(e.random!==this.#i?.random||e.version<this.#m)){if(this.#m=e.version,this.#N(e.expiresIn),this.#a){e.event==="confirmed"&&this.start();return}e.event!==this.#f&&(this.#f=e.event,e.event==="waiting"?this.#E("code",this.#i):e.event==="confirmed"?this.#C(this.#i,e):(e.event!=="scanned"&&d()&&this.#x(),this.#E(e.event,e)))}}#C({random:e,browserKey:t},{ticket:i,userInfo:s}){this.stop(),i?this.#E("confirmed",{ticket:i,random:e,browserKey:t,userInfo:s}):this.#E("error",{reason:"the ticket is used, or this browser was not recognised",closeCode:1e3})}#N(e){this.#p=performance.now()+e*1e3,this.#R(e)}#E(e,t){this.dispatchEvent(new CustomEvent(e,{detail:t}))}};var $=`/* The element. A code is black on white; the rest is as light or dark as the page. */
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
  --accent: var(--scan-login-accent, light-dark(#0b6e4f, #62d2a6));
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
.frame {
  position: relative;
  display: grid;
  width: 100%;
  aspect-ratio: 1;
  padding: 0.625rem;
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
.code { display: block; width: 100%; height: 100%; min-height: 0; padding: 0.25rem; transition: opacity 0.25s, filter 0.25s; }
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
  background: #e7f3ee;
  color: #0b6e4f;
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
  background: #0b6e4f;
  color: #fff;
  font-size: 1.125rem;
  line-height: 1.625rem;
}
.check::before { content: "\u2713"; }
.match { color: #0b6e4f; font-size: 4rem; font-weight: 600; line-height: 1; }
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
.button.quiet { margin-top: 0.5rem; padding: 0.25rem 0.5rem; background: none; color: #0b6e4f; font-size: 0.875rem; }
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
`;var y;function D(){return y||(y=new CSSStyleSheet,y.replaceSync($)),y}function r(o,e,...t){let i=document.createElement(o);return i.className=e,i.part.value=e,i.append(...t),i}function G(o){let e=Math.ceil(o);return`${Math.floor(e/60)}:${`${e%60}`.padStart(2,"0")}`}function B(o){return URL.canParse(o)?/^(javascript|data|blob|file|vbscript|about):$/.test(new URL(o).protocol)?"":o:""}var I={alt:"QR code to log in",altTo:"QR code to log in to {name}",loading:"Getting a code\u2026",scan:"Scan the code with your app",newCodeIn:"New code in {time}",openApp:"Open in the app",scannedBy:"Scanned by {name}.",confirm:"Confirm in your app",match:"Enter {number} in your app",timeLeft:"{time} left",notYou:"Not you? Get a new code",hereIsNewCode:"Here is a new code.",canceled:"Canceled.",canceledNewCode:"Canceled. Here is a new code.",renewing:"Getting a new code\u2026",exhausted:"Still there?",newCode:"Show a new code",confirmed:"Logging in\u2026",offline:"Connection lost. Trying again\u2026",failed:"Something went wrong."},te={alt:"\u767B\u5F55\u4E8C\u7EF4\u7801",altTo:"\u767B\u5F55 {name} \u7684\u4E8C\u7EF4\u7801",loading:"\u6B63\u5728\u83B7\u53D6\u4E8C\u7EF4\u7801\u2026",scan:"\u8BF7\u7528 App \u626B\u63CF\u4E8C\u7EF4\u7801",newCodeIn:"{time} \u540E\u66F4\u65B0",openApp:"\u5728 App \u4E2D\u6253\u5F00",scannedBy:"{name} \u5DF2\u626B\u7801\u3002",confirm:"\u8BF7\u5728 App \u4E2D\u786E\u8BA4\u767B\u5F55",match:"\u8BF7\u5728 App \u4E2D\u8F93\u5165 {number}",timeLeft:"\u5269\u4F59 {time}",notYou:"\u4E0D\u662F\u4F60\uFF1F\u6362\u4E00\u4E2A\u4E8C\u7EF4\u7801",hereIsNewCode:"\u4E8C\u7EF4\u7801\u5DF2\u66F4\u65B0\u3002",canceled:"\u5DF2\u53D6\u6D88\u3002",canceledNewCode:"\u5DF2\u53D6\u6D88\uFF0C\u4E8C\u7EF4\u7801\u5DF2\u66F4\u65B0\u3002",renewing:"\u6B63\u5728\u83B7\u53D6\u65B0\u7684\u4E8C\u7EF4\u7801\u2026",exhausted:"\u8FD8\u5728\u5417\uFF1F",newCode:"\u663E\u793A\u65B0\u7684\u4E8C\u7EF4\u7801",confirmed:"\u6B63\u5728\u767B\u5F55\u2026",offline:"\u8FDE\u63A5\u5DF2\u65AD\u5F00\uFF0C\u6B63\u5728\u91CD\u8BD5\u2026",failed:"\u51FA\u9519\u4E86\u3002"},T={en:I,zh:te};var ie=500,se=2e3,ne=["code","scanned","confirmed","canceled","expired","exhausted","error","offline","online"],re=globalThis.HTMLElement??class{},w=class extends re{static observedAttributes=["server","pool","code-challenge","lang","size","theme","name"];#e;#t="idle";#s="loading";#r="scan";#i=!1;#o=1;#a="";#f="";#m;#p=r("div","wait");#n=r("img","code");#h=r("div","avatar");#w=r("span","check");#c=r("p","match");#k=r("p","nickname");#u=r("button","button");#b=r("div","over",this.#h,this.#c,this.#k,this.#u);#d=r("a","link");#S=r("span","spoken");#L=r("span","sentence");#y=r("p","status",this.#S,this.#L);#v=r("span","bar");#T=r("p","countdown");#A=r("div","time",r("div","progress",this.#v),this.#T);#x=r("div","base",r("div","frame",this.#p,this.#n,this.#b),this.#d,this.#y,this.#A);constructor(){super();let e=this.attachShadow({mode:"open"});e.adoptedStyleSheets=[D()],this.#y.role="status",this.#y.tabIndex=-1,this.#w.ariaHidden=this.#v.ariaHidden="true",this.#u.type="button",this.#u.addEventListener("click",()=>this.#I()),this.#d.rel="noopener noreferrer",this.#n.addEventListener("error",()=>this.#_()),this.#n.addEventListener("load",()=>{this.#p.hidden=!0,this.#C()}),e.append(this.#x)}get state(){return this.#t}start(){this.#e?.stop(),this.#e=void 0,this.#i=!1,this.#r="scan",this.#l("loading","loading");let e=this.getAttribute("pool");if(!e)return;let t=this.getAttribute("server"),i=new g({server:t?new URL(t,document.baseURI):void 0,pool:e,codeChallenge:this.getAttribute("code-challenge")??""});this.#e=i;for(let s of ne)i.addEventListener(s,({detail:n})=>this.#R(s,n));clearInterval(this.#m),this.#m=setInterval(()=>this.#N(),ie),i.start()}stop(){this.#e?.stop(),this.#e=void 0,this.#i=!1,clearInterval(this.#m),this.#l("idle","scan")}refresh(){if(!this.#e||this.#t==="confirmed"){this.start();return}this.#r="hereIsNewCode",this.#l("renewing","renewing"),this.#e.refresh()}connectedCallback(){this.#e||this.start()}disconnectedCallback(){queueMicrotask(()=>{this.isConnected||this.stop()})}attributeChangedCallback(e,t,i){if(t!==i){if(/^(server|pool|code)/.test(e)){this.isConnected&&this.start();return}if(e==="size"){let s=Number(i);this.#x.style.setProperty("--width",s>0?`${s}px`:"")}this.#C()}}#I(){this.#t==="scanned"?this.refresh():this.start(),this.#y.focus()}#R(e,t){switch(e){case"code":this.#o=Math.max(1,t.expiresIn),this.#O(t),this.#l("waiting",this.#r),this.#r="scan";break;case"scanned":this.#o=Math.max(1,t.expiresIn),this.#U(t.userInfo),this.#f=t.matchCode??"",this.#l("scanned",this.#f?"match":"confirm");break;case"confirmed":this.#U(t.userInfo),this.#l("confirmed","confirmed");break;case"canceled":this.#r="canceledNewCode",this.#l("renewing","canceled");break;case"expired":this.#l("renewing","renewing");break;case"exhausted":this.#l("exhausted",this.#r==="canceledNewCode"?"canceled":"exhausted");break;case"error":console.error(`scan-login: ${t.reason}`),this.#l("failed","failed");break;default:this.#i=e==="offline",this.#C()}this.dispatchEvent(new CustomEvent(e,{detail:t}))}#O({svg:e,payload:t,appLink:i}){this.#n.src=e;let s=B(i||t);s?this.#d.href=s:this.#d.removeAttribute("href"),this.#d.target=s.startsWith("http")?"_blank":""}#_(){let{src:e}=this.#n;setTimeout(()=>{this.#n.src===e&&this.#t==="waiting"&&(this.#n.src=e)},se)}#U({nickname:e="",photo:t}){this.#a=e;let[i="?"]=e;if(this.#h.replaceChildren(i.toUpperCase()),t){let s=r("img","photo");s.alt="",s.referrerPolicy="no-referrer",s.addEventListener("error",()=>s.remove()),s.src=t,this.#h.append(s)}this.#h.append(this.#w)}#l(e,t){this.#t=e,this.#s=t,this.#C()}#g(e,t={}){let i=this.lang||this.closest("[lang]")?.getAttribute("lang")||navigator.language;return(T[i]?.[e]??T[i.split("-")[0].toLowerCase()]?.[e]??I[e]).replace(/\{(\w+)\}/g,(n,a)=>t[a]??"")}#C(){let e=this.#t,t=["exhausted","failed","idle"].includes(e),i=e==="scanned"||e==="confirmed";this.#x.dataset.state=e,this.#x.classList.toggle("offline",this.#i);let s=this.getAttribute("name")??"";this.#n.alt=this.#g(s?"altTo":"alt",{name:s}),this.#n.hidden=e==="idle"||e==="loading"||!this.#n.src,e==="loading"&&(this.#p.hidden=!1),t&&(this.#p.hidden=!0),this.#b.hidden=!i&&!t,this.#k.hidden=!i,this.#c.hidden=e!=="scanned"||!this.#f,this.#c.textContent=this.#f,this.#h.hidden=!i||!this.#c.hidden,this.#w.hidden=e!=="confirmed",this.#k.textContent=this.#a,this.#u.hidden=!t&&e!=="scanned",this.#u.classList.toggle("quiet",!t),this.#u.textContent=this.#g(t?"newCode":"notYou"),this.#d.hidden=e!=="waiting"||!this.#d.href,this.#d.textContent=this.#g("openApp"),this.#L.textContent=this.#g(this.#i?"offline":this.#s,{number:this.#f}),this.#S.textContent=e==="scanned"&&!this.#i?this.#g("scannedBy",{name:this.#a||"?"}):"",this.#A.classList.toggle("away",e!=="waiting"&&e!=="scanned"),this.#N()}#N(){let e=this.#e?.remaining??0,t=G(e);this.#n.classList.toggle("dim",this.#t!=="waiting"||e===0||!this.#n.complete),this.#v.style.transform=`scaleX(${Math.min(1,e/this.#o)})`,this.#T.textContent=this.#t==="scanned"?this.#g("timeLeft",{time:t}):e>0?this.#g("newCodeIn",{time:t}):this.#g("renewing")}};globalThis.customElements&&!customElements.get("scan-login")&&customElements.define("scan-login",w);export{g as ScanLogin,w as ScanLoginElement,T as words};
