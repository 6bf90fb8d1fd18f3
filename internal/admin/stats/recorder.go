package stats

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/session"
)

// Options are a Recorder's surroundings.
type Options struct {
	Shelf   kv.Shelf
	Node    string // the name that people know this node by
	Version string
	BusAge  func() time.Duration // nil: there is no bus to lose
	Log     *slog.Logger
}

// Recorder counts what one node does, and says so on the shelf. Make it with
// NewRecorder; its Observe is a session.Observer.
type Recorder struct {
	options Options
	id      string // of this process
	started time.Time
	away    bool // the shelf did not answer the last time; of Run alone

	mu      sync.Mutex
	minutes map[int64]*Report // what was counted and not put, but for the present minute
}

// NewRecorder makes a Recorder. It starts nothing; Run does.
func NewRecorder(o Options) *Recorder {
	return &Recorder{
		options: o, id: string(session.NewOpID()), started: o.Shelf.Now(),
		minutes: make(map[int64]*Report),
	}
}

// Observe counts an event. It is a session.Observer.
func (r *Recorder) Observe(e session.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.minute(minuteOf(r.options.Shelf.Now()))
	m.Events[string(e.Kind)]++
	switch e.Kind {
	case session.EventScanned:
		m.ToScan.count(e.Code.ScannedAt.Sub(e.Code.CreatedAt))
	case session.EventConfirmed:
		m.ToConfirm.count(e.Code.ConfirmedAt.Sub(e.Code.ScannedAt))
	case session.EventRefused:
		m.Refused[e.Reason]++
	}
}

// minute returns the report of a minute. r.mu is held.
func (r *Recorder) minute(minute int64) *Report {
	m := r.minutes[minute]
	if m == nil {
		m = &Report{Events: make(map[string]int), Refused: make(map[string]int)}
		r.minutes[minute] = m
	}
	return m
}

// farewell bounds the last word of a node that leaves.
const farewell = time.Second

// Run says how this node stands, and how many sockets it has, until ctx ends,
// and once more then.
func (r *Recorder) Run(ctx context.Context, sockets func() int) {
	tick := time.NewTicker(tellEach)
	defer tick.Stop()
	for {
		r.tell(ctx, sockets)
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
			defer cancel()
			r.tell(last, sockets)
			return
		}
	}
}

// tell puts what was counted. What cannot be put is kept for as long as anybody
// would look at it.
func (r *Recorder) tell(ctx context.Context, sockets func() int) {
	now := r.options.Shelf.Now()
	for minute, report := range r.due(now) {
		report.Sockets = sockets()
		err := r.put(ctx, minute, report)
		if err != nil && !r.away && ctx.Err() == nil {
			r.options.Log.Warn("what was counted cannot be told to other nodes", "error", err)
		}
		if r.away = err != nil; r.away {
			return
		}
		if minute < minuteOf(now)-1 { // the clock is an estimate, and may go back a little
			r.mu.Lock()
			delete(r.minutes, minute)
			r.mu.Unlock()
		}
	}
}

// due returns copies of the reports that are to be put, the present minute's
// among them, and forgets those that nobody would look at.
func (r *Recorder) due(now time.Time) map[int64]Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.minute(minuteOf(now))
	due := make(map[int64]Report, len(r.minutes))
	for minute, m := range r.minutes {
		if minute < minuteOf(now.Add(-window)) {
			delete(r.minutes, minute)
			continue
		}
		due[minute] = m.clone()
	}
	return due
}

func (r *Recorder) put(ctx context.Context, minute int64, report Report) error {
	o := r.options
	report.Node, report.Version, report.Started, report.At = o.Node, o.Version, r.started, o.Shelf.Now()
	report.BusAge = -1
	if o.BusAge != nil {
		report.BusAge = o.BusAge()
	}
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return o.Shelf.Put(ctx, sheetOf(minute), r.id, string(text), endOf(minute))
}
