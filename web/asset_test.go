package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
)

func bodyIn(t *testing.T, res *http.Response) []byte {
	t.Helper()
	var r io.Reader = res.Body
	switch res.Header.Get("Content-Encoding") {
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Accept-Encoding is RFC 9110, 12.5.3.
func TestFilesAreCompressedAsTheClientAccepts(t *testing.T) {
	plain := read("scanlogin.js")
	for header, want := range map[string]string{
		"":                          "",
		"gzip, deflate, br, zstd":   "br",
		"gzip":                      "gzip",
		"GZip":                      "gzip",
		"br;q=0, gzip":              "gzip",
		"br; q=0.000, gzip; q=0.5":  "gzip",
		"*":                         "br",
		"*, br;q=0":                 "gzip",
		"br;q=0, *;q=0.1":           "gzip",
		"gzip;q=0, br;q=0":          "",
		"*;q=0":                     "",
		"identity":                  "",
		"brotli, x-gzip":            "",
		"br;q=much, gzip;q=0.1":     "gzip",
		";;;,,q=1,br":               "br",
		strings.Repeat("x,", 10000): "",
	} {
		res := call(Module(), http.MethodGet, "/scanlogin.js", "Accept-Encoding", header)
		if got := res.Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %.40q: Content-Encoding %q, want %q", header, got, want)
		}
		if res.Header.Get("Vary") != "Accept-Encoding" || !bytes.Equal(bodyIn(t, res), plain) {
			t.Errorf("Accept-Encoding %.40q: %v", header, res.Header)
		}
		if want != "" && res.ContentLength <= 0 {
			t.Errorf("Accept-Encoding %.40q: no length", header)
		}
	}
}

func TestEveryCodingHasItsETag(t *testing.T) {
	etags := make(map[string]bool)
	for _, coding := range []string{"", "br", "gzip"} {
		etag := call(Module(), http.MethodGet, "/scanlogin.js", "Accept-Encoding", coding).Header.Get("ETag")
		etags[etag] = true
		res := call(Module(), http.MethodGet, "/scanlogin.js", "Accept-Encoding", coding, "If-None-Match", etag)
		if res.StatusCode != http.StatusNotModified || res.Header.Get("Vary") != "Accept-Encoding" || res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%q: %d %v", coding, res.StatusCode, res.Header)
		}
	}
	if len(etags) != 3 {
		t.Errorf("three codings have the ETags %v", etags)
	}
}

func TestPartsAreOfThePlainFile(t *testing.T) {
	res := call(Module(), http.MethodGet, "/scanlogin.js", "Accept-Encoding", "br", "Range", "bytes=0-9")
	body := bodyIn(t, res)
	if res.StatusCode != http.StatusPartialContent || res.Header.Get("Content-Encoding") != "" || !bytes.Equal(body, read("scanlogin.js")[:10]) {
		t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
	}
	if res := call(Module(), http.MethodGet, "/scanlogin.js", "Accept-Encoding", "br", "If-Match", `"other"`); res.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("If-Match: %d", res.StatusCode)
	}
}

// A page that is made for a request costs no compression, which an attacker could ask for.
func TestOnlyFilesThatStayAreCompressed(t *testing.T) {
	for target, h := range map[string]http.Handler{
		"/s/x": NoticePage(LinkNotice, http.StatusOK, Site{Name: strings.Repeat("x", 10_000)}, false), "/assets/brand/c2185b.css": Assets(),
	} {
		res := call(h, http.MethodGet, target, "Accept-Encoding", "br, gzip")
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %v", target, res.StatusCode, res.Header)
		}
	}
}

func TestAssetsAreCompressedOnce(t *testing.T) {
	a := newAsset("x.css", bytes.Repeat([]byte("a{b:c}"), 1000))
	first := make([]*byte, 8)
	var all sync.WaitGroup
	for i := range first {
		all.Go(func() {
			first[i] = &a.choose(http.Header{"Accept-Encoding": {"br"}}).body[0]
		})
	}
	all.Wait()
	for _, p := range first {
		if p != first[0] {
			t.Fatal("compressed more than once")
		}
	}
}

// Browsers may keep what has a current hash in its name, and only that: another node may have
// another version.
func TestOnlyCurrentHashesAreImmutable(t *testing.T) {
	current := withHash("login.js", content("login.js"))
	for name, want := range map[string]string{
		current: immutable, "login.js": revalidate, "login.0123456789ab.js": revalidate, "style-login.css": revalidate,
	} {
		res := call(Assets(), http.MethodGet, "/assets/"+name)
		if got := res.Header.Get("Cache-Control"); res.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d, Cache-Control %q, want %q", name, res.StatusCode, got, want)
		}
	}
	for _, name := range []string{"other.0123456789ab.js", "login.0123456789ab.css.js", "web.go", "login.html", "login-style.css", "%2e%2e%2fweb.go"} {
		if res := call(Assets(), http.MethodGet, "/assets/"+name); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", name, res.StatusCode)
		}
	}
}

// One round trip loads all that the login page needs to ask for a code.
func TestLoginPageAnnouncesAllModules(t *testing.T) {
	text := bodyOf(Login(Site{Pool: "shop", Name: "Shop"}), "/login")
	for _, name := range []string{"page.js", "words.js"} {
		link := `<link rel="modulepreload" href="assets/` + withHash(name, content(name)) + `">`
		if !strings.Contains(text, link) {
			t.Errorf("the page does not have %s", link)
		}
		if !bytes.Contains(content("login.js"), []byte("./"+withHash(name, content(name))+"'")) {
			t.Errorf("login.js does not import %s by its hash", name)
		}
	}
	if !strings.Contains(text, `<link rel="modulepreload" href="scanlogin.js">`) {
		t.Error("the page does not announce the element")
	}
	if n := strings.Count(text, `rel="stylesheet"`); n != 1 {
		t.Errorf("the page has %d style sheets", n)
	}
}
