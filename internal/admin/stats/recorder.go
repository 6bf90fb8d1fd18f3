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

// Options configure a Recorder.
type Options struct {
	Store   kv.Store
	Node    string // display name
	Version string
	BusAge  func() time.Duration // nil: no bus
	Log     *slog.Logger
}

// Recorder counts the events of one node and publishes the counts. Create it with NewRecorder.
type Recorder struct {
	options Options
	id      string // of this process
	started time.Time
	failing bool // the last write failed; used by Run only

	mu      sync.Mutex
	minutes map[int64]*Report // counts to publish
}

// NewRecorder returns a Recorder. It starts no goroutines; Run publishes.
func NewRecorder(o Options) *Recorder {
	return &Recorder{
		options: o, id: string(session.NewOpID()), started: o.Store.Now(),
		minutes: make(map[int64]*Report),
	}
}

// Observe counts an event. It is a session.Observer.
func (r *Recorder) Observe(e session.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.minute(minuteOf(r.options.Store.Now()))
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

// lastPublishTimeout bounds the last write of a node that stops.
const lastPublishTimeout = time.Second

// Run publishes the counts and the number of sockets until ctx ends, and then once more.
func (r *Recorder) Run(ctx context.Context, sockets func() int) {
	tick := time.NewTicker(publishInterval)
	defer tick.Stop()
	for {
		r.publish(ctx, sockets)
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPublishTimeout)
			defer cancel()
			r.publish(last, sockets)
			return
		}
	}
}

// publish writes the counts. If that fails, they are kept as long as they are within the last
// hour.
func (r *Recorder) publish(ctx context.Context, sockets func() int) {
	now := r.options.Store.Now()
	for minute, report := range r.due(now) {
		report.Sockets = sockets()
		err := r.write(ctx, minute, report)
		switch {
		case err != nil && !r.failing && ctx.Err() == nil:
			r.options.Log.Warn("statistics not published", "error", err)
		case err == nil && r.failing:
			r.options.Log.Warn("statistics are published again")
		}
		if r.failing = err != nil; r.failing {
			return
		}
		if minute < minuteOf(now)-1 { // the estimated clock may go back a little
			r.mu.Lock()
			delete(r.minutes, minute)
			r.mu.Unlock()
		}
	}
}

// due returns copies of the reports to publish, including the current minute's, and deletes
// those older than an hour.
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

func (r *Recorder) write(ctx context.Context, minute int64, report Report) error {
	o := r.options
	report.Node, report.Version, report.Started, report.At = o.Node, o.Version, r.started, o.Store.Now()
	report.BusAge = -1
	if o.BusAge != nil {
		report.BusAge = o.BusAge()
	}
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return o.Store.Put(ctx, hashOf(minute), r.id, string(text), endOf(minute))
}
