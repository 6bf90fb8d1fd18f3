package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hostile is a name that contains markup.
const hostile = `"><script>alert(1)</script>`

// pages returns all pages, with hostile data.
func pages() map[string]http.Handler {
	site := Site{Pool: "5fae2648201cfd526f0ec354", Name: hostile, Color: "#c2185b"}
	demo := DemoSite{Site: site, PublicURL: "https://scan.example.com", Users: []User{{ID: "alice", Name: hostile}, {ID: "bob", Name: "Bob"}}}
	return map[string]http.Handler{
		"/":               Demo(demo),
		"/login":          Login(site),
		"/phone":          Phone(demo),
		"/s/of-a-site":    NoticePage(LinkNotice, http.StatusOK, site, false),
		"/s/without-name": NoticePage(LinkNotice, http.StatusOK, Site{}, true),
		"/docs":           Docs(),
	}
}

func call(h http.Handler, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// Errors are pages of their status that are not kept, in the reader's language first.
func TestNoticesHaveTheirStatusAndTheReadersLanguageFirst(t *testing.T) {
	for notice, texts := range notices {
		for chinese, titles := range map[bool][2]string{false: {texts.en.Title, texts.zh.Title}, true: {texts.zh.Title, texts.en.Title}} {
			page := NoticePage(notice, http.StatusServiceUnavailable, Site{}, chinese)
			res := call(page, http.MethodGet, "/")
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%d: %d %v", notice, res.StatusCode, res.Header)
			}
			first, second := strings.Index(string(body), "<h1>"+titles[0]), strings.Index(string(body), "<h2>"+titles[1])
			if first < 0 || second < first || strings.Contains(string(body), "{site}") {
				t.Errorf("%d, Chinese %v: the titles are at %d and %d in\n%s", notice, chinese, first, second, body)
			}
			if head := call(page, http.MethodHead, "/"); head.StatusCode != res.StatusCode || head.ContentLength > 0 {
				t.Errorf("%d: HEAD %d, %d bytes", notice, head.StatusCode, head.ContentLength)
			}
		}
	}
}

func TestNoticesShowTheLogoOfTheSite(t *testing.T) {
	const logo = "https://cdn.example.com/logo.png"
	if text := bodyOf(NoticePage(LinkNotice, 200, Site{Name: "Shop", Logo: logo}, false), "/"); !strings.Contains(text, `src="`+logo+`"`) || !strings.Contains(text, "the app of Shop") {
		t.Error(text)
	}
	if text := bodyOf(NoticePage(LinkNotice, 200, Site{Logo: "javascript:alert(1)"}, false), "/"); strings.Contains(text, "javascript") {
		t.Error(text)
	}
}

func bodyOf(h http.Handler, target string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w.Body.String()
}

// everything returns all paths with their handlers.
func everything() map[string]http.Handler {
	all := pages()
	all["/scanlogin.js"], all["/openapi.yaml"], all["/asyncapi.yaml"], all["/scanlogin.d.ts"] = Module(), OpenAPI(), AsyncAPI(), Types()
	for _, name := range append([]string{"brand/c2185b.css", "brand/c2185b.svg"}, assets...) {
		all["/assets/"+name] = Assets()
	}
	return all
}

// wantedPolicy is the required policy: no frames, no inline code, only the server's own code.
var wantedPolicy = map[string]string{
	"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' https: data: blob:", "connect-src": "'self' ws: wss:",
	"object-src": "'none'", "base-uri": "'none'", "form-action": "'self'", "frame-ancestors": "'none'",
}

// directives parses a policy (CSP 3).
func directives(policy string) map[string]string {
	all := make(map[string]string)
	for directive := range strings.SplitSeq(policy, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), " ")
		all[name] = value
	}
	return all
}

func TestEveryResponseHasThePolicy(t *testing.T) {
	all := everything()
	all["/assets/absent.js"], all["/s/over"] = Assets(), NoticePage(EndedNotice, http.StatusNotFound, Site{}, false)
	for target, h := range all {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			header := call(h, method, target).Header
			for name, want := range map[string]string{
				"X-Content-Type-Options":     "nosniff",
				"X-Frame-Options":            "DENY",
				"Referrer-Policy":            "no-referrer",
				"Cross-Origin-Opener-Policy": "same-origin",
			} {
				if got := header.Get(name); got != want {
					t.Errorf("%s %s: %s is %q, want %q", method, target, name, got, want)
				}
			}
			if got := directives(header.Get("Content-Security-Policy")); !maps.Equal(got, wantedPolicy) {
				t.Errorf("%s %s: the policy is %q, want %q", method, target, got, wantedPolicy)
			}
		}
	}
}

func TestEveryResponseHasItsType(t *testing.T) {
	for target, h := range everything() {
		want := contentTypes[path.Ext(target)]
		if want == "" {
			want = contentTypes[".html"]
		}
		res := call(h, http.MethodGet, target)
		if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d %q, want %q", target, res.StatusCode, got, want)
		}
	}
}

func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	for target, h := range everything() {
		first := call(h, http.MethodGet, target)
		etag := first.Header.Get("ETag")
		if etag == "" || first.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: ETag %q, Cache-Control %q", target, etag, first.Header.Get("Cache-Control"))
		}
		if res := call(h, http.MethodGet, target, "If-None-Match", etag); res.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d for the same ETag, want 304", target, res.StatusCode)
		}
		if res := call(h, http.MethodGet, target, "If-None-Match", `"other"`); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d for another ETag, want 200", target, res.StatusCode)
		}
	}
	if etag(Login(Site{Name: "One"})) == etag(Login(Site{Name: "Two"})) {
		t.Error("two pages have one ETag")
	}
}

func etag(h http.Handler) string {
	return call(h, http.MethodGet, "/").Header.Get("ETag")
}

func TestOnlyGetAndHeadAreAllowed(t *testing.T) {
	for target, h := range everything() {
		if res := call(h, http.MethodHead, target); res.StatusCode != http.StatusOK || res.ContentLength <= 0 {
			t.Errorf("HEAD %s: %d, length %d", target, res.StatusCode, res.ContentLength)
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			res := call(h, method, target)
			if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, target, res.StatusCode, res.Header.Get("Allow"))
			}
		}
	}
}

func TestOnlyModuleAndDescriptionsAllowOtherOrigins(t *testing.T) {
	for target, h := range everything() {
		header := call(h, http.MethodGet, target, "Origin", "https://www.example.com").Header
		origin, resource := "", "same-origin"
		if ext := path.Ext(target); ext == ".yaml" || target == "/scanlogin.js" || target == "/scanlogin.d.ts" {
			origin, resource = "*", "cross-origin"
		}
		if got := header.Get("Access-Control-Allow-Origin"); got != origin {
			t.Errorf("%s: Access-Control-Allow-Origin is %q, want %q", target, got, origin)
		}
		if got := header.Get("Cross-Origin-Resource-Policy"); got != resource {
			t.Errorf("%s: Cross-Origin-Resource-Policy is %q, want %q", target, got, resource)
		}
	}
}

// The policy blocks inline code, so pages must not need it.
func TestPagesHaveNoInlineCode(t *testing.T) {
	withSource := regexp.MustCompile(`<script type="module" src="[^"]+"></script>`) // imports are announced by links
	inline := regexp.MustCompile(`(?i)<style|<script|\s(?:style|on\w+)\s*=|javascript:`)
	for target, h := range pages() {
		text := withSource.ReplaceAllString(bodyOf(h, target), "")
		if at := inline.FindString(text); at != "" {
			t.Errorf("%s has %q inline", target, at)
		}
	}
}

func TestNamesAreEscaped(t *testing.T) {
	for _, target := range []string{"/", "/login", "/phone", "/s/of-a-site"} {
		text := bodyOf(pages()[target], target)
		if strings.Contains(text, "<script>alert") || !strings.Contains(text, "&lt;script&gt;alert") {
			t.Errorf("%s takes a name for markup", target)
		}
	}
}

// A login page loads the module before it can show a code. The limit is what the states, icons
// and texts of the element need; with it, the demo's login page stays below 40 KB.
func TestModuleIsSmall(t *testing.T) {
	const most = 15_000 // bytes, compressed
	var compressed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if _, err := w.Write(read("scanlogin.js")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := compressed.Len(); n > most {
		t.Errorf("the module has %d bytes compressed, %d are the most", n, most)
	}
}

// markup matches everything that turns text into elements or code: the injection sinks of
// Trusted Types, and parsers whose result can be inserted.
var markup = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|setHTML|parseHTML|document\s*\.\s*write|createContextualFragment|DOMParser|parseFromString` +
	`|XSLTProcessor|execCommand|srcdoc|\beval\b|\bFunction\b\s*\(|set(?:Timeout|Interval)\(\s*['"` + "`" + `]|javascript:|setAttribute(?:NS)?\(\s*['"` + "`" + `]on`)

func TestMarkupIsRecognized(t *testing.T) {
	for _, code := range []string{
		"e.innerHTML = t", "e.outerHTML = t", "e.insertAdjacentHTML('beforeend', t)", "e.setHTML(t)", "e.setHTMLUnsafe(t)", "Document.parseHTMLUnsafe(t)",
		"Document.parseHTML(t)", "document.write(t)", "document.writeln(t)", "document . write(t)", "range.createContextualFragment(t)", "new DOMParser()",
		"p.parseFromString(t, 'text/html')", "new XSLTProcessor()", "document.execCommand('insertHTML', false, t)", "f.srcdoc = t", "eval(t)", "(0, eval)(t)", "new Function(t)", "Function(t)",
		"setTimeout('x()', 1)", "setInterval(`x()`)", "a.href = 'javascript:x'", "e.setAttribute('onclick', t)",
	} {
		if !markup.MatchString(code) {
			t.Errorf("%s is not recognized", code)
		}
	}
	for _, code := range []string{"e.textContent = t", "e.append(t)", "setTimeout(resolve, 1)", "function f() {}", "e.setAttribute('lang', t)"} {
		if at := markup.FindString(code); at != "" {
			t.Errorf("%s is taken for markup for %s", code, at)
		}
	}
}

// Modules can only insert text.
func TestModulesMakeNoMarkupFromText(t *testing.T) {
	for _, name := range append([]string{"scanlogin.js"}, assets...) {
		if at := markup.Find(read(name)); at != nil {
			t.Errorf("%s uses %s", name, at)
		}
	}
}

// All references of pages and modules are served, and all embedded files are used.
func TestReferencesAreServed(t *testing.T) {
	inPage := regexp.MustCompile(`(?:src|href|data-\w+)="/?(assets/[^"]+)"`)
	inModule := regexp.MustCompile(`['"]\./([^'"]+\.js)['"]`)
	var used []string // besides the module, which is at the root
	all := pages()
	for target, h := range perRequestPages() {
		all[target] = h
	}
	for target, h := range all {
		for _, match := range inPage.FindAllStringSubmatch(bodyOf(h, target), -1) {
			used = append(used, strings.TrimPrefix(match[1], "assets/"))
		}
	}
	for _, name := range assets {
		for _, match := range inModule.FindAllStringSubmatch(bodyOf(Assets(), "/assets/"+name), -1) {
			if !strings.HasPrefix(match[1], "src/") { // a type in a comment
				used = append(used, match[1])
			}
		}
	}
	for i, name := range used {
		res := call(Assets(), http.MethodGet, "/assets/"+name)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s is referred to and not served", name)
		}
		if path.Dir(name) == "brand" {
			continue
		}
		parts := hashedName.FindStringSubmatch(name)
		if parts == nil || res.Header.Get("Cache-Control") != immutable {
			t.Errorf("%s is referred to without a current hash", name)
			continue
		}
		used[i] = parts[1] + parts[3]
	}
	for _, name := range assets {
		joined := func(other string) bool { // in the style sheet of a page
			return path.Ext(name) == ".css" && slices.Contains(strings.Split(strings.TrimSuffix(other, ".css"), "-"), strings.TrimSuffix(name, ".css"))
		}
		if !slices.Contains(used, name) && !slices.ContainsFunc(used, joined) {
			t.Errorf("%s is served and not used", name)
		}
	}
	embedded, err := fs.Glob(files, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range embedded {
		if ext := path.Ext(name); ext != ".html" && ext != ".yaml" && ext != ".ts" && name != "scanlogin.js" && !slices.Contains(assets, name) {
			t.Errorf("%s is embedded and not served", name)
		}
	}
}

// Pages look up words by name.
func TestPagesAskForWordsThatExist(t *testing.T) {
	asked := regexp.MustCompile(`data-(?:word|hint)="([^"]+)"`)
	words := string(read("words.js"))
	for target, h := range pages() {
		for _, match := range asked.FindAllStringSubmatch(bodyOf(h, target), -1) {
			if strings.Count(words, "\n  "+match[1]+": '") != 2 {
				t.Errorf("%s: %q is not a word of two languages", target, match[1])
			}
		}
	}
}
