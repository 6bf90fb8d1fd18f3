// Package web contains the pages, the browser module and the API descriptions that the server
// delivers.
//
// It guarantees that everything is in the binary and that no page loads anything from another
// server or contains inline code, so that the pages work under the strict content security
// policy of every response. A response never changes while the program runs; it has a strong
// ETag of its content, and browsers revalidate their copy. Only GET and HEAD are allowed.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"path"
	"time"
)

// scanlogin.js is built from src, phone.js and decoder.js from phone, and the reference from the
// API descriptions.
//
//go:generate ./build.sh scanlogin.js scanlogin.js
//go:generate ./build.sh phone.js phone.js
//go:generate ./build.sh decoder.js decoder.js
//go:generate go run ./reference openapi.yaml asyncapi.yaml docs.html

//go:embed *.css *.html *.js *.svg *.yaml
var files embed.FS

// assets are the files that the pages load.
var assets = []string{
	"mark.svg", "style.css", "page.js", "words.js",
	"demo.css", "demo.js", "login.css", "login.js", "authorize.js", "form-post.js", "phone.css", "phone.js", "decoder.js", "docs.css", "docs.js",
}

// policy allows pages to load from and call this server only. Images may come from any https
// address, because photos of users and logos of pools do.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' https: data: blob:; connect-src 'self' ws: wss:; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Site is the data of a page's user pool.
type Site struct {
	Pool string // id
	Name string // shown to users; optional for [NoticePage]

	Color string // of marks and buttons, #rrggbb; "": the default
	Logo  string // address of an image; "": the mark
}

// Module serves /scanlogin.js, the browser module, to pages of every origin.
func Module() http.Handler { return crossOrigin("scanlogin.js") }

// OpenAPI serves /openapi.yaml, the description of the REST API.
func OpenAPI() http.Handler { return crossOrigin("openapi.yaml") }

// AsyncAPI serves /asyncapi.yaml, the description of the messages of WebSockets and event
// streams. It refers to openapi.yaml in the same folder.
func AsyncAPI() http.Handler { return crossOrigin("asyncapi.yaml") }

// Docs serves /docs, the API reference, which is built from both descriptions.
func Docs() http.Handler { return newAsset("docs.html", read("docs.html")) }

// crossOrigin returns an asset for pages of every origin.
func crossOrigin(name string) asset {
	a := newAsset(name, read(name))
	a.crossOrigin = true
	return a
}

// Assets serves the assets of the pages. Mount it at /assets/; below another path, strip the
// prefix.
func Assets() http.Handler {
	mux := http.NewServeMux()
	for _, name := range assets {
		mux.Handle("/assets/"+name, newAsset(name, read(name)))
	}
	mux.HandleFunc("/assets/brand/{name}", serveBrand)
	mux.HandleFunc("/", notFound)
	return mux
}

func notFound(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	http.NotFound(w, r)
}

// page renders a page, with the parts that it includes. Only an invalid template can make it fail; the tests render every page.
func page(name string, data any, parts ...string) asset {
	var body bytes.Buffer
	t := template.Must(template.ParseFS(files, append([]string{name}, parts...)...))
	if err := t.Execute(&body, data); err != nil {
		panic(err)
	}
	return newAsset(name, body.Bytes())
}

// read returns an embedded file. The tests read all of them.
func read(name string) []byte {
	body, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return body
}

// asset serves a file.
type asset struct {
	contentType string
	etag        string
	body        []byte
	crossOrigin bool // pages of other origins may load it
}

func newAsset(name string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{
		contentType: contentTypes[path.Ext(name)],
		etag:        `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`,
		body:        body,
	}
}

// contentTypes by extension, because the table of the system may differ.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".yaml": "application/yaml", // RFC 9512
}

func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	secure(h)
	if a.crossOrigin {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", a.etag)
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

// secure sets the security headers of every response.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
