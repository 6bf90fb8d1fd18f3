// Package admin serves the console, where administrators see the user pools and their
// logins and change settings while nodes run. It belongs on the operators' listener,
// under /console, and serves HTML.
//
// It guarantees that nothing is shown or changed without a token from the
// configuration, of which only the hash is kept; that no other page can act for an
// administrator (CSRF); that a login session ends on every node at logout or after
// half an hour without a request; and that each login and each change is logged. All
// pages work without JavaScript, except the one to try a pool.
package admin

import (
	"bytes"
	"context"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/settings"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/web"
)

// Desk is where settings are changed.
type Desk interface {
	// Pools returns all pools as they stand on this node.
	Pools() []settings.Pool
	// History returns the last changes, newest first.
	History() []settings.Change
	// Change makes an edit that has been stored when it returns. Errors:
	// overlay.Problems, shelf.ErrStale; any other: the store does not answer.
	Change(ctx context.Context, e settings.Edit) error
}

// Action is something that an administrator did in the console, or a login that was
// refused.
type Action struct {
	Time  time.Time // by the store's clock
	Name  string    // "login", "login_refused", "logout", "change" or "resend"
	Admin string    // name of the administrator; "" for login_refused
	IP    string    // of the caller
	Pool  string    // id of the pool whose settings changed or whose messages were resent
}

// Options are a Console's surroundings.
type Options struct {
	Admins    func() []Admin // those of the configuration as it is now
	Desk      Desk
	Shelf     kv.Shelf
	Public    http.Handler        // what browsers and phones call, for trying a pool
	PublicURL string              // its address
	Letters   webhook.DeadLetters // messages of webhooks that were given up
	Trail     func() []string     // the last lines of this node's audit trail, newest first; nil: there is none
	Observe   func(Action)        // receives each action in addition to the log; must not block; nil: not called
	Log       *slog.Logger
}

// Console is an http.Handler for /console and what is below. Make it with New.
type Console struct {
	options Options
	handler http.Handler
	pages   map[string]*template.Template
	tries   *tries
}

// New makes a console. It starts nothing.
func New(o Options) *Console {
	c := &Console{options: o, pages: web.ConsolePages(functions), tries: newTries()}
	mux := http.NewServeMux()
	mux.Handle("GET /console/assets/", http.StripPrefix("/console", web.ConsoleAssets()))
	mux.HandleFunc("GET /console/login", c.showLogin)
	mux.HandleFunc("POST /console/login", c.login)
	mux.HandleFunc("POST /console/logout", c.inside(c.logout))
	mux.HandleFunc("GET /console", c.inside(c.live))
	mux.HandleFunc("GET /console/pools", c.inside(c.listPools))
	mux.HandleFunc("GET /console/pool", c.inside(c.showPool))
	mux.HandleFunc("POST /console/pool", c.inside(c.changePool))
	mux.HandleFunc("GET /console/changes", c.inside(c.changes))
	mux.HandleFunc("GET /console/letters", c.inside(c.letters))
	mux.HandleFunc("POST /console/letters", c.inside(c.resend))
	mux.HandleFunc(tryPath+"{call...}", c.inside(c.try))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		c.sorry(w, http.StatusNotFound, "There is no such page", "Go back to the console.")
	})
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.sorry(w, http.StatusForbidden, "This came from another site", "Nothing was changed. Use the console's own pages.")
	}))
	c.handler = foreign.Handler(mux)
	return c
}

// policy lets a page load and call its own server only. Pictures may come from
// anywhere with a certificate: users' photos do.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; " +
	"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// maxForm bounds what is read of a form, in bytes: a pool's settings with some
// hundred origins.
const maxForm = 64 << 10

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with none, browsers call a form's origin null
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	c.handler.ServeHTTP(w, r)
}

// view is what every page is made of.
type view struct {
	Title string
	Page  string // which one of the navigation
	Admin string // "" if nobody is logged in
	CSRF  string
	Data  any
}

// show writes a page.
func (c *Console) show(w http.ResponseWriter, status int, name string, v view) {
	var body bytes.Buffer
	if err := c.pages[name].Execute(&body, v); err != nil {
		c.options.Log.Error("a page of the console cannot be made", "page", name, "error", err)
		http.Error(w, "The page cannot be made; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // fails only when nobody listens any more
}

// sorry writes a page that says what is wrong and the cure.
func (c *Console) sorry(w http.ResponseWriter, status int, what, cure string) {
	c.show(w, status, "sorry", view{Title: what, Data: cure})
}

// away writes that the store does not answer.
func (c *Console) away(w http.ResponseWriter, err error) {
	c.options.Log.Warn("the console's store does not answer", "error", err)
	w.Header().Set("Retry-After", "2")
	c.sorry(w, http.StatusServiceUnavailable, "The store does not answer",
		"Each node keeps the settings that it has. Whether a change that was just saved is stored is not known: look again when the store is back.")
}

// record logs an action and passes it to the observer.
func (c *Console) record(r *http.Request, a Action) {
	a.Time, a.IP = c.options.Shelf.Now(), host(r)
	c.options.Log.Info("console action", "action", a.Name, "admin", a.Admin, "ip", a.IP, "pool", a.Pool)
	if c.options.Observe != nil {
		c.options.Observe(a)
	}
}

// host is who calls; behind a proxy, that.
func host(r *http.Request) string {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return ip
}

// functions are what the pages can call.
var functions = template.FuncMap{
	"clock":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"marked": marked,
}

// span is a piece of text that may be code.
type span struct {
	Code bool
	Text string
}

// marked takes a text apart at its backticks, between which is code.
func marked(text string) (spans []span) {
	code := false
	for piece := range strings.SplitSeq(text, "`") {
		spans = append(spans, span{code, piece})
		code = !code
	}
	return spans
}
