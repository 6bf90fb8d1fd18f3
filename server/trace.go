package server

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/session"
)

// Tracer traces calls and the operations that they cause. Package tracing implements it.
type Tracer interface {
	// Begin is called when a request begins. route is the pattern of its route, "" if
	// there is none. It returns the context for all that the request causes, and the
	// function to call when the request ends, with the HTTP status and what is known
	// of the event's Pool, Code and, if it was refused, Reason.
	Begin(r *http.Request, route string) (context.Context, func(status int, about session.Event))
	// Name is how what is traced in ctx can be found by later calls about the
	// same code; "" if it is not traced.
	Name(ctx context.Context) string
}

// traced traces each call; it is used only if there is a tracer.
func (s *Server) traced(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, end := s.tracer.Begin(c.Request(), c.Path())
		c.SetRequest(c.Request().WithContext(ctx))
		err := next(c)
		about := c.(*call).by.Subject()
		status, e := c.Response().Status, session.Event{Pool: about.Pool, Code: about.Code}
		if err != nil {
			p := rowOf(routing(err))
			status, e.Reason = statusFor(p, c.Request()), p.name
		}
		end(status, e)
		return err
	}
}

// traceName is the trace of the call that created a code.
func (s *Server) traceName(ctx context.Context) string {
	if s.tracer == nil {
		return ""
	}
	return s.tracer.Name(ctx)
}
