// Package server is the public HTTP interface: REST, pictures, and the routes of the push.
//
// It decodes requests, calls packages login and push, and encodes the results. It guarantees that every
// error is a row of the table in error_table.go, whatever is received, and that a page is told
// each state in order, or is told to connect again. It has no rules of the protocol (see
// session) and no limits (see login).
package server

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/association"
	"github.com/scanlogin/scanlogin/internal/expiry"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/loglimit"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/server/connlimit"
	"github.com/scanlogin/scanlogin/server/oidc"
	"github.com/scanlogin/scanlogin/server/push"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/web"
)

// Options are the settings and dependencies of a Server, in addition to those of the use
// cases. Hub is required.
type Options struct {
	login.Options
	Hub *hub.Hub // its Run belongs to the caller, and must outlive the server's

	TrustedProxies []netip.Prefix       // proxies whose X-Forwarded-For is trusted
	Tracer         Tracer               // traces calls; nil: no tracing
	Metrics        http.Handler         // answers /metrics on Ops; nil: 404
	DrainDelay     time.Duration        // from "not ready" to the closing of the listener
	BusAge         func() time.Duration // time since the last message of the bus; nil: readiness ignores it

	// Pushed is called when a page that waits has been sent a step, with the time since the
	// step. It must not block. nil: not called.
	Pushed func(pool string, delay time.Duration)

	// PhonePage is the path to which /s/<random> redirects if the pool has no app link, with
	// ?code=<random>; "": a page that explains the code.
	PhonePage string
	// Fallback serves paths without a route; nil: 404, and a page about the server at /.
	Fallback http.Handler

	maxConnections int // for tests: limit of open connections; 0: derived from the limit of open files
}

// Server serves many pools. Create it with New.
type Server struct {
	login      *login.Service
	publicURL  string
	secure     bool // publicURL is https
	store      session.Store
	hub        *hub.Hub
	signer     *token.Signer
	drainDelay time.Duration
	busAge     func() time.Duration
	place      func(addr netip.Addr, lang string) (country, name string)
	phonePage  string
	fallback   http.Handler
	pushed     func(pool string, delay time.Duration)
	metrics    http.Handler
	tracer     Tracer
	expiry     *expiry.Reporter // nil: no observers
	log        *slog.Logger
	mistakes   *mistakes
	quiet      *loglimit.Logger // for what each call can cause; keyed by kindOf

	echo     *echo.Echo
	pictures *pictures
	push     *push.Server
	oidc     *oidc.Provider
	clients  *connlimit.Limiter
	ready    *readiness

	leaving atomic.Bool // readiness is off
}

// apiPath is where the SDKs look, newPath where GenAuth's newer documents do.
const (
	apiPath = "/api/v2/qrcode"
	newPath = "/api/qrcode"
)

// New creates a server. It starts nothing; Run does.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Place == nil {
		o.Place = func(netip.Addr, string) (country, name string) { return "", "" }
	}
	s := &Server{
		publicURL: strings.TrimSuffix(o.PublicURL, "/"), secure: strings.HasPrefix(o.PublicURL, "https:"),
		store: o.Store, hub: o.Hub, signer: o.Signer,
		drainDelay: o.DrainDelay, busAge: o.BusAge, place: o.Place, phonePage: o.PhonePage, fallback: o.Fallback,
		mistakes: newMistakes(o.PublicURL, o.TrustedProxies, o.Log),
		pushed:   o.Pushed, metrics: o.Metrics, tracer: o.Tracer,
		log: o.Log, quiet: loglimit.New(o.Log, quietFor), pictures: newPictures(),
		ready: newReadiness(o.Store, o.Log),
	}
	if len(o.Observers) > 0 {
		s.expiry = expiry.New(o.Store, o.Observers.Emit, o.Log)
		o.Observers = append(slices.Clip(o.Observers), s.expiry.Observe)
	}
	s.login = login.New(o.Options)
	s.push = push.New(push.Options{
		Login: s.login, Hub: o.Hub, Pushed: o.Pushed, Log: o.Log, PictureURL: s.pictureURL,
		ErrorName: func(err error) string { return rowOf(err).name }, Describe: describeIn, Refused: s.mistakes.noteRefusal,
	})
	s.oidc = oidc.New(oidc.Options{
		PublicURL: o.PublicURL, Login: s.login, Signer: o.Signer, Log: o.Log,
		PrefersChinese: func(h http.Header) bool { return localeOf(h) == chinese },
	})
	s.clients = newConnLimiter(o, s.login.Limits())
	s.echo = s.routes(o.TrustedProxies)
	return s
}

func (s *Server) routes(trusted []netip.Prefix) *echo.Echo {
	e := echo.New()
	reading := []string{http.MethodGet, http.MethodHead}
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = ipExtractor(trusted, s.log)
	e.Use(s.begin)
	if s.tracer != nil {
		e.Use(s.traced)
	}
	e.Use(recovered, s.elsewhere, s.api)
	for _, base := range []string{apiPath, newPath} {
		g := e.Group(base)
		g.POST("/gene", handle(s.gene), s.changes)
		g.GET("/check", handle(s.check))
		g.POST("/typed-code", handle(s.typedCode))
		g.POST("/userinfo", handle(s.userinfo))
		g.POST("/scanned", handle(s.scanned), s.changes)
		g.POST("/confirm", handle(s.confirm), s.changes)
		g.POST("/cancel", handle(s.cancel), s.changes)
		g.Match(reading, "/image/:name", handle(s.picture))
		g.GET("/ws", handle(s.socket))
		g.GET("/events", handle(s.events))
	}
	s.authingRoutes(e)
	e.Match(reading, "/.well-known/jwks.json", s.jwks)
	e.Match(reading, "/.well-known/apple-app-site-association", s.appsOf(association.Apple))
	e.Match(reading, "/.well-known/assetlinks.json", s.appsOf(association.Android))
	e.Match(reading, "/scanlogin.js", echo.WrapHandler(web.Module()))
	e.Match(reading, "/scanlogin.d.ts", echo.WrapHandler(web.Types()))
	e.Match(reading, "/openapi.yaml", echo.WrapHandler(web.OpenAPI()))
	e.Match(reading, "/asyncapi.yaml", echo.WrapHandler(web.AsyncAPI()))
	e.Match(reading, "/docs", echo.WrapHandler(web.Docs()))
	e.Match(reading, "/assets/*", echo.WrapHandler(web.Assets()))
	e.Match(reading, "/s/:random", handle(s.link))
	e.Match(reading, "/s/:pool/:random", handle(s.link))
	s.oidcRoutes(e)
	return e
}

// authingRoutes adds what Authing's clients request besides the v2 calls.
func (s *Server) authingRoutes(e *echo.Echo) {
	v3 := e.Group(v3Path)
	v3.POST("/gene-qrcode", handle(s.v3Gene), s.changes)
	for _, prefix := range []string{"/get", "/check"} { // two generations of the same calls
		v3.GET(prefix+"-qrcode-status", handle(s.v3Status))
	}
	for _, prefix := range []string{"/set", "/change"} {
		v3.POST(prefix+"-qrcode-status", handle(s.v3Step), s.changes)
	}
	v3.POST("/exchange-tokenset-with-qrcode-ticket", handle(s.v3Exchange))
	v3.GET("/get-profile", handle(s.v3Profile))
	applications := e.Group("/api/v2/applications/:app")
	applications.GET("/public-config", handle(s.publicConfig))
	applications.GET("/components-public-config/guard", handle(s.guardConfig))
	e.POST("/graphql/v2", handle(graphQL))
	e.Match([]string{http.MethodGet, http.MethodHead}, "/svg-string/guard", handle(guardIcons))
}

// elsewhere passes requests without a route to the fallback. Without one, it tells people who
// open / what this server is.
func (s *Server) elsewhere(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if !errors.Is(err, echo.ErrNotFound) || isAPI(c.Request()) {
			return err
		}
		handler := s.fallback
		if handler == nil && c.Request().URL.Path == "/" && wantsPage(c.Request()) {
			handler = web.NoticePage(web.FrontNotice, http.StatusOK, web.Site{}, localeOf(c.Request().Header) == chinese)
		}
		if handler == nil {
			return err
		}
		handler.ServeHTTP(c.Response(), c.Request())
		return nil
	}
}

// Sockets returns how many WebSocket connections are open.
func (s *Server) Sockets() int { return s.push.Sockets() }

// Handler returns the whole public interface, for another HTTP server than Run's. Sockets
// that it accepts are not pinged then, and live until Close; codes that expire are not
// reported.
func (s *Server) Handler() http.Handler { return s.echo }
