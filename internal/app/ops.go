package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of the ops listener. Its clients are near and its answers have a few kilobytes;
// Prometheus scrapes every 15 to 60 s on one connection.
const (
	opsTimeout     = 10 * time.Second // for reading a request, and for writing its answer
	opsIdleTimeout = 2 * time.Minute
	opsMaxHeader   = 16 << 10 // bytes
)

// serveOps serves ln, unless it is nil, until ctx ends; it then returns nil.
func serveOps(ctx context.Context, ln net.Listener, handler http.Handler, log *slog.Logger) error {
	if ln == nil {
		<-ctx.Done()
		return nil
	}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: opsTimeout, ReadTimeout: opsTimeout, WriteTimeout: opsTimeout,
		IdleTimeout: opsIdleTimeout, MaxHeaderBytes: opsMaxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("ops_listen: %w", err)
	}
	return nil
}
