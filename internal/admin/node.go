package admin

import (
	"context"
	"encoding/hex"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/settings"
	"github.com/scanlogin/scanlogin/session"
)

// NodeOptions configure a Node. It sets Admins, Settings, Public and PublicURL of the
// embedded Options itself.
type NodeOptions struct {
	Options
	File     *config.Config                 // with administrators: File.Console is not nil
	Registry *pool.Registry                 // has the pools of File, and gets them with the changed settings
	Listen   func(name string, wake func()) // calls wake when another node announces the document of this name
	BusAge   func() time.Duration           // nil: no bus
	Address  string                         // of the public listener; part of the node's display name
	Version  string                         // of the program, as displayed
}

// Node is all that a node does for the console: it applies the settings that administrators
// change on any node, counts events, and serves the pages. Create it with Open.
type Node struct {
	options  NodeOptions
	editor   *settings.Editor
	recorder *stats.Recorder
	file     atomic.Pointer[config.Config] // as it was read last
}

// firstReadTimeout is how long Open waits for changed settings.
const firstReadTimeout = 2 * time.Second

// Open makes a Node and applies the changed settings. If the store does not answer within
// 2 s, the settings in the file are in force until it does. It starts no goroutines.
func Open(ctx context.Context, o NodeOptions) *Node {
	n := &Node{options: o, editor: settings.NewEditor(o.File, o.Registry, o.Store, o.Log)}
	n.file.Store(o.File)
	o.Listen(settings.Document, n.editor.Wake)
	ctx, cancel := context.WithTimeout(ctx, firstReadTimeout)
	defer cancel()
	_ = n.editor.Read(ctx) // is logged; Run reads again
	n.recorder = stats.NewRecorder(stats.Options{
		Store: o.Store, Node: displayName(o.Address), Version: o.Version, BusAge: o.BusAge, Log: o.Log,
		HasClient: func(id string) bool {
			_, c := o.Registry.Client(id)
			return c != nil
		},
	})
	return n
}

// displayName names the node with this address on the pages.
func displayName(address string) string {
	host, err := os.Hostname()
	if err != nil {
		return address
	}
	return host + " " + address
}

// Observe counts an event. It is a session.Observer.
func (n *Node) Observe(e session.Event) { n.recorder.Observe(e) }

// SetFile applies a configuration that was read again: its pools and its administrators.
func (n *Node) SetFile(file *config.Config) {
	n.file.Store(file)
	n.editor.SetFile(file)
}

// admins returns the administrators of the file.
func (n *Node) admins() (admins []Admin) {
	file := n.file.Load()
	if file.Console == nil { // it was removed, and the server not yet restarted
		return nil
	}
	for _, t := range file.Console.Tokens {
		a := Admin{Name: t.Name}
		_, _ = hex.Decode(a.Hash[:], []byte(t.SHA256)) // was validated
		admins = append(admins, a)
	}
	return admins
}

// Handler serves the console at /console, and ops everywhere else. public is the handler of
// the public listener.
func (n *Node) Handler(ops, public http.Handler) http.Handler {
	o := n.options.Options
	o.Admins, o.Settings, o.Public, o.PublicURL = n.admins, n.editor, public, n.options.File.PublicURL
	pages := New(o)
	mux := http.NewServeMux()
	mux.Handle("/", ops)
	mux.Handle("/console", pages)
	mux.Handle("/console/", pages)
	return mux
}

// Run applies changed settings, and records statistics with the node's load, until ctx ends.
func (n *Node) Run(ctx context.Context, load func() stats.Load) {
	var running sync.WaitGroup
	running.Go(func() { n.editor.Run(ctx) })
	running.Go(func() { n.recorder.Run(ctx, load) })
	running.Wait()
}
