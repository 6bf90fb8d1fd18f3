package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/internal/geoip"
)

type serveCommand struct {
	configFlags
}

// Run serves until ctx ends. A hangup signal reads pools and signing keys anew.
func (c *serveCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	load := func() (*configuration, error) { return c.load(line) }
	s, err := load()
	if err != nil {
		return err
	}
	log := newLog(o.err, s)
	logWarnings(log, s.warnings)
	signer, err := s.newSigner()
	if err != nil {
		return err
	}
	trail, err := s.openTrail(o.out, log)
	if err != nil {
		return err
	}
	h := &house{settings: s, desk: newDesk(s, log), signer: signer, trail: trail, places: new(geoip.Atlas), log: log}
	h.places.Replace(s.Places)
	if err := h.listen(); err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	r := &reloader{load: load, desk: h.desk, signer: signer, trail: trail, places: h.places, running: s.config, log: log}
	ctx, cancel := context.WithCancel(ctx)
	var reloading sync.WaitGroup
	defer reloading.Wait()
	defer cancel()
	reloading.Go(func() { r.run(ctx, hangups) })

	h.announce()
	return h.run(ctx)
}

// openTrail opens the audit trail, nil if there is to be none.
func (s *configuration) openTrail(stdout io.Writer, log *slog.Logger) (*audit.Trail, error) {
	if s.Audit.File == "" {
		return nil, nil
	}
	trail, err := audit.Open(audit.Options{
		File: s.Audit.File, Stdout: stdout, HashAddresses: s.Audit.HashAddresses, HashKey: []byte(s.Audit.HashKey), Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("audit.file: %w", err)
	}
	return trail, nil
}

// newLog writes to w as the settings say.
func newLog(w io.Writer, s *configuration) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel}
	if s.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// listen opens the listeners, all or none.
func (h *house) listen() (err error) {
	if h.public, err = net.Listen("tcp", h.settings.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if h.settings.OpsListen == "" {
		return nil
	}
	if h.ops, err = net.Listen("tcp", h.settings.OpsListen); err != nil {
		h.closeListeners()
		return fmt.Errorf("ops_listen: %w", err)
	}
	return nil
}

// announce logs what is about to run.
func (h *house) announce() {
	store := "redis"
	if h.settings.RedisURL == "" {
		store = "memory, one node"
	}
	ops := "off"
	if h.ops != nil {
		ops = h.ops.Addr().String()
	}
	h.log.Info("serving", "listen", h.public.Addr().String(), "ops", ops, "publicURL", h.settings.PublicURL,
		"store", store, "pools", len(h.settings.Pools))
	for _, p := range h.settings.Pools {
		if p.Identity == nil {
			h.log.Info("pool without identity: only its back end can say who scans", "pool", p.ID)
		}
	}
}
