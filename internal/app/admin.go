package main

import (
	"context"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin"
	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/internal/settings"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/server"
)

// office is what a server has for its administrators. Without any it is nil,
// and there is nothing: no console, no key in the store, no counting.
type office struct {
	house    *house
	base     foundation
	recorder *stats.Recorder
}

// firstRead bounds how long a node waits, before it serves, for what was changed
// while it was away.
const firstRead = 2 * time.Second

// openOffice takes what administrators changed so far. A store that does not
// answer holds nobody up: the file's settings are in force until it does.
func (h *house) openOffice(ctx context.Context, base foundation) *office {
	if h.settings.config.Console == nil {
		return nil
	}
	h.desk.keeper = settings.NewKeeper(base.shelf, h.desk.cover, h.log)
	base.tap(settings.Document, h.desk.keeper.Wake)
	ctx, cancel := context.WithTimeout(ctx, firstRead)
	defer cancel()
	_ = h.desk.keeper.Read(ctx) // is logged, and tried again
	o := &office{house: h, base: base}
	info, _ := debug.ReadBuildInfo()
	version, _ := build(info)
	o.recorder = stats.NewRecorder(stats.Options{
		Shelf: base.shelf, Node: nodeName(h.public.Addr().String()), Version: version,
		BusAge: base.busAge, Log: h.log,
	})
	return o
}

// nodeName tells people which node it is.
func nodeName(address string) string {
	host, err := os.Hostname()
	if err != nil {
		return address
	}
	return host + " " + address
}

func (o *office) witnesses() []func(server.Event) {
	if o == nil {
		return nil
	}
	return []func(server.Event){o.recorder.See}
}

// handler answers operators, and administrators at /console.
func (o *office) handler(srv *server.Server) http.Handler {
	if o == nil {
		return srv.Ops()
	}
	h := o.house
	options := admin.Options{
		Admins: h.desk.admins, Desk: h.desk, Shelf: o.base.shelf, Letters: webhook.Dead{Queue: o.base.queue},
		Public: srv.Handler(), PublicURL: h.settings.PublicURL, Log: h.log,
	}
	if h.trail != nil {
		options.Trail = h.trail.Last
	}
	desk := admin.New(options)
	mux := http.NewServeMux()
	mux.Handle("/", srv.Ops())
	mux.Handle("/console", desk)
	mux.Handle("/console/", desk)
	return mux
}

// run follows what administrators change, and says how srv stands, until ctx
// ends.
func (o *office) run(ctx context.Context, srv *server.Server) {
	if o == nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { o.house.desk.keeper.Run(ctx) })
	both.Go(func() { o.recorder.Run(ctx, srv.Sockets) })
	both.Wait()
}
