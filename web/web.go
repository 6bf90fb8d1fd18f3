// Package web holds the pages, the browser module and the descriptions of the
// interface that the server hands out.
//
// It promises: everything is in the binary and nothing is fetched from elsewhere
// or written inline, so that the pages work under the strict policy that every
// answer carries. An answer's bytes never change once they were given; each has
// a strong ETag made of them, and a browser asks before it uses a copy. Only GET
// and HEAD are answered.
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

//go:embed *.css *.html *.js *.svg *.yaml
var files embed.FS

// assets are what the pages refer to.
var assets = []string{
	"mark.svg", "style.css", "page.js", "words.js",
	"login.css", "login.js", "phone.css", "phone.js", "docs.css",
}

// policy lets a page load and call its own server only. Pictures may come from
// anywhere with a certificate: users' photos do, and a pool's logo.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' https: data: blob:; connect-src 'self' ws: wss:; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Site is what a page says about the user pool that it is for.
type Site struct {
	Pool string // id
	Name string // shown to people; [Link] does without
	Logo string // address of a picture; absent: scanlogin's mark
}

// User is somebody whom the demo's phone can be.
type User struct {
	ID   string // as POST /demo/token takes it
	Name string
}

// Module serves /scanlogin.js, the browser module, to pages of every origin.
func Module() http.Handler { return foreign("scanlogin.js") }

// foreign is a file for pages of every origin.
func foreign(name string) asset {
	a := newAsset(name, read(name))
	a.foreign = true
	return a
}

// Assets serves what the pages are made of. It is to be mounted at /assets/,
// beside the pages; elsewhere, strip what comes before.
func Assets() http.Handler {
	mux := http.NewServeMux()
	for _, name := range assets {
		mux.Handle("/assets/"+name, newAsset(name, read(name)))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		http.NotFound(w, r)
	})
	return mux
}

// Login serves the demo's login page. It exchanges the ticket itself, so the
// site's pool must allow that, and leads to the phone page at /phone.
func Login(site Site) http.Handler { return page("login.html", site) }

// Phone serves the demo's phone page, on which one is any of users, of whom there
// must be one at least. It gets tokens from /demo/token and photos from
// /demo/photo/<id>.svg, and has pictures of codes read by /demo/decode.
func Phone(users ...User) http.Handler { return page("phone.html", users) }

// Link serves the page at /s/<random> for who followed the address in a picture
// with something else than the site's app. A zero site is nobody's.
func Link(site Site) http.Handler { return page("link.html", site) }

// Over serves the page at /s/<random> where there is no such code any more, with
// 404.
func Over() http.Handler {
	a := newAsset("over.html", read("over.html"))
	a.absent = true
	return a
}

// page fills in a page. That can fail for a wrong template only, never for what
// is filled in; the tests make every page.
func page(name string, data any) asset {
	var body bytes.Buffer
	if err := template.Must(template.ParseFS(files, name)).Execute(&body, data); err != nil {
		panic(err)
	}
	return newAsset(name, body.Bytes())
}

// read returns an embedded file; the tests read all of them.
func read(name string) []byte {
	body, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return body
}

// asset answers with one file.
type asset struct {
	contentType string
	etag        string
	body        []byte
	foreign     bool // pages of other origins may load it
	absent      bool // it stands for what is not there
}

func newAsset(name string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{
		contentType: contentTypes[path.Ext(name)],
		etag:        `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`,
		body:        body,
	}
}

// contentTypes by ending, since the system's table may say something else.
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
	if a.foreign {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", a.contentType)
	if a.absent {
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNotFound)
		if r.Method == http.MethodGet {
			_, _ = w.Write(a.body) // an error: nobody reads it
		}
		return
	}
	h.Set("ETag", a.etag)
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

// secure sets what every answer carries.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
