package server

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/session"
)

// begin makes the call, and writes the response for every error.
func (s *Server) begin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get("X-Request-Id")
		if !isRequestID(id) {
			id = string(session.NewOpID())
		}
		c.Response().Header().Set("X-Request-Id", id)
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		k := &call{Context: c, by: s.callerOf(c, id)}
		s.mistakes.note(c.Request())
		if err := next(k); err != nil {
			s.writeError(k, err)
		}
		return nil
	}
}

// recovered turns a panic of a handler into an error.
func recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%w: panic: %v\n%s", errInternal, r, debug.Stack())
			}
		}()
		return next(c)
	}
}

// changes limits a call that creates or changes something.
func (s *Server) changes(next echo.HandlerFunc) echo.HandlerFunc {
	return handle(func(c *call) error {
		if err := s.login.BeginChange(c.Request().Context(), c.by); err != nil {
			return err
		}
		return s.login.EndChange(c.Request().Context(), c.by, next(c))
	})
}

// isRequestID reports whether an id from outside may stand in our log.
func isRequestID(id string) bool {
	return len(id) > 0 && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_' && r != '.'
	})
}

// api sets the headers of all API responses, also for unknown routes: no caching, and CORS. Until
// the pool is known, every origin that any pool lists is allowed; if the pool does not list it,
// writeError removes the headers again. Every page may read why gene
// refuses it, without credentials, because a browser does not tell it why a WebSocket was refused.
func (s *Server) api(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !isAPI(c.Request()) {
			return next(c)
		}
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Origin")
		origin := c.Request().Header.Get("Origin")
		known := s.login.KnowsOrigin(origin)
		if known {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate, X-Request-Id")
		}
		learns := !known && origin != "" && isGene(c.Request())
		if learns {
			h.Set("Access-Control-Allow-Origin", "*")
		}
		if c.Request().Method == http.MethodOptions {
			return preflight(c, known || learns)
		}
		return next(c)
	}
}

// isAPI reports whether r is a call of the SDKs. GraphQL is Guard's.
func isAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/graphql/v2"
}

// isGene reports whether r asks for a code, which pages of unlisted origins never get.
func isGene(r *http.Request) bool {
	return r.URL.Path == apiPath+"/gene" || r.URL.Path == newPath+"/gene"
}

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
