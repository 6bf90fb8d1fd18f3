package app

import (
	"context"
	"encoding/hex"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin"
	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/settings"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/server"
)

// console runs the console: administrators change settings of pools and see statistics of
// all nodes.
type console struct {
	app      *App
	backends backends
	editor   *settings.Editor
	recorder *stats.Recorder
	file     atomic.Pointer[config.Config] // as it was read last
}

// firstReadTimeout is how long a start waits for changed settings.
const firstReadTimeout = 2 * time.Second

// openConsole applies the changed settings. If the store does not answer, the settings in
// the file are in force until it does. Without administrators there is no console, nothing
// in the store and nothing to count.
func (a *App) openConsole(ctx context.Context, b backends) extension {
	if a.config.Console == nil {
		return extension{}
	}
	c := &console{app: a, backends: b, editor: settings.NewEditor(a.config, a.registry, b.records, a.log)}
	c.file.Store(a.config)
	b.listen(settings.Document, c.editor.Wake)
	ctx, cancel := context.WithTimeout(ctx, firstReadTimeout)
	defer cancel()
	_ = c.editor.Read(ctx) // is logged; Run reads again
	version := BuildVersion().Number
	c.recorder = stats.NewRecorder(stats.Options{
		Store: b.records, Node: nodeName(a.public.Addr().String()), Version: version, BusAge: b.busAge, Log: a.log,
	})
	return extension{observer: c.recorder.Observe, setPools: c.setFile, handler: c.handler, run: c.run}
}

// nodeName names this node on the pages of the console.
func nodeName(address string) string {
	host, err := os.Hostname()
	if err != nil {
		return address
	}
	return host + " " + address
}

// setFile applies a configuration that was read again: its pools and its administrators.
func (c *console) setFile(file *config.Config) {
	c.file.Store(file)
	c.editor.SetFile(file)
}

// admins returns the administrators of the file.
func (c *console) admins() (admins []admin.Admin) {
	file := c.file.Load()
	if file.Console == nil { // it was removed, and the server not yet restarted
		return nil
	}
	for _, t := range file.Console.Tokens {
		a := admin.Admin{Name: t.Name}
		_, _ = hex.Decode(a.Hash[:], []byte(t.SHA256)) // was validated
		admins = append(admins, a)
	}
	return admins
}

// handler serves the console at /console, and ops everywhere else.
func (c *console) handler(ops http.Handler, srv *server.Server) http.Handler {
	options := admin.Options{
		Admins: c.admins, Settings: c.editor, Store: c.backends.records, DeadLetters: webhook.DeadLetters{Queue: c.backends.queue},
		Public: srv.Handler(), PublicURL: c.app.config.PublicURL, Log: c.app.log,
	}
	if c.app.trail != nil {
		options.Trail = c.app.trail.Last
		options.Observe = func(a admin.Action) { c.app.trail.ObserveAdmin(audit.AdminAction(a)) }
	}
	pages := admin.New(options)
	mux := http.NewServeMux()
	mux.Handle("/", ops)
	mux.Handle("/console", pages)
	mux.Handle("/console/", pages)
	return mux
}

// run applies changed settings, and records statistics of srv, until ctx ends.
func (c *console) run(ctx context.Context, srv *server.Server) {
	var running sync.WaitGroup
	running.Go(func() { c.editor.Run(ctx) })
	running.Go(func() { c.recorder.Run(ctx, srv.Sockets) })
	running.Wait()
}
