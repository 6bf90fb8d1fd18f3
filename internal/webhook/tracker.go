package webhook

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
)

const (
	// lease is how long a node holds a code that it tracks; it renews the lease three
	// times as often. So another node continues with the codes of a dead node after this
	// time, well within the 90 s for which an ended code is retained.
	lease      = 15 * time.Second
	renewEvery = lease / 3

	// grace is how long a code may take from queueing its id to storing it; a node gives
	// up storing after 2 s.
	grace = 10 * time.Second

	// maxTracked bounds the codes that a node tracks per pool, at about 2 KB each: as many
	// as the default limits allow it to create.
	maxTracked = 100_000

	takeBatch      = 100
	parallelChecks = 16 // each takes at least two round trips
	retryInterval  = time.Second
	logNotFound    = "webhook code not found: it was never stored, or it ended while no node tracked it"
)

// tracker tracks the codes of one lane of a pool to their end, and queues a message for each
// of their transitions that belongs to the lane. A pool has two: one for all codes, and one
// for scanned codes, which therefore do not wait for the others.
type tracker struct {
	*Relay
	pool  string
	codes queue.Lane // scannedOf or codesOf the pool
	// scannedOnly is true if codes is the lane of scanned codes.
	scannedOnly    bool
	due, unscanned queue.Lane
	added          func()        // called after a message was queued
	wake           wakeup.Signal // set when dirty is not empty

	mu    sync.Mutex
	dirty map[session.ID]struct{} // codes that may have changed

	tracked map[session.ID]*trackedCode // used by run only
}

// trackedCode is a code that is tracked.
type trackedCode struct {
	entry  queue.Entry     // the oldest one
	added  time.Time       // when the newest one was added
	watch  *hub.Watch      // nil: not started, or ended
	queued map[string]bool // by id of the messages so far: false if it was dropped
	retry  bool            // the last check was incomplete
}

func newTracker(r *Relay, pool string, codes queue.Lane, added func()) *tracker {
	return &tracker{
		Relay: r, pool: pool, codes: codes, scannedOnly: codes == scannedOf(pool), due: dueOf(pool), unscanned: unscannedOf(pool), added: added,
		wake: wakeup.New(), dirty: make(map[session.ID]struct{}), tracked: make(map[session.ID]*trackedCode),
	}
}

// run tracks codes until ctx ends, and then releases them.
func (t *tracker) run(ctx context.Context) {
	take, renew, retry := time.NewTicker(pollInterval), time.NewTicker(renewEvery), time.NewTicker(retryInterval)
	defer take.Stop()
	defer renew.Stop()
	defer retry.Stop()
	defer t.releaseAll(ctx)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-take.C:
			t.take(ctx)
		case <-renew.C:
			if err := t.Queue.Hold(ctx, t.codes, lease, t.entries()...); err != nil {
				t.Log.Debug("webhook codes not held", "pool", t.pool, "error", err)
			}
		case <-retry.C:
			t.retryIncomplete()
		case <-t.wake:
			t.checkAll(ctx)
		}
	}
}

// take takes codes that no node tracks.
func (t *tracker) take(ctx context.Context) {
	for {
		n := min(takeBatch, maxTracked-len(t.tracked))
		entries, err := t.Queue.Take(ctx, t.codes, n, lease)
		if err != nil {
			t.Log.Debug("webhook codes not taken", "pool", t.pool, "error", err)
			return
		}
		for _, e := range entries {
			t.begin(ctx, e)
		}
		if len(entries) < takeBatch {
			return
		}
	}
}

func (t *tracker) begin(ctx context.Context, e queue.Entry) {
	id, err := session.ParseID(e.Text)
	if err != nil { // not written by scanlogin
		t.done(ctx, e.ID)
		return
	}
	if before := t.tracked[id]; before == nil {
		t.tracked[id] = &trackedCode{entry: e, added: e.Added, queued: make(map[string]bool)}
	} else if before.entry.ID != e.ID { // queued twice
		t.done(ctx, before.keepOldest(e).ID)
	}
	t.markDirty(id)
}

// keepOldest notes that the code was queued twice, and returns the entry that is not needed. The
// newest one decides how much grace is left.
func (c *trackedCode) keepOldest(e queue.Entry) queue.Entry {
	if e.Added.After(c.added) {
		c.added = e.Added
	}
	if e.Added.Before(c.entry.Added) {
		c.entry, e = e, c.entry
	}
	return e
}

// isRepeated reports whether a code was queued by another scan after the one that is stored: by
// the same user, or by one who was refused. The stored scan has queued it before.
func (t *tracker) isRepeated(s session.Session, c *trackedCode) bool {
	return t.scannedOnly && s.ScanQueued && !s.ScannedAt.IsZero() && c.entry.Added.Sub(s.ScannedAt) > grace
}

// markDirty records that a code may have changed. The hub calls it.
func (t *tracker) markDirty(id session.ID) {
	t.mu.Lock()
	t.dirty[id] = struct{}{}
	t.mu.Unlock()
	t.wake.Set()
}

func (t *tracker) retryIncomplete() {
	for id, c := range t.tracked {
		if c.retry {
			t.markDirty(id)
		}
	}
}

// checkAll checks all codes that may have changed, up to parallelChecks at once.
func (t *tracker) checkAll(ctx context.Context) {
	t.mu.Lock()
	dirty := t.dirty
	t.dirty = make(map[session.ID]struct{})
	t.mu.Unlock()
	var checks errgroup.Group
	checks.SetLimit(parallelChecks)
	var mu sync.Mutex
	var over []session.ID
	for id := range dirty {
		c := t.tracked[id]
		if c == nil {
			continue // ended in the meantime
		}
		checks.Go(func() error {
			if t.check(ctx, id, c) {
				mu.Lock()
				defer mu.Unlock()
				over = append(over, id)
			}
			return nil
		})
	}
	_ = checks.Wait() // always nil
	t.end(ctx, over)
}

// check queues the transitions of a code that were not queued yet, and reports whether the
// code has ended.
func (t *tracker) check(ctx context.Context, id session.ID, c *trackedCode) (over bool) {
	c.retry = true
	if c.watch != nil {
		if _, err := c.watch.Latest(); err != nil { // not found, or contradictory
			c.watch.Close()
			c.watch = nil
		}
	}
	s, err := t.Store.Load(ctx, id)
	switch {
	case errors.Is(err, session.ErrNotFound):
		if t.Store.Now().Sub(c.added) < grace {
			return false
		}
		t.logLimited(ctx, slog.LevelInfo, t.pool, logNotFound, "queued", len(c.queued))
		return true
	case err != nil:
		t.Log.Debug("webhook code not read", "pool", t.pool, "error", err)
		return false
	}
	if t.isRepeated(s, c) {
		return true
	}
	if err := t.queueAll(ctx, s, c); err != nil {
		t.logLimited(ctx, slog.LevelWarn, t.pool, "webhook message not queued", "error", err)
		return false
	}
	if s.Status.Over() {
		return true
	}
	if c.watch == nil { // the hub's first state causes another check
		c.watch, err = t.Hub.Watch(id, func() { t.markDirty(id) })
	}
	early := t.scannedOnly && s.ScannedAt.IsZero() // the scan is not stored yet, or failed
	c.retry = err != nil || early
	return early && t.Store.Now().Sub(c.added) >= grace
}

// end stops tracking codes.
func (t *tracker) end(ctx context.Context, ids []session.ID) {
	entries := make([]string, len(ids))
	for i, id := range ids {
		c := t.tracked[id]
		entries[i] = c.entry.ID
		c.close()
		delete(t.tracked, id)
	}
	t.done(ctx, entries...)
}

func (c *trackedCode) close() {
	if c.watch != nil {
		c.watch.Close()
	}
}

// done removes codes from the queue. If that fails, they are tracked again and their messages
// repeated; the receiver recognizes the ids.
func (t *tracker) done(ctx context.Context, entries ...string) {
	if err := t.Queue.Done(ctx, t.codes, entries...); err != nil {
		t.Log.Debug("webhook codes not removed", "pool", t.pool, "error", err)
	}
}

func (t *tracker) entries() []string {
	ids := make([]string, 0, len(t.tracked))
	for _, c := range t.tracked {
		ids = append(ids, c.entry.ID)
	}
	return ids
}

func (t *tracker) releaseAll(ctx context.Context) {
	for _, c := range t.tracked {
		c.close()
	}
	t.release(ctx, t.codes, t.entries()...)
}
