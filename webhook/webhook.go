// Package webhook tells a pool's receiver of each transition of its codes, by
// one signed POST each, as Standard Webhooks has it.
//
// It promises that each transition of a code which was stored is delivered at
// least once, whichever nodes die meanwhile, as long as the queue keeps what it
// has and a node comes back before the code is forgotten; that none is told
// which did not happen; that all that is sent of one transition has one id and
// one body; and that a receiver which fails or stalls holds up its own pool's
// messages alone.
//
// Nothing is queued beside a step: a node may die between the two. Instead a
// code's name is queued before the code is stored ([Relay.Announce]), and whoever
// takes it follows the code to its end (follower) and reads from its session
// what has happened (transitionsOf). Each transition becomes a message in a
// second lane, which is sent until the receiver has it (sender), or is laid
// aside for an operator after a day ([Dead]).
package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/pool"
	"github.com/scanlogin/scanlogin/queue"
	"github.com/scanlogin/scanlogin/session"
)

// Options are a Relay's surroundings. All but Observe and Log must be set.
type Options struct {
	Pools *pool.Book
	Store session.Store
	Hub   *hub.Hub // its Run must outlive the relay
	Queue queue.Queue

	// Observe is told of what became of a message or an attempt; it must not
	// block. nil: nobody is.
	Observe func(pool string, outcome Outcome)
	Log     *slog.Logger // nil: no log
}

// Outcome is what became of a message, or of an attempt to deliver one.
type Outcome string

const (
	Delivered Outcome = "delivered"
	Failed    Outcome = "failed" // the attempt; there will be another one
	Buried    Outcome = "buried" // no further attempt: a dead letter
)

// Relay tells the receivers of all pools. It does nothing, and keeps nothing,
// until a pool has a webhook.
type Relay struct {
	Options

	mu      sync.Mutex
	cancel  context.CancelFunc // nil: not started
	closed  bool
	running sync.WaitGroup
}

// New makes a relay. It starts nothing; Start does, and so does the first code
// of a pool that has a webhook.
func New(o Options) *Relay {
	if o.Observe == nil {
		o.Observe = func(string, Outcome) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Relay{Options: o}
}

// Start begins the work, if any pool has a webhook and it has not begun. Close
// ends it.
func (r *Relay) Start() {
	if !r.wanted() {
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

func (r *Relay) wanted() bool {
	for _, p := range r.Pools.All() {
		if p.Webhook != nil {
			return true
		}
	}
	return false
}

// Close ends the work: attempts that are under way are broken off, and all that
// this node holds is let go for others. It returns within some seconds.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	if r.cancel != nil {
		r.cancel()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// lookEvery is how often lanes are looked at, for what other nodes left and
// for what is due again. What this node adds, it takes at once.
const lookEvery = 500 * time.Millisecond

// supervise keeps a worker for each pool that has a webhook, until ctx ends.
func (r *Relay) supervise(ctx context.Context) {
	workers := make(map[string]context.CancelFunc)
	var running sync.WaitGroup
	defer running.Wait()
	tick := time.NewTicker(lookEvery)
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
			running.Go(func() { r.work(worker, p.ID) })
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

// work follows the codes of a pool, and sends its messages, until ctx ends.
func (r *Relay) work(ctx context.Context, pool string) {
	s := newSender(r, pool)
	f := newFollower(r, pool, s.nudge)
	var both sync.WaitGroup
	both.Go(func() { s.run(ctx) })
	both.Go(func() { f.run(ctx) })
	both.Wait()
}

// webhook is a pool's, nil if it has none.
func (r *Relay) webhook(id string) *pool.Webhook {
	if p := r.Pools.ByID(id); p != nil {
		return p.Webhook
	}
	return nil
}

// Announce returns st, but that it stores no code of a pool with a webhook before
// the code's name is queued. If that fails, so does the code; a name without a
// code is found to be nothing.
func (r *Relay) Announce(st session.Store) session.Store { return announcing{st, r} }

type announcing struct {
	session.Store
	relay *Relay
}

// Unwrap returns the store beneath.
func (a announcing) Unwrap() session.Store { return a.Store }

// Swap implements session.Store.
func (a announcing) Swap(ctx context.Context, next session.Session, op session.OpID) error {
	if next.Version == 1 && a.relay.webhook(next.Pool) != nil {
		if err := a.relay.Queue.Add(ctx, codesOf(next.Pool), string(next.ID)); err != nil {
			return err
		}
		a.relay.Start() // a reload may have brought the first webhook
	}
	return a.Store.Swap(ctx, next, op)
}

// letGoTime bounds what is still said to the queue when the work ends.
const letGoTime = time.Second

// letGo gives up entries for others to take at once. If that fails, others take
// them when the hold is over.
func (r *Relay) letGo(ctx context.Context, lane queue.Lane, ids ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), letGoTime)
	defer cancel()
	if err := r.Queue.Hold(ctx, lane, 0, ids...); err != nil {
		r.Log.Debug("webhooks are not let go", "lane", lane.Name, "error", err)
	}
}
