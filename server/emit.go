package server

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// caller is the origin of a request, for events.
type caller struct {
	ip        string
	requestID string
	user      string
}

func callerOf(c echo.Context) caller {
	return caller{ip: c.RealIP(), requestID: requestID(c)}
}

// emit emits an event about a code that was stored.
func (s *Server) emit(kind session.EventKind, code session.Session, by caller) {
	s.observers.Emit(session.Event{
		Kind: kind, Time: s.store.Now(), Pool: code.Pool, Code: code,
		User: by.user, IP: by.ip, RequestID: by.requestID,
	})
}

// subject is what a request is about, as far as it is known yet.
type subject struct {
	pool string
	code session.Session
	user string
}

const subjectKey = "subject"

// about records what a request is about, for the event in case it is refused.
func about(c echo.Context, p *pool.Pool, code session.Session, user string) {
	s := subject{code: code, user: user}
	if p != nil {
		s.pool = p.ID
	}
	c.Set(subjectKey, s)
}

// callName returns the first word of the route below the API path, "" if there is no
// such route.
func callName(c echo.Context) string {
	for _, base := range []string{apiPath, newPath} {
		if rest, ok := strings.CutPrefix(c.Path(), base+"/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			return name
		}
	}
	return ""
}

// emitRefused emits that a request to the REST API was refused with p.
func (s *Server) emitRefused(c echo.Context, p *problem) {
	if len(s.observers) == 0 || !isAPI(c.Request()) {
		return
	}
	of, _ := c.Get(subjectKey).(subject)
	by := callerOf(c)
	s.observers.Emit(session.Event{
		Kind: session.EventRefused, Time: s.store.Now(), Pool: of.pool, Code: of.code, User: of.user,
		IP: by.ip, RequestID: by.requestID, Call: callName(c), Reason: p.name,
	})
}

// emitRefused emits that the socket was refused something with p.
func (k *socket) emitRefused(p *problem) {
	k.srv.observers.Emit(session.Event{
		Kind: session.EventRefused, Time: k.srv.store.Now(), Pool: k.pool.ID, Code: k.asked(),
		IP: k.client.IP, Call: "ws", Reason: p.name,
	})
}
