package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
)

// maxBusAge is how long ago the bus of a ready node was heard at most: two probes
// and the time to rebuild it.
const maxBusAge = 10 * time.Second

// Ops answers what is for operators only, on a listener of its own: /livez,
// /readyz and /metrics.
func (s *Server) Ops() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if why := s.notReady(r.Context()); why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		text := "ok"
		if errors.Is(s.ready.last(), session.ErrFull) {
			text += ": " + session.ErrFull.Error() + ", no code can be made or changed"
		}
		fmt.Fprintln(w, text)
	})
	if s.metrics != nil {
		mux.Handle("GET /metrics", s.metrics)
	}
	return mux
}

// notReady returns why no traffic should come here, "" if it should.
func (s *Server) notReady(ctx context.Context) string {
	if s.leaving.Load() {
		return "leaving"
	}
	if s.clients.Exhausted(time.Now()) {
		return "connections are exhausted: new ones are refused"
	}
	switch err := s.ready.check(ctx); {
	case errors.Is(err, session.ErrRefused):
		return err.Error()
	case err != nil && !errors.Is(err, session.ErrFull):
		return "the store does not answer"
	}
	if s.busAge != nil {
		if age := s.busAge(); age > maxBusAge {
			return fmt.Sprintf("the bus was last heard %v ago", age.Round(time.Second))
		}
	}
	return ""
}

// Load is the current load of a server.
type Load struct {
	Sockets          int // open WebSocket connections
	Connections      int // that wait: sockets, event streams, checks with wait
	ConnectionsLimit int // Limits.Sockets, in force
	Clients          int // client connections, from accept until closed
	ClientsLimit     int // maximum of Clients
	UnknownEnds      int // codes created here whose end is not known here

	StoreUsage float64            // part of the store that is used, 1 for full; NaN: unknown
	CodesHeld  login.RefusedCodes // new codes that were refused because the store was filling up
}

// Load returns the server's current load.
func (s *Server) Load() Load {
	usage := s.login.Usage()
	l := Load{
		Sockets: s.Sockets(), Connections: usage.Connections, ConnectionsLimit: s.login.Limits().Sockets,
		StoreUsage: usage.Store, CodesHeld: usage.Refused,
	}
	l.Clients, l.ClientsLimit = s.clients.Usage()
	if s.expiry != nil {
		l.UnknownEnds = s.expiry.Len()
	}
	return l
}
