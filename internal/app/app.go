// Package app puts the packages together and runs them: the server of `serve`, and that of
// `demo`.
//
// It guarantees the order of start and stop: the server is the first to stop, then what it
// uses, and the store last. Every goroutine has ended when a function returns. SIGHUP
// applies a new configuration as a whole or not at all.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/metrics"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/internal/tracing"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

// App is a server and everything that runs with it.
type App struct {
	config    *config.Config
	registry  *pool.Registry
	places    *geoip.Locator
	signer    *token.Signer // nil: no token is issued
	trail     *audit.Trail  // nil: off
	reloads   *reloadSource // nil: the configuration is fixed
	public    net.Listener
	ops       net.Listener // nil: off
	phonePage string       // as in server.Options
	fallback  http.Handler // as in server.Options
	log       *slog.Logger
}

// newApp makes an App without listeners, which issues tokens if the configuration has a key
// for them.
func newApp(c *config.Config, log *slog.Logger) (*App, error) {
	signer, err := token.NewSigner(c.PrivateKey, c.PublicURL, c.TokenTTL, c.PublishedKeys...)
	if err != nil {
		return nil, err
	}
	places := new(geoip.Locator)
	places.Replace(c.GeoIP)
	return &App{config: c, registry: pool.NewRegistry(c.UserPools...), places: places, signer: signer, log: log}, nil
}

// run serves until ctx ends, and then stops in order: the server first, then what it uses,
// the store last. It closes the listeners. The error is the reason why it could not go on,
// and nil after an orderly stop.
func (a *App) run(ctx context.Context) error {
	defer a.closeListeners()
	b, err := a.openBackends()
	if err != nil {
		return err
	}
	defer b.close()
	traces, err := tracing.Open(ctx, a.config.TrustTrace, a.log)
	if err != nil {
		return err
	}
	defer traces.Close()
	watchers := hub.New(b.bus, b.store.Now)
	var counts *metrics.Metrics // nil: no listener serves them
	if a.ops != nil {
		counts = newMetrics(a.config.UserPools)
	}
	hooks := webhook.New(webhook.Options{
		Pools: a.registry, Store: b.store, Hub: watchers, Queue: b.queue, Observe: webhookObserver(counts), Log: a.log,
	})
	ext := a.openConsole(ctx, b)
	options := server.Options{
		Options: login.Options{
			PublicURL: a.config.PublicURL, Pools: a.registry, Store: serverStore(b.store, hooks, traces, counts), Signer: a.signer,
			Limits: login.Limits(a.config.Limits), Counts: b.counts, Records: b.records, Place: a.places.Lookup, Observers: a.observers(ext, counts), Log: a.log,
		},
		Hub: watchers, TrustedProxies: a.config.ProxyNetworks, DrainDelay: a.config.DrainDelay, BusAge: b.busAge,
		PhonePage: a.phonePage, Fallback: a.fallback,
	}
	return a.serve(ctx, observed(options, b.busStats, traces, counts), watchers, hooks, ext)
}

// extension is an optional part of a server. Its zero value adds nothing.
type extension struct {
	observer session.Observer
	setPools func(*config.Config)                                    // puts the pools of a reloaded configuration into force; nil: the registry gets them
	handler  func(ops http.Handler, srv *server.Server) http.Handler // replaces the handler of the ops listener
	run      func(ctx context.Context, srv *server.Server)           // returns when ctx ends
}

// serve runs srv until ctx ends, and everything that it uses a little longer.
func (a *App) serve(ctx context.Context, srv *server.Server, watchers *hub.Hub, hooks *webhook.Relay, ext extension) error {
	serving, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	beneath, stop := context.WithCancel(context.WithoutCancel(ctx)) // ends after the server
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() {
		if err := watchers.Run(beneath); beneath.Err() == nil {
			fail(fmt.Errorf("hub: %w", err))
		}
	})
	if a.trail != nil {
		running.Go(func() { a.trail.Run(beneath) })
	}
	if a.reloads != nil {
		reloader := newReloader(a, *a.reloads, ext.setPools)
		running.Go(func() { reloader.run(beneath) })
	}
	if ext.run != nil {
		running.Go(func() { ext.run(beneath, srv) })
	}
	ops := srv.Ops()
	if ext.handler != nil {
		ops = ext.handler(ops, srv)
	}
	running.Go(func() { fail(serveOps(beneath, a.ops, ops, a.log)) })
	defer hooks.Close()
	hooks.Start()

	if err := srv.Run(serving, a.public); err != nil {
		return err
	}
	if ctx.Err() == nil {
		return context.Cause(serving)
	}
	return nil
}

// observers returns the observers that exist: the audit trail, ext and counts.
func (a *App) observers(ext extension, counts *metrics.Metrics) (all session.Observers) {
	if a.trail != nil {
		all = append(all, a.trail.Observe)
	}
	if ext.observer != nil {
		all = append(all, ext.observer)
	}
	if counts != nil {
		all = append(all, counts.Observe)
	}
	return all
}

// webhookObserver returns the function that counts webhook deliveries; nil without metrics.
func webhookObserver(counts *metrics.Metrics) func(string, webhook.Outcome) {
	if counts == nil {
		return nil
	}
	return func(pool string, outcome webhook.Outcome) { counts.Webhook(pool, string(outcome)) }
}

// serverStore returns st as the server uses it: each step is queued for webhooks, and traced
// and measured unless traces and counts are nil.
func serverStore(st session.Store, hooks *webhook.Relay, traces *tracing.Traces, counts *metrics.Metrics) session.Store {
	st = hooks.WrapStore(st)
	if traces != nil {
		st = traces.Store(st)
	}
	if counts != nil {
		st = counts.Store(st)
	}
	return st
}

// observed makes the server, with traces and metrics unless they are nil.
func observed(o server.Options, bus metrics.Bus, traces *tracing.Traces, counts *metrics.Metrics) *server.Server {
	if traces != nil {
		o.Tracer = traces
	}
	if counts == nil {
		return server.New(o)
	}
	o.Pushed, o.Metrics = counts.Pushed, counts.Handler()
	srv := server.New(o)
	counts.Node(func() metrics.Load { return metrics.Load(srv.Load()) }, o.Hub, bus)
	return srv
}

// newMetrics returns metrics with the series of pools and their clients.
func newMetrics(pools []*pool.Pool) *metrics.Metrics {
	m := metrics.New(poolIDs(pools)...)
	for _, p := range pools {
		for _, c := range p.Clients {
			m.ShowClients(p.ID, c.ID)
		}
	}
	return m
}

func poolIDs(pools []*pool.Pool) (ids []string) {
	for _, p := range pools {
		ids = append(ids, p.ID)
	}
	return ids
}

func (a *App) closeListeners() {
	for _, ln := range []net.Listener{a.public, a.ops} {
		if ln != nil {
			_ = ln.Close() // it may be closed already
		}
	}
}
