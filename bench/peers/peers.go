// Package peers contains the servers that scanlogin is compared with: a minimal push
// server built with the centrifuge library, the same with the logic that a login needs,
// and a lower bound, which is scanlogin's own libraries without scanlogin. It guarantees
// that each follows the documentation of its library and does no more than necessary, so
// that scanlogin is compared with the best result of the other.
package peers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Status returns a message as long as scanlogin's, with a ticket or, if it is "", without.
func Status(ticket string) string {
	shown := "null"
	if ticket != "" {
		shown = `"` + ticket + `"`
	}
	return `{"event":"confirmed","random":"` + strings.Repeat("r", 30) + `","status":2,"userInfo":{"nickname":"user 1234","photo":""},` +
		`"ticket":` + shown + `,"scannedUserId":"user 1234","version":3,"expiresIn":3599.999,"isBrowser":true}`
}

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
