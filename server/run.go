package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/connlimit"
)

// Timeouts of the HTTP server. A request is small: who needs longer to send it
// holds a connection on purpose. Answers are bounded by login.IdentifyTime.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = login.IdentifyTime + 5*time.Second
	idleTimeout   = 75 * time.Second // longer than load balancers keep theirs (60 s)
	maxHeader     = 16 << 10         // bytes
)

// perAddressFactor is how many connections one address may have open for each
// that may wait (Limits.SocketsPerAddress): browsers of an office keep further
// ones, from which the page was loaded.
const perAddressFactor = 2

func newConnLimiter(o Options, limits login.Limits) *connlimit.Limiter {
	trusted := newProxies(o.TrustedProxies)
	return connlimit.New(connlimit.Options{
		Max: o.maxConnections, PerAddress: limits.SocketsPerAddress * perAddressFactor, Log: o.Log,
		Key: func(addr netip.Addr) string {
			if addr = ipaddr.Plain(addr); trusted.contain(addr) {
				return "" // its clients' connections are all its own
			}
			return ipaddr.Address(addr.String())
		},
	})
}

// leaveTime is how long requests and sockets may take to end, 10 s with the
// rest.
const leaveTime = 8 * time.Second

// Run serves ln until ctx ends, and then leaves in order: readiness off, after
// the drain delay the listener closed, sockets told to connect elsewhere
// (1012), requests finished. It closes ln. The error is nil after an orderly
// end.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: s.echo, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ConnState: s.clients.State,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // what clients cause; connlimit logs the rest
	}
	if _, most := s.clients.Usage(); s.login.Limits().Sockets > most {
		s.log.Warn("limits.sockets is more than the limit of open files allows; raise that (ulimit -n, LimitNOFILE) or lower limits.sockets",
			"sockets", s.login.Limits().Sockets, "connections", most)
	}
	beats, stopBeats := context.WithCancel(context.Background())
	var background sync.WaitGroup
	background.Go(func() { s.push.Run(beats) })
	background.Go(func() { s.login.Run(beats) })
	if s.expiry != nil {
		background.Go(func() { s.expiry.Run(beats) })
	}
	defer background.Wait()
	defer stopBeats()

	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(s.clients.Listen(ln)) }()
	select {
	case err := <-failed:
		s.Close()
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.leaving.Store(true)
	s.log.Info("leaving", "drainDelay", s.drainDelay, "sockets", s.Sockets())
	select {
	case <-time.After(s.drainDelay):
	case err := <-failed:
		s.Close()
		return fmt.Errorf("serve: %w", err)
	}
	return s.leave(srv, failed)
}

func (s *Server) leave(srv *http.Server, failed <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	down := make(chan error, 1)
	go func() { down <- srv.Shutdown(ctx) }() // closes the listener, waits for requests
	s.push.Stop()
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		s.log.Warn("listener ended", "error", err)
	}
	s.push.Shutdown(ctx)
	err := <-down
	if err != nil {
		_ = srv.Close() // and so handshakes that hang
	}
	if !s.push.Close() {
		s.log.Warn("connections did not end when they were closed", "sockets", s.Sockets())
	}
	s.login.Flush(ctx)
	if err != nil {
		return fmt.Errorf("requests did not finish in %v: %w", leaveTime, err)
	}
	return nil
}

// Close ends all sockets and streams, as the end of Run does; for servers that are used by
// their Handler.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	s.push.Stop()
	s.push.Shutdown(ctx)
	s.push.Close()
}
