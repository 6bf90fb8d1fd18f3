package server

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// prepare is around every request: an id, and an answer also when a handler
// panics.
func (s *Server) prepare(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		id := c.Request().Header.Get("X-Request-Id")
		if !isRequestID(id) {
			id = string(session.NewOpID())
		}
		c.Response().Header().Set("X-Request-Id", id)
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		if !s.trusting && c.Request().Header.Get("X-Forwarded-For") != "" {
			s.proxyOnce.Do(func() {
				s.log.Warn("X-Forwarded-For is ignored: if a proxy of yours sent it, name it in trusted_proxies, or all clients count as one",
					"from", c.RealIP())
			})
		}
		defer func() {
			if r := recover(); r != nil {
				err = errInternal.because(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
			}
		}()
		return next(c)
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get("X-Request-Id") }

// isRequestID reports whether an id from outside may stand in our log.
func isRequestID(id string) bool {
	return len(id) > 0 && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_' && r != '.'
	})
}

// api is around the REST interface, also where there is no such route: no
// answer is kept, and browsers are told who may read it. As long as the pool is
// not known that is whoever any pool lists; checkOrigin narrows it.
func (s *Server) api(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !isAPI(c.Request()) {
			return next(c)
		}
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Origin")
		origin := c.Request().Header.Get("Origin")
		known := s.knowsOrigin(origin)
		if known {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
		}
		if c.Request().Method == http.MethodOptions {
			return preflight(c, known)
		}
		return next(c)
	}
}

// knowsOrigin reports whether origin is this server's or listed by any pool.
func (s *Server) knowsOrigin(origin string) bool {
	return origin != "" && (origin == s.origin || s.pools.AllowsOrigin(origin))
}

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// preflight answers a CORS preflight request; allowed is whether its origin is known.
func preflight(c echo.Context, allowed bool) error {
	r, h := c.Request(), c.Response().Header()
	if r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Set("Allow", "GET, POST, OPTIONS")
		return c.NoContent(http.StatusNoContent)
	}
	h.Add("Vary", "Access-Control-Request-Method")
	h.Add("Vary", "Access-Control-Request-Headers")
	if !allowed {
		return errOrigin
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", allowedHeaders(r.Header.Get("Access-Control-Request-Headers")))
	h.Set("Access-Control-Max-Age", "600")
	return c.NoContent(http.StatusNoContent)
}

// allowedHeaders is the fixed list and every x-authing-* that is asked for.
func allowedHeaders(asked string) string {
	allowed := []string{"authorization", "content-type", "x-browser-key", "last-event-id"}
	for name := range strings.SplitSeq(strings.ToLower(asked), ",") {
		name = strings.TrimSpace(name)
		if strings.HasPrefix(name, "x-authing-") && len(allowed) < 32 && !slices.Contains(allowed, name) {
			allowed = append(allowed, name)
		}
	}
	return strings.Join(allowed, ", ")
}

// checkOrigin refuses a page from elsewhere than the pool lists or than our own
// address. A request without Origin is no browser, and is not refused for that.
func (s *Server) checkOrigin(c echo.Context, p *pool.Pool) error {
	origin := c.Request().Header.Get("Origin")
	if origin == "" || origin == s.origin || p.AllowsOrigin(origin) {
		return nil
	}
	c.Response().Header().Del("Access-Control-Allow-Origin")
	c.Response().Header().Del("Access-Control-Allow-Credentials")
	return errOrigin
}

// namedPool returns the pool that the request names in a header, else by the id from its
// body or query. If it names none, named is false; if there is no such pool, the error is
// errNoPool. Empty headers count as absent.
func (s *Server) namedPool(c echo.Context, id string) (p *pool.Pool, named bool, err error) {
	h := c.Request().Header
	switch header, app := h.Get("X-Authing-Userpool-Id"), h.Get("X-Authing-App-Id"); {
	case header != "":
		p = s.pools.ByID(header)
	case app != "":
		p = s.pools.ByApp(app)
	case id != "":
		p = s.pools.ByID(id)
	case c.QueryParam("userPoolId") != "":
		p = s.pools.ByID(c.QueryParam("userPoolId"))
	default:
		return nil, false, nil
	}
	if p == nil {
		return nil, true, errNoPool
	}
	return p, true, nil
}

// originOf returns the origin of an address, as browsers write it.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
