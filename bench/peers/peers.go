// Package peers holds what scanlogin is measured beside: a minimal push server
// on the centrifuge library, and the floors, which are the same libraries with
// nothing of ours around them. It promises that each is written as its own
// documentation advises and does no more than it must, so that a figure of
// scanlogin's is compared with the best that the other could show.
package peers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Heartbeat is how often each server asks a waiting page whether it is there.
const Heartbeat = 25 * time.Second

// stopTime is how long open connections have when a server ends.
const stopTime = time.Second

// serve answers at listen, and beside h with Go's own metrics and readiness,
// until ctx ends.
func serve(ctx context.Context, listen string, h http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.Handler())
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/", h)
	server := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	_ = server.Shutdown(ctx) // whoever is still connected is cut off
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
