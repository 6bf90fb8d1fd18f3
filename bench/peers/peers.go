// Package peers contains the servers that scanlogin is compared with: a minimal push
// server built with the centrifuge library, and lower bounds, which are scanlogin's
// own libraries without scanlogin. It guarantees that each follows the documentation
// of its library and does no more than necessary, so that scanlogin is compared with
// the best result of the other.
package peers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Heartbeat is the interval of pings to a waiting page.
const Heartbeat = 25 * time.Second

// stopTime is how long open requests may take when a server stops.
const stopTime = time.Second

// serve serves h, Go's metrics and readiness at listen, until ctx ends.
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
	_ = server.Shutdown(ctx) // connections that remain are cut
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
