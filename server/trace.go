package server

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// Tracer follows calls through what they cause; package tracing has one.
type Tracer interface {
	// Begin is told of a call as it begins, by its route's pattern ("" if it has
	// none), and returns the context of all that it causes, and whom to tell how
	// it ended.
	Begin(r *http.Request, route string) (context.Context, func(CallEnd))
	// Name is how what is traced in ctx can be found by later calls about the
	// same code; "" if it is not traced.
	Name(ctx context.Context) string
}

// CallEnd is how a call ended, and what it turned out to be about.
type CallEnd struct {
	Status int             // of HTTP
	Reason string          // of a refused call, as in Event
	Pool   string          // id; "" if it is not known
	Code   session.Session // zero if there is none
}

// traced has each call followed; it is there only if there is a tracer.
func (s *Server) traced(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, end := s.tracer.Begin(c.Request(), c.Path())
		c.SetRequest(c.Request().WithContext(ctx))
		err := next(c)
		of, _ := c.Get(subjectKey).(subject)
		how := CallEnd{Status: c.Response().Status, Pool: of.pool, Code: of.code}
		if err != nil {
			p, _, _ := describe(routing(err))
			how.Status, how.Reason = statusFor(p, c.Request()), p.name
		}
		end(how)
		return err
	}
}

// aboutSpan is about, where nobody but a tracer asks.
func (s *Server) aboutSpan(c echo.Context, p *pool.Pool, code session.Session) {
	if s.tracer != nil {
		about(c, p, code, "")
	}
}

// traceName is what a code keeps of the call that makes it.
func (s *Server) traceName(ctx context.Context) string {
	if s.tracer == nil {
		return ""
	}
	return s.tracer.Name(ctx)
}
