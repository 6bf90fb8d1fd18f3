package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Readiness asks for an answer of the store within readyTime, and for a bus
// that was heard within maxBusAge: two probes and the time to rebuild it.
const (
	readyTime = time.Second
	maxBusAge = 10 * time.Second
)

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
		fmt.Fprintln(w, "ok")
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
	if s.clients.exhausted(time.Now()) {
		return "connections are exhausted: new ones are refused"
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if _, err := s.store.Load(ctx, session.NewID()); !isGone(err) {
		s.log.Warn("not ready", "error", err)
		return "the store does not answer"
	}
	if s.busAge != nil {
		if age := s.busAge(); age > maxBusAge {
			return fmt.Sprintf("the bus was last heard %v ago", age.Round(time.Second))
		}
	}
	return ""
}

// Load is what a server bears at the moment.
type Load struct {
	Sockets          int // WebSocket connections that are open
	Connections      int // those that wait: sockets, event streams, checks with wait
	ConnectionsLimit int // Limits.Sockets, in force
	Clients          int // connections of clients, from accept until they are closed
	ClientsLimit     int // how many may be
	UnknownEnds      int // codes made here of which is not known here how they ended
}

// Load tells it.
func (s *Server) Load() Load {
	l := Load{Sockets: s.sockets.len(), Connections: int(s.gates.open.Load()), ConnectionsLimit: s.gates.Sockets}
	l.Clients, l.ClientsLimit = s.clients.counts()
	if s.ends != nil {
		l.UnknownEnds = s.ends.len()
	}
	return l
}
