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

// scanlogin.js is built from src.
//
//go:generate ./build.sh scanlogin.js

//go:embed *.css *.html *.js *.svg *.ts *.yaml
var files embed.FS

// assets are the files that the pages load.
var assets = []string{
	"mark.svg", "style.css", "page.js", "words.js",
	"login.css", "login.js", "authorize.js", "form-post.js", "phone.css", "phone.js", "docs.css",
}

// policy allows pages to load from and call this server only. Images may come from any https
// address, because photos of users and logos of pools do.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' https: data: blob:; connect-src 'self' ws: wss:; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Site is the data of a page's user pool.
type Site struct {
	Pool string // id
	Name string // shown to users; optional for [Link]

	Color string // of marks and buttons, #rrggbb; "": the default
}

// User is a user of the demo's phone page.
type User struct {
	ID   string // as POST /demo/token takes it
	Name string
}

// Module serves /scanlogin.js, the browser module, to pages of every origin.
func Module() http.Handler { return crossOrigin("scanlogin.js") }

// OpenAPI serves /openapi.yaml, the description of the REST API.
func OpenAPI() http.Handler { return crossOrigin("openapi.yaml") }

// Types serves /scanlogin.d.ts, the TypeScript declarations of the browser module.
func Types() http.Handler { return crossOrigin("scanlogin.d.ts") }

// AsyncAPI serves /asyncapi.yaml, the description of the messages of WebSockets and event
// streams. It refers to openapi.yaml in the same folder.
func AsyncAPI() http.Handler { return crossOrigin("asyncapi.yaml") }

// Docs serves /docs, a page that links to both descriptions and lists the endpoints.
func Docs() http.Handler { return page("docs.html", nil) }

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

// Login serves the demo's login page. The page exchanges the ticket itself, which the pool must
// allow, and links to the phone page at /phone.
func Login(site Site) http.Handler { return page("login.html", site) }

// Phone serves the demo's phone page, on which a visitor acts as one of users; at least one is
// required. The page gets tokens from /demo/token and photos from /demo/photo/<id>.svg, and
// sends pictures of codes to /demo/decode.
func Phone(users ...User) http.Handler { return page("phone.html", users) }

// Link serves the page at /s/<random> and /s/<pool>/<random> for visitors who opened the address in a code without the
// site's app. A zero site gives a neutral page.
func Link(site Site) http.Handler { return newDynamic("link.html", render(linkPage(), site)) }

var linkPage = sync.OnceValue(func() *template.Template { return parsePage("link.html") })

// Ended serves the page at /s/<random> for codes that do not exist or have ended, with status
// 404.
func Ended() http.Handler {
	a := page("ended.html", nil)
	a.notFound = true
	return a
}

// page returns a page that never changes.
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
