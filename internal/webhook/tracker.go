package webhook

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
)

const (
	// lease is for how long a node holds a code that it follows; it renews that
	// three times as often. So the codes of a node that died are followed
	// again, by another, after this time, well within the 90 s for which a
	// code that is over is remembered.
	lease      = 15 * time.Second
	renewEvery = lease / 3

	// grace is how long a code may take from its name's entry to its being
	// stored; a node gives up storing after 2 s.
	grace = 10 * time.Second

	// mostFollowed bounds what a node follows of one pool, at some 2 KB each:
	// as many as it may have made by the limits' defaults.
	mostFollowed = 100_000

	takeBatch   = 100
	lookAtOnce  = 16 // each look is two round trips or more
	retryLooks  = time.Second
	logNotFound = "code of a webhook is not there: it was never stored, or it ended while no node followed it"
)

// follower follows the codes of one lane of a pool to their ends, and queues a
// message for each of their transitions that is its own. A pool has two: that of
// all codes, and that of scanned ones, which so wait for no others.
type follower struct {
	*Relay
	pool  string
	codes queue.Lane // scannedOf or codesOf the pool
	// scannedOnly is whether codes is the lane of scanned codes.
	scannedOnly    bool
	due, unscanned queue.Lane
	added          func()        // called when there are new messages
	wake           chan struct{} // holds a token when dirty is not empty

	mu    sync.Mutex
	dirty map[session.ID]struct{} // codes that may have news

	followed map[session.ID]*followed // run's own
}

// followed is a code that is followed.
type followed struct {
	entry queue.Entry
	watch *hub.Watch      // nil: not yet, or it has ended
	told  map[string]bool // by id of the messages so far: whether it was queued, and not dropped
	again bool            // the last look did not tell all
}

func newFollower(r *Relay, pool string, codes queue.Lane, added func()) *follower {
	return &follower{
		Relay: r, pool: pool, codes: codes, scannedOnly: codes == scannedOf(pool), due: dueOf(pool), unscanned: unscannedOf(pool), added: added,
		wake: make(chan struct{}, 1), dirty: make(map[session.ID]struct{}), followed: make(map[session.ID]*followed),
	}
}

// run follows until ctx ends, and then lets go what it has in hand.
func (f *follower) run(ctx context.Context) {
	take, renew, retry := time.NewTicker(lookEvery), time.NewTicker(renewEvery), time.NewTicker(retryLooks)
	defer take.Stop()
	defer renew.Stop()
	defer retry.Stop()
	defer f.leave(ctx)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-take.C:
			f.take(ctx)
		case <-renew.C:
			if err := f.Queue.Hold(ctx, f.codes, lease, f.entries()...); err != nil {
				f.Log.Debug("webhook codes are not held", "pool", f.pool, "error", err)
			}
		case <-retry.C:
			f.lookAgain()
		case <-f.wake:
			f.look(ctx)
		}
	}
}

// take takes codes that nobody follows.
func (f *follower) take(ctx context.Context) {
	for {
		n := min(takeBatch, mostFollowed-len(f.followed))
		entries, err := f.Queue.Take(ctx, f.codes, n, lease)
		if err != nil {
			f.Log.Debug("webhook codes are not taken", "pool", f.pool, "error", err)
			return
		}
		for _, e := range entries {
			f.begin(ctx, e)
		}
		if len(entries) < takeBatch {
			return
		}
	}
}

func (f *follower) begin(ctx context.Context, e queue.Entry) {
	id, err := session.ParseID(e.Text)
	if err != nil { // a stranger's
		f.done(ctx, e.ID)
		return
	}
	if before := f.followed[id]; before == nil {
		f.followed[id] = &followed{entry: e, told: make(map[string]bool)}
	} else if before.entry.ID != e.ID { // queued twice; the newer one has the grace that is left
		f.done(ctx, before.entry.ID)
		before.entry = e
	}
	f.mark(id)
}

// mark notes that a code may have news. It is what the hub calls.
func (f *follower) mark(id session.ID) {
	f.mu.Lock()
	f.dirty[id] = struct{}{}
	f.mu.Unlock()
	nudge(f.wake)
}

func (f *follower) lookAgain() {
	for id, c := range f.followed {
		if c.again {
			f.mark(id)
		}
	}
}

// look looks at all codes that may have news, some at once, each by itself.
func (f *follower) look(ctx context.Context) {
	f.mu.Lock()
	dirty := f.dirty
	f.dirty = make(map[session.ID]struct{})
	f.mu.Unlock()
	var looks errgroup.Group
	looks.SetLimit(lookAtOnce)
	var mu sync.Mutex
	var over []session.ID
	for id := range dirty {
		c := f.followed[id]
		if c == nil {
			continue // it ended meanwhile
		}
		looks.Go(func() error {
			if f.tell(ctx, id, c) {
				mu.Lock()
				defer mu.Unlock()
				over = append(over, id)
			}
			return nil
		})
	}
	_ = looks.Wait() // there are no errors
	f.end(ctx, over)
}

// tell queues what has happened to a code and was not queued yet, and reports
// whether nothing more can happen.
func (f *follower) tell(ctx context.Context, id session.ID, c *followed) (over bool) {
	c.again = true
	if c.watch != nil {
		if _, err := c.watch.Latest(); err != nil { // it is gone, or has another history
			c.watch.Close()
			c.watch = nil
		}
	}
	s, err := f.Store.Load(ctx, id)
	switch {
	case errors.Is(err, session.ErrNotFound):
		if f.Store.Now().Sub(c.entry.Added) < grace {
			return false
		}
		f.logSome(ctx, slog.LevelInfo, f.pool, logNotFound, "told", len(c.told))
		return true
	case err != nil:
		f.Log.Debug("code of a webhook is not read", "pool", f.pool, "error", err)
		return false
	}
	if err := f.queueAll(ctx, s, c); err != nil {
		f.logSome(ctx, slog.LevelWarn, f.pool, "webhook message is not queued", "error", err)
		return false
	}
	if s.Status.Over() {
		return true
	}
	if c.watch == nil { // the hub's first news lead to another look
		c.watch, err = f.Hub.Watch(id, func() { f.mark(id) })
	}
	early := f.scannedOnly && s.ScannedAt.IsZero() // the scan is about to be stored, or failed
	c.again = err != nil || early
	return early && f.Store.Now().Sub(c.entry.Added) >= grace
}

// end stops following codes.
func (f *follower) end(ctx context.Context, ids []session.ID) {
	entries := make([]string, len(ids))
	for i, id := range ids {
		c := f.followed[id]
		entries[i] = c.entry.ID
		c.close()
		delete(f.followed, id)
	}
	f.done(ctx, entries...)
}

func (c *followed) close() {
	if c.watch != nil {
		c.watch.Close()
	}
}

// done removes codes from the queue. If that fails somebody takes them once
// more, tells what was told, and the receiver knows it by its ids.
func (f *follower) done(ctx context.Context, entries ...string) {
	if err := f.Queue.Done(ctx, f.codes, entries...); err != nil {
		f.Log.Debug("webhook codes are not done", "pool", f.pool, "error", err)
	}
}

func (f *follower) entries() []string {
	ids := make([]string, 0, len(f.followed))
	for _, c := range f.followed {
		ids = append(ids, c.entry.ID)
	}
	return ids
}

func (f *follower) leave(ctx context.Context) {
	for _, c := range f.followed {
		c.close()
	}
	f.letGo(ctx, f.codes, f.entries()...)
}

// nudge puts a token into a channel that holds one.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
