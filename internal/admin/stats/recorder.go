// Package stats provides the console's statistics over all nodes: events, times to scan and to
// confirm, refusals and logins at OAuth clients by period, in total and by pool; and the nodes.
//
// Each node publishes its totals per period repeatedly, so that a repeated or lost write does
// no harm and the totals of a dead node remain. The package guarantees that counting never
// waits for the storage, and that memory and storage are bounded: the names of what is counted
// come from this program and from the configuration only.
package stats

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/session"
)

// Options configure a Recorder.
type Options struct {
	Store   kv.Store
	Node    string // display name
	Version string
	BusAge  func() time.Duration // nil: no bus
	// HasClient reports whether the configuration has an OAuth client with this id. Logins at
	// others are not counted by client. nil: it has none.
	HasClient func(id string) bool
	Log       *slog.Logger
}

// Recorder counts the events of one node and publishes the counts. Create it with NewRecorder.
type Recorder struct {
	options Options
	id      string // of this process
	started time.Time

	// Used by Run only.
	failing   bool          // the last write failed
	storeTime time.Duration // of the last write
	lastLong  time.Time     // when the longer ranges were published

	mu     sync.Mutex
	counts map[key]*entry
}

// key identifies what is counted together.
type key struct {
	span   Range
	number int64
	pool   string // "": all
}

// entry is what was counted, and how much of it is published.
type entry struct {
	Counts
	changes   int
	published int // changes that the storage has
}

// NewRecorder returns a Recorder. It starts no goroutines; Run publishes.
func NewRecorder(o Options) *Recorder {
	return &Recorder{options: o, id: string(session.NewOpID()), started: o.Store.Now(), counts: make(map[key]*entry)}
}

// Observe counts an event. It is a session.Observer.
func (r *Recorder) Observe(e session.Event) {
	now := r.options.Store.Now()
	hasClient := r.options.HasClient
	isLogin := e.Kind == session.EventExchanged && e.Client != "" && hasClient != nil && hasClient(e.Client)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, span := range Ranges {
		r.entry(key{span, span.number(now), ""}).observe(e, isLogin)
		if e.Pool != "" {
			r.entry(key{span, span.number(now), e.Pool}).observe(e, isLogin)
		}
	}
}

// observe counts an event, and whether it is a login at a client.
func (e *entry) observe(event session.Event, isLogin bool) {
	e.changes++
	e.Counts.observe(event)
	if isLogin {
		e.countLogin(event.Client)
	}
}

// entry returns the entry of a key. r.mu is held.
func (r *Recorder) entry(k key) *entry {
	e := r.counts[k]
	if e == nil {
		e = &entry{published: -1} // also an empty one is published: the node was there
		r.counts[k] = e
	}
	return e
}

// lastPublishTimeout bounds the last writes of a node that stops.
const lastPublishTimeout = time.Second

// Run publishes the counts and the load until ctx ends, and then once more.
func (r *Recorder) Run(ctx context.Context, load func() Load) {
	tick := time.NewTicker(publishInterval)
	defer tick.Stop()
	for {
		r.publish(ctx, Report{Load: load()})
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPublishTimeout)
			defer cancel()
			r.publish(last, Report{Load: load(), Stopped: true})
			return
		}
	}
}

// publish writes the counts that changed, with the node's state. What cannot be written is kept for
// an hour.
func (r *Recorder) publish(ctx context.Context, state Report) {
	now := r.options.Store.Now()
	long := state.Stopped || now.Sub(r.lastLong) >= longInterval
	for _, d := range r.due(now, long) {
		err := r.write(ctx, d.key, state, d.entry.Counts)
		switch {
		case err != nil && !r.failing && ctx.Err() == nil:
			r.options.Log.Warn("statistics not published", "error", err)
		case err == nil && r.failing:
			r.options.Log.Warn("statistics are published again")
		}
		if r.failing = err != nil; r.failing {
			return
		}
		r.notePublished(d)
	}
	if long {
		r.lastLong = now
	}
}

// dueEntry is a copy of an entry that is to be published.
type dueEntry struct {
	key
	entry
}

// due returns what is to be published: the state of this node first. It forgets what is published and
// complete, and what could not be published within an hour.
func (r *Recorder) due(now time.Time, long bool) []dueEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, span := range Ranges { // also without events: the node is there
		r.entry(key{span, span.number(now), ""})
	}
	var due []dueEntry
	for k, e := range r.counts {
		complete := k.number < k.span.number(now)-1 // the estimated clock may go back a little
		if complete && e.published == e.changes || now.Sub(k.span.start(k.number+1)) > time.Hour {
			delete(r.counts, k)
			continue
		}
		if k.isState(now) || e.published < e.changes && (long || k.span == Ranges[0]) {
			due = append(due, dueEntry{k, entry{Counts: e.clone(), changes: e.changes}})
		}
	}
	slices.SortFunc(due, func(a, b dueEntry) int {
		return cmp.Or(cmp.Compare(a.span.Period, b.span.Period), -cmp.Compare(a.number, b.number), cmp.Compare(a.pool, b.pool))
	})
	return due
}

// isState reports whether the entry also tells the state of the node.
func (k key) isState(now time.Time) bool {
	return k.span == Ranges[0] && k.number == k.span.number(now) && k.pool == ""
}

// notePublished notes that an entry is stored.
func (r *Recorder) notePublished(d dueEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[d.key].published = d.changes // only due deletes entries, in the same goroutine
}

func (r *Recorder) write(ctx context.Context, k key, report Report, counts Counts) error {
	o := r.options
	report.Node, report.Version, report.Started, report.At = o.Node, o.Version, r.started, o.Store.Now()
	report.Counts, report.StoreTime, report.BusAge = counts, r.storeTime, -1
	if o.BusAge != nil {
		report.BusAge = o.BusAge()
	}
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	before := time.Now()
	if err := o.Store.Put(ctx, k.span.hashOf(k.number, k.pool), r.id, string(text), k.span.expiry(k.number)); err != nil {
		return err
	}
	r.storeTime = time.Since(before)
	return nil
}
