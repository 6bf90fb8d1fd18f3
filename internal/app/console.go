package app

import (
	"context"
	"math"
	"net/http"

	"github.com/scanlogin/scanlogin/internal/admin"
	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/server"
)

// openConsole opens the console. Without administrators there is none, nothing in the store
// and nothing to count.
func (a *App) openConsole(ctx context.Context, b backends) extension {
	if a.config.Console == nil {
		return extension{}
	}
	version := BuildVersion().Number
	o := admin.NodeOptions{
		Options: admin.Options{Store: b.records, DeadLetters: webhook.DeadLetters{Queue: b.queue}, Log: a.log},
		File:    a.config, Registry: a.registry, Listen: b.listen, BusAge: b.busAge, Address: a.public.Addr().String(), Version: version,
	}
	if a.trail != nil {
		o.Trail = a.trail.Last
		o.Observe = func(action admin.Action) { a.trail.ObserveAdmin(audit.AdminAction(action)) }
	}
	console := admin.Open(ctx, o)
	return extension{
		observer: console.Observe, setPools: console.SetFile,
		handler: func(ops http.Handler, srv *server.Server) http.Handler { return console.Handler(ops, srv.Handler()) },
		run: func(ctx context.Context, srv *server.Server) {
			console.Run(ctx, func() stats.Load {
				l := srv.Load()
				return stats.Load{Sockets: l.Sockets, StoreUsage: knownRatio(l.StoreUsage)}
			})
		},
	}
}

// knownRatio returns nil for NaN, which JSON cannot express.
func knownRatio(ratio float64) *float64 {
	if math.IsNaN(ratio) {
		return nil
	}
	return &ratio
}
