// Package web contains the pages, the browser module and the API descriptions that the server
// delivers.
//
// It guarantees that everything is in the binary and that no page loads anything from another
// server or contains inline code, so that the pages work under the strict content security
// policy of every response. A response never changes while the program runs; it has a strong
// ETag of its content, and browsers revalidate their copy. Pages refer to their assets by names
// that contain a hash, which browsers keep. Files are compressed with brotli or gzip if the
// client accepts it. Only GET and HEAD are allowed.
package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"sync"
)

// scanlogin.js is built from src, phone.js and decoder.js from phone, and the reference from the
// API descriptions.
//
//go:generate ./build.sh scanlogin.js scanlogin.js
//go:generate ./build.sh phone.js phone.js
//go:generate ./build.sh decoder.js decoder.js
//go:generate go run ./reference openapi.yaml asyncapi.yaml docs.html

//go:embed *.css *.html *.js *.svg *.ts *.yaml
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

// once is a file that is prepared when it is first requested, once in a process.
type once func() asset

func (f once) ServeHTTP(w http.ResponseWriter, r *http.Request) { f().ServeHTTP(w, r) }

var (
	module   = once(sync.OnceValue(func() asset { return crossOrigin("scanlogin.js") }))
	types    = once(sync.OnceValue(func() asset { return crossOrigin("scanlogin.d.ts") }))
	openAPI  = once(sync.OnceValue(func() asset { return crossOrigin("openapi.yaml") }))
	asyncAPI = once(sync.OnceValue(func() asset { return crossOrigin("asyncapi.yaml") }))
	docs     = once(sync.OnceValue(func() asset { return newAsset("docs.html", []byte(delivered("docs.html"))) }))
)

// Module serves /scanlogin.js, the browser module, to pages of every origin.
func Module() http.Handler { return module }

// OpenAPI serves /openapi.yaml, the description of the REST API.
func OpenAPI() http.Handler { return openAPI }

// Types serves /scanlogin.d.ts, the TypeScript declarations of the browser module.
func Types() http.Handler { return types }

// AsyncAPI serves /asyncapi.yaml, the description of the messages of WebSockets and event
// streams. It refers to openapi.yaml in the same folder.
func AsyncAPI() http.Handler { return asyncAPI }

// Docs serves /docs, the API reference, which is built from both descriptions.
func Docs() http.Handler { return docs }

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
	mux.HandleFunc("/assets/{name}", serveAsset)
	mux.HandleFunc("/assets/brand/{name}", serveBrand)
	mux.HandleFunc("/", notFound)
	return mux
}

func notFound(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	http.NotFound(w, r)
}

// page returns a page that never changes, with the parts that it includes.
func page(name string, data any, parts ...string) asset {
	return newAsset(name, render(parsePage(name, parts...), data))
}

// render cannot fail: the tests render every page.
func render(page *template.Template, data any) []byte {
	var body bytes.Buffer
	if err := page.Execute(&body, data); err != nil {
		panic(err)
	}
	return body.Bytes()
}

// read returns an embedded file. The tests read all of them.
func read(name string) []byte {
	body, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return body
}
