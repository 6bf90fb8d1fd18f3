package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

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
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics(), promhttp.HandlerOpts{}))
	return mux
}

// notReady returns why no traffic should come here, "" if it should.
func (s *Server) notReady(ctx context.Context) string {
	if s.leaving.Load() {
		return "leaving"
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

func (s *Server) metrics() *prometheus.Registry {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "scanlogin", Name: name, Help: help}, value)
	}
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("sockets", "WebSocket connections that are open.", func() float64 { return float64(s.sockets.len()) }),
		gauge("watches", "Watches of codes by pages of this node.", func() float64 { return float64(s.hub.Watches()) }),
	)
	if s.busAge != nil {
		r.MustRegister(gauge("bus_age_seconds", "Time since the bus was last heard.", func() float64 { return s.busAge().Seconds() }))
	}
	return r
}
