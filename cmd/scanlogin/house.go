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
	"github.com/scanlogin/scanlogin/internal/redisclient"
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
	places    *geoip.Locator
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
	var counts *metrics.Metrics // nil: no listener serves them
	if h.ops != nil {
		counts = metrics.New(poolIDs(h.settings.Pools)...)
	}
	hooks := webhook.New(webhook.Options{
		Pools: h.desk.book, Store: base.store, Hub: watchers, Queue: base.queue, Observe: webhookObserver(counts), Log: h.log,
	})
	base.store = hooks.WrapStore(base.store)
	office := h.openOffice(ctx, base)
	options := h.options(base, watchers)
	options.Observers = append(h.observers(), office.observers()...)
	return h.serve(ctx, observed(base.busStats, traces, counts, options), watchers, hooks, office)
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

// observers returns the audit trail, if there is one.
func (h *house) observers() session.Observers {
	if h.trail == nil {
		return nil
	}
	return session.Observers{h.trail.Observe}
}

// webhookObserver returns the function that counts webhook deliveries; nil without metrics.
func webhookObserver(counts *metrics.Metrics) func(string, webhook.Outcome) {
	if counts == nil {
		return nil
	}
	return func(pool string, outcome webhook.Outcome) { counts.Webhook(pool, string(outcome)) }
}

func (h *house) options(base foundation, watchers *hub.Hub) server.Options {
	return server.Options{
		PublicURL: h.settings.PublicURL, Pools: h.desk.book, Store: base.store, Hub: watchers, Signer: h.signer,
		TrustedProxies: h.settings.TrustedProxies, DrainDelay: h.settings.DrainDelay, BusAge: base.busAge,
		Limits: h.settings.Limits, Tally: base.tally, Place: h.places.Lookup, PhonePage: h.phonePage, Fallback: h.fallback,
		Log: h.log,
	}
}

// observed makes the server, with traces and metrics unless they are nil.
func observed(bus metrics.Bus, traces *tracing.Traces, counts *metrics.Metrics, o server.Options) *server.Server {
	if traces != nil {
		o.Tracer, o.Store = traces, traces.Store(o.Store)
	}
	if counts == nil {
		return server.New(o)
	}
	o.Store, o.Pushed, o.Metrics = counts.Store(o.Store), counts.Pushed, counts.Handler()
	o.Observers = append(o.Observers, counts.Observe)
	srv := server.New(o)
	counts.Node(func() metrics.Load { return metrics.Load(srv.Load()) }, o.Hub, bus)
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
	tally    ratelimit.Store      // nil: this process is all
	shelf    kv.Store
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
	client, err := redisclient.Open(redisclient.Options{
		URL: string(h.settings.RedisURL), Prefix: h.settings.KeyPrefix, WaitReplicas: h.settings.WaitReplicas,
	})
	if err != nil {
		return foundation{}, err
	}
	store := redisstore.New(client, redisstore.Options{MaxBytes: h.settings.StoreMaxBytes, Log: h.log})
	bus := store.Bus()
	return foundation{
		store: store, bus: bus, queue: queue.NewRedis(client), busAge: bus.Age, busStats: bus,
		tally: ratelimit.NewRedis(client), shelf: kv.NewRedis(client), tap: bus.Listen,
		close: func() {
			if err := client.Close(); err != nil {
				h.log.Warn("closing redis failed", "error", err)
			}
		},
	}, nil
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
