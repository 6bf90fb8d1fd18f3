// Package admin serves the console, where administrators see the user pools and their
// logins and change settings while nodes run. It belongs on the operators' listener,
// under /console, and serves HTML.
//
// It guarantees that nothing is shown or changed without a token from the
// configuration, of which only the hash is kept; that no other page can act for an
// administrator (CSRF); that a login session ends on every node at logout or after
// half an hour without a request; and that each login and each change is logged. All
// pages work without JavaScript; it adds charts, updates, and trying a pool.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/settings"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/web"
)

// Settings reads and changes the settings of pools.
type Settings interface {
	// Pools returns all pools with the settings that this node uses.
	Pools() []settings.Pool
	// History returns the last changes, newest first.
	History() []settings.Change
	// Change applies an edit; it is stored when Change returns nil. Errors:
	// settings.Problems, kv.ErrStale; any other error means that the store is
	// unavailable.
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

// Options configure a Console.
type Options struct {
	Admins      func() []Admin // the administrators in the current configuration
	Settings    Settings
	Store       kv.Store
	Public      http.Handler        // the public handler, for trying a pool
	PublicURL   string              // the address of Public
	DeadLetters webhook.DeadLetters // of webhooks
	Trail       func() []string     // last lines of this node's audit trail, newest first; nil: no trail
	Observe     func(Action)        // receives each action in addition to the log; must not block; nil: not called
	Log         *slog.Logger
}

// Console is an http.Handler for /console and all paths below it. Create it with New.
type Console struct {
	options Options
	handler http.Handler
	pages   map[language]map[string]*template.Template
	limiter *loginLimiter
}

// New returns a console. It starts no goroutines.
func New(o Options) *Console {
	c := &Console{options: o, pages: make(map[language]map[string]*template.Template), limiter: newLoginLimiter()}
	for _, l := range []language{english, chinese} {
		c.pages[l] = web.ConsolePages(l.functions())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /console/assets/", http.StripPrefix("/console", web.ConsoleAssets()))
	mux.HandleFunc("GET /console/login", c.showLogin)
	mux.HandleFunc("POST /console/login", c.login)
	mux.HandleFunc("POST /console/logout", c.requireLogin(c.logout))
	mux.HandleFunc("GET /console", c.requireLogin(c.showOverview))
	mux.HandleFunc("GET /console/pools", c.requireLogin(c.listPools))
	mux.HandleFunc("GET /console/pool", c.requireLogin(c.showPool))
	mux.HandleFunc("POST /console/pool", c.requireLogin(c.changePool))
	mux.HandleFunc("GET /console/changes", c.requireLogin(c.changes))
	mux.HandleFunc("GET /console/audit", c.requireLogin(c.auditEvents))
	mux.HandleFunc("GET /console/letters", c.requireLogin(c.deadLetters))
	mux.HandleFunc("POST /console/letters", c.requireLogin(c.resend))
	mux.HandleFunc(tryPath+"{call...}", c.requireLogin(c.tryPool))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.renderError(w, r, http.StatusNotFound, "Page not found", "Go back to the console.")
	})
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.renderError(w, r, http.StatusForbidden, "The request came from another site", "Nothing was changed. Use the console's own pages.")
	}))
	c.handler = protection.Handler(mux)
	return c
}

// policy allows pages to load from and call this server only. Images may come from any https
// address, because photos of users do.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; " +
	"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// maxForm bounds a form, in bytes: the settings of a pool with a few hundred origins.
const maxForm = 64 << 10

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers send the origin null with forms
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	keepLanguage(w, r)
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	c.handler.ServeHTTP(w, r)
}

// view is the data of a page's template.
type view struct {
	Title string
	Page  string // entry in the navigation
	Admin string // "" before the login
	CSRF  string
	Data  any

	Lang  language // set by render
	Other string   // address of the page in the other language
}

// render writes a page.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.Lang = languageOf(r)
	v.Other = inOtherLanguage(r, v.Lang)
	var body bytes.Buffer
	if err := c.pages[v.Lang][name].Execute(&body, v); err != nil {
		c.options.Log.Error("console page not rendered", "page", name, "error", err)
		http.Error(w, "The page cannot be rendered. See the log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // fails only if the client has gone
}

// renderError writes an error page with the problem and the cure.
func (c *Console) renderError(w http.ResponseWriter, r *http.Request, status int, problem, cure string) {
	c.render(w, r, status, "error", view{Title: problem, Data: cure})
}

// renderUnavailable writes that the store is unavailable.
func (c *Console) renderUnavailable(w http.ResponseWriter, r *http.Request, err error) {
	c.options.Log.Warn("console store unavailable", "error", err)
	w.Header().Set("Retry-After", "2")
	c.renderError(w, r, http.StatusServiceUnavailable, "The store does not answer",
		"All nodes keep their current settings. Whether a change that you just saved was stored is unknown. Check again when the store is available.")
}

// record logs an action and passes it to the observer.
func (c *Console) record(r *http.Request, a Action) {
	a.Time, a.IP = c.options.Store.Now(), host(r)
	c.options.Log.Info("console action", "action", a.Name, "admin", a.Admin, "ip", a.IP, "pool", a.Pool)
	if c.options.Observe != nil {
		c.options.Observe(a)
	}
}

// host returns the address of the client, or of the proxy in front of the console.
func host(r *http.Request) string {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return ip
}

// functions returns the functions of the templates.
func (l language) functions() template.FuncMap {
	return template.FuncMap{
		"clock":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"marked": func(text string) []span { return marked(l.text(text)) },
		"t":      l.text,
		"number": number,
		"words":  l.scriptWords,
	}
}

// number formats a value of a chart.
func number(v *float64) string {
	if v == nil {
		return unknown
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// scriptTexts are the texts of web/console/src.
var scriptTexts = [...]string{
	"Updated %s s ago", "The store does not answer.", "This node does not answer.", "This node answers with an error.",
	"The figures below are %s s old.", "Unsaved changes: %s", "nothing", "on", "off", "server default", "Copied", "Select the text and copy it.",
	"so far", "unknown", "The element shows a code that lives %s s.", "Scanned by %s.", "somebody", "Confirmed: the page received the ticket.", "Canceled.", "Expired.",
	"No more codes until the user asks.", "The connection is lost.", "The connection is back.", "Refused: %s",
	"Contrast with white text: %s. At least 4.5 is required.",
}

// scriptWords returns the texts of the scripts as JSON, by the English ones.
func (l language) scriptWords() (string, error) {
	words := make(map[string]string)
	for _, text := range scriptTexts {
		words[text] = l.text(text)
	}
	text, err := json.Marshal(words)
	return string(text), err
}

// span is a part of a text, as code or not.
type span struct {
	Code bool
	Text string
}

// marked splits a text at its backticks, which enclose code.
func marked(text string) (spans []span) {
	code := false
	for piece := range strings.SplitSeq(text, "`") {
		spans = append(spans, span{code, piece})
		code = !code
	}
	return spans
}
