package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/metrics"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/tracing"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

// house is all that runs together for a server.
type house struct {
	settings  *configuration
	desk      *desk
	places    *geoip.Atlas
	signer    *server.Signer // nil: no token is issued
	trail     *audit.Trail   // nil: off
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
	traces, err := tracing.Open(ctx, h.settings.TrustTrace, h.log)
	if err != nil {
		return err
	}
	defer traces.Close()
	watchers := hub.New(base.bus, base.store.Now)
	hooks := webhook.New(webhook.Options{Pools: h.desk.book, Store: base.store, Hub: watchers, Queue: base.queue, Log: h.log})
	base.store = hooks.Announce(base.store)
	office := h.openOffice(ctx, base)
	options := h.options(base, watchers)
	options.Witnesses = append(options.Witnesses, office.witnesses()...)
	return h.serve(ctx, h.observed(base.busStats, traces, options), watchers, hooks, office)
}

// serve has srv serve until ctx ends, and what it stands on outlive it.
func (h *house) serve(ctx context.Context, srv *server.Server, watchers *hub.Hub, hooks *webhook.Relay, office *office) error {
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
	if h.trail != nil {
		running.Go(func() { h.trail.Run(beneath) })
	}
	running.Go(func() { office.run(beneath, srv) })
	running.Go(func() { fail(serveOps(beneath, h.ops, office.handler(srv), h.log)) })
	defer hooks.Close()
	hooks.Start()

	if err := srv.Run(serving, h.public); err != nil {
		return err
	}
	if ctx.Err() == nil {
		return context.Cause(serving)
	}
	return nil
}

// witnesses are told of what the server does.
func (h *house) witnesses() []func(server.Event) {
	if h.trail == nil {
		return nil
	}
	return []func(server.Event){h.trail.Witness}
}

func (h *house) options(base foundation, watchers *hub.Hub) server.Options {
	return server.Options{
		PublicURL: h.settings.PublicURL, Pools: h.desk.book, Store: base.store, Hub: watchers, Signer: h.signer,
		TrustedProxies: h.settings.TrustedProxies, DrainDelay: h.settings.DrainDelay, BusAge: base.busAge,
		Limits: h.settings.Limits, Tally: base.tally, Place: h.places.Find, PhonePage: h.phonePage, Fallback: h.fallback,
		Witnesses: h.witnesses(), Log: h.log,
	}
}

// observed makes the server, with traces unless they are nil, and with metrics if there is a
// listener to ask for them.
func (h *house) observed(bus metrics.Bus, traces *tracing.Traces, o server.Options) *server.Server {
	if traces != nil {
		o.Tracer, o.Store = traces, traces.Store(o.Store)
	}
	if h.ops == nil {
		return server.New(o)
	}
	counts := metrics.New(poolIDs(h.settings.Pools)...)
	o.Store, o.Pushed, o.Metrics = counts.Store(o.Store), counts.Pushed, counts.Handler()
	o.Witnesses = append(o.Witnesses, counts.Witness)
	srv := server.New(o)
	counts.Node(srv, o.Hub, bus)
	return srv
}

func poolIDs(pools []*pool.Pool) (ids []string) {
	for _, p := range pools {
		ids = append(ids, p.ID)
	}
	return ids
}

func (h *house) closeListeners() {
	for _, ln := range []net.Listener{h.public, h.ops} {
		if ln != nil {
			_ = ln.Close() // it may be closed already
		}
	}
}

// newSigner returns what signs issued tokens, or will once it has a key.
func (s *configuration) newSigner() (*server.Signer, error) {
	return server.NewSigner(s.SigningKey, s.PublicURL, s.TokenTTL, s.OtherKeys...)
}

// foundation is where sessions are kept, and how news of them comes.
type foundation struct {
	store    session.Store
	bus      session.Bus
	queue    queue.Queue
	busAge   func() time.Duration // nil: the bus is in this process
	busStats metrics.Bus          // nil as busAge
	tally    ratelimit.Tally      // nil: this process is all
	shelf    kv.Shelf
	tap      func(name string, wake func()) // of what other nodes announce on the shelf
	close    func()
}

func (h *house) open() (foundation, error) {
	if h.settings.RedisURL == "" {
		store := memstore.NewBounded(cmp.Or(h.settings.StoreMaxBytes, memstore.DefaultMaxBytes))
		return foundation{
			store: store, bus: store.Bus(), queue: queue.NewMemory(), shelf: kv.NewMemory(), tap: func(string, func()) {}, close: func() {},
		}, nil
	}
	store, err := redisstore.Open(redisstore.Options{
		URL: string(h.settings.RedisURL), Prefix: h.settings.KeyPrefix, WaitReplicas: h.settings.WaitReplicas,
		MaxBytes: h.settings.StoreMaxBytes, Log: h.log,
	})
	if err != nil {
		return foundation{}, err
	}
	bus := store.Bus()
	return foundation{store: store, bus: bus, queue: store.Queue(), busAge: bus.Age, busStats: bus, tally: store.Tally(), shelf: store.Shelf(), tap: bus.Tap, close: func() {
		if err := store.Close(); err != nil {
			h.log.Warn("redis did not close", "error", err)
		}
	}}, nil
}

// Bounds of the ops listener: monitoring is near, and its answers have some
// kilobytes; Prometheus asks every 15 to 60 s on one connection.
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
