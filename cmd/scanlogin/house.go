package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/shelf"
)

// house is all that runs together for a server.
type house struct {
	settings  *settings
	desk      *desk
	public    net.Listener
	ops       net.Listener // nil: off
	phonePage string       // as in server.Options
	fallback  http.Handler // as in server.Options
	log       *slog.Logger
}

// run serves until ctx ends, and then leaves in order: the server first, then
// what it stands on, the store last. It closes the listeners. The error says
// why it could not go on, and is nil after an orderly end.
func (h *house) run(ctx context.Context) error {
	defer h.closeListeners()
	base, err := h.open()
	if err != nil {
		return err
	}
	defer base.close()
	signer, err := h.signer()
	if err != nil {
		return err
	}
	watchers := hub.New(base.bus, base.store.Now)
	office := h.openOffice(ctx, base)
	srv := server.New(server.Options{
		PublicURL: h.settings.PublicURL, Pools: h.desk.book, Witnesses: office.witnesses(), Store: base.store, Hub: watchers, Signer: signer,
		TrustedProxies: h.settings.TrustedProxies, DrainDelay: h.settings.DrainDelay, BusAge: base.busAge,
		Limits: h.settings.Limits, PhonePage: h.phonePage, Fallback: h.fallback, Log: h.log,
	})

	serving, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	beneath, stop := context.WithCancel(context.WithoutCancel(ctx)) // outlives the server
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() {
		if err := watchers.Run(beneath); beneath.Err() == nil {
			fail(fmt.Errorf("hub: %w", err))
		}
	})
	running.Go(func() { office.run(beneath, srv) })
	running.Go(func() { fail(serveOps(beneath, h.ops, office.handler(srv))) })

	if err := srv.Run(serving, h.public); err != nil {
		return err
	}
	if ctx.Err() == nil {
		return context.Cause(serving)
	}
	return nil
}

func (h *house) closeListeners() {
	for _, ln := range []net.Listener{h.public, h.ops} {
		if ln != nil {
			_ = ln.Close() // it may be closed already
		}
	}
}

// signer returns what signs issued tokens, nil if none are.
func (h *house) signer() (*server.Signer, error) {
	if h.settings.SigningKey == nil {
		return nil, nil
	}
	return server.NewSigner(h.settings.SigningKey, h.settings.PublicURL, h.settings.TokenTTL)
}

// foundation is where sessions are kept, and how news of them comes.
type foundation struct {
	store  session.Store
	bus    session.Bus
	busAge func() time.Duration // nil: the bus is in this process
	shelf  shelf.Shelf
	tap    func(name string, wake func()) // of what other nodes announce on the shelf
	close  func()
}

func (h *house) open() (foundation, error) {
	if h.settings.RedisURL == "" {
		store := memstore.New()
		return foundation{
			store: store, bus: store.Bus(), shelf: shelf.NewMemory(), tap: func(string, func()) {}, close: func() {},
		}, nil
	}
	store, err := redisstore.Open(redisstore.Options{
		URL: string(h.settings.RedisURL), Prefix: h.settings.KeyPrefix, WaitReplicas: h.settings.WaitReplicas, Log: h.log,
	})
	if err != nil {
		return foundation{}, err
	}
	bus := store.Bus()
	return foundation{store: store, bus: bus, busAge: bus.Age, shelf: store.Shelf(), tap: bus.Tap, close: func() {
		if err := store.Close(); err != nil {
			h.log.Warn("redis did not close", "error", err)
		}
	}}, nil
}

// opsTimeout bounds reading a request and writing its answer: monitoring is
// near, and its answers have some kilobytes.
const opsTimeout = 10 * time.Second

// serveOps serves ln, unless it is nil, until ctx ends; it then returns nil.
func serveOps(ctx context.Context, ln net.Listener, handler http.Handler) error {
	if ln == nil {
		<-ctx.Done()
		return nil
	}
	srv := &http.Server{Handler: handler, ReadTimeout: opsTimeout, WriteTimeout: opsTimeout}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("ops_listen: %w", err)
	}
	return nil
}
