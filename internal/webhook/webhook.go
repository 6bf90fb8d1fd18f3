// Package webhook sends each transition of a pool's codes to the pool's receiver: one signed
// POST per transition, in the form of Standard Webhooks.
//
// It guarantees that each transition from the scan on is delivered at least once, whichever
// nodes die, as long as the queue keeps its entries and a node returns before the store
// deletes the code; that nothing is sent that did not happen; that all attempts for a
// transition have the same id and body; and that a failing or slow receiver delays only the
// messages of its own pool. Codes that were not scanned have the same guarantee within
// separate limits: creating such codes costs an attacker nothing, so their messages are
// queued separately, sent last and dropped first.
//
// A message cannot be queued after a step is stored, because the node may die in between.
// Instead the code's id is queued before the code is stored, and again before its scan is
// stored ([Relay.WrapStore]). The node that takes the id tracks the code to its end (tracker)
// and reads the transitions from the session (transitionsOf). Each transition becomes a
// message in another lane, which is sent until the receiver accepts it (sender) or, after a
// day, becomes a dead letter ([DeadLetters]).
package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/loglimit"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
)

// Options configure a Relay. All fields except Observe and Log are required.
type Options struct {
	Pools *pool.Registry
	Store session.Store
	Hub   *hub.Hub // its Run must outlive the relay
	Queue queue.Queue

	// Observe receives the outcome of each attempt, and of each message that is given
	// up. It must not block. nil: not called.
	Observe func(pool string, outcome Outcome)
	Log     *slog.Logger // nil: no log
}

// Outcome is the result of an attempt to deliver a message (Delivered, Failed), or the
// end of a message that is given up (Dead, Dropped).
type Outcome string

const (
	Delivered Outcome = "delivered"
	Failed    Outcome = "failed" // the message is tried again or becomes Dead or Dropped
	Dead      Outcome = "dead"   // the message is now a dead letter
	// Dropped is a message of an unscanned code for which neither the queue nor the dead
	// letters had room.
	Dropped Outcome = "dropped"
)

// Relay sends the messages of all pools. It does and stores nothing until a pool has a
// webhook.
type Relay struct {
	Options
	limited *loglimit.Logger // on Log

	mu      sync.Mutex
	cancel  context.CancelFunc // nil: not started
	closed  bool
	running sync.WaitGroup
}

// New returns a relay. It starts nothing; Start does, and so does the first code of a pool
// with a webhook.
func New(o Options) *Relay {
	if o.Observe == nil {
		o.Observe = func(string, Outcome) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Relay{Options: o, limited: loglimit.New(o.Log, logInterval)}
}

// logInterval is the minimum time between two lines with the same message and pool: a
// receiver that is down for a day, or a flood of codes, would fill the log.
const logInterval = time.Minute

// logLimited logs a message, at most once per logInterval and pool.
func (r *Relay) logLimited(ctx context.Context, level slog.Level, pool, msg string, args ...any) {
	r.limited.Log(ctx, level, msg+"\x00"+pool, msg, append([]any{"pool", pool}, args...)...)
}

// Start starts the relay if a pool has a webhook and it is not running. Close ends it.
func (r *Relay) Start() {
	if !r.hasWebhook() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.running.Go(func() { r.supervise(ctx) })
}

func (r *Relay) hasWebhook() bool {
	for _, p := range r.Pools.All() {
		if p.Webhook != nil {
			return true
		}
	}
	return false
}

// Close stops the relay: it aborts running attempts and releases all entries that this node
// holds. It returns within a few seconds.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	if r.cancel != nil {
		r.cancel()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// pollInterval is how often lanes are polled for entries that other nodes left or that are
// due again. Entries of this node are taken at once.
const pollInterval = 500 * time.Millisecond

// supervise runs a worker for each pool with a webhook until ctx ends.
func (r *Relay) supervise(ctx context.Context) {
	workers := make(map[string]context.CancelFunc)
	var running sync.WaitGroup
	defer running.Wait()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		for id, stop := range workers {
			if r.webhook(id) == nil {
				stop()
				delete(workers, id)
			}
		}
		for _, p := range r.Pools.All() {
			if p.Webhook == nil || workers[p.ID] != nil {
				continue
			}
			worker, stop := context.WithCancel(ctx)
			workers[p.ID] = stop
			running.Go(func() { r.runPool(worker, p.ID) })
		}
		select {
		case <-ctx.Done():
			for _, stop := range workers {
				stop()
			}
			return
		case <-tick.C:
		}
	}
}

// runPool tracks the codes of a pool and sends its messages until ctx ends.
func (r *Relay) runPool(ctx context.Context, pool string) {
	s := newSender(r, pool)
	var all sync.WaitGroup
	all.Go(func() { s.run(ctx) })
	for _, codes := range []queue.Lane{codesOf(pool), scannedOf(pool)} {
		t := newTracker(r, pool, codes, s.wake.Set)
		all.Go(func() { t.run(ctx) })
	}
	all.Wait()
}

// webhook returns a pool's webhook, nil if it has none.
func (r *Relay) webhook(id string) *pool.Webhook {
	if p := r.Pools.ByID(id); p != nil {
		return p.Webhook
	}
	return nil
}

// WrapStore returns a store that queues a code's id before it stores the code or its scan in
// st, for pools with a webhook. If queueing fails, so does the step. An id without a stored
// code or scan does no harm.
func (r *Relay) WrapStore(st session.Store) session.Store { return queueingStore{st, r} }

type queueingStore struct {
	session.Store
	relay *Relay
}

// Unwrap returns the wrapped store.
func (q queueingStore) Unwrap() session.Store { return q.Store }

// Create implements session.Store.
func (q queueingStore) Create(ctx context.Context, s session.Session) (session.Session, error) {
	if err := q.enqueue(ctx, s.Pool, codesOf, s.ID); err != nil {
		return session.Session{}, err
	}
	return q.Store.Create(ctx, s)
}

// Apply implements session.Store. Only a change with its pool queues a scan.
func (q queueingStore) Apply(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	c := t.Change
	if c.Action == session.Scan && q.relay.webhook(c.Pool) != nil {
		if err := q.enqueue(ctx, c.Pool, scannedOf, id); err != nil {
			return session.Session{}, session.Refused, err
		}
		c.ScanQueued = true
		t = c.Transition()
	}
	return q.Store.Apply(ctx, id, t)
}

// enqueue adds a code to a lane of its pool, if that has a webhook.
func (q queueingStore) enqueue(ctx context.Context, pool string, lane func(pool string) queue.Lane, id session.ID) error {
	if q.relay.webhook(pool) == nil {
		return nil
	}
	if err := q.relay.Queue.Add(ctx, lane(pool), string(id)); err != nil {
		return err
	}
	q.relay.Start() // a reload may have added the first webhook
	return nil
}

// releaseTimeout bounds the last calls to the queue when the relay stops.
const releaseTimeout = time.Second

// release gives up entries, so that other nodes can take them at once. If that fails, they
// can when the hold ends.
func (r *Relay) release(ctx context.Context, lane queue.Lane, ids ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if err := r.Queue.Hold(ctx, lane, 0, ids...); err != nil {
		r.Log.Debug("webhook entries not released", "lane", lane.Name, "error", err)
	}
}
