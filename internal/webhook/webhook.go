// Package webhook tells a pool's receiver of each transition of its codes, by
// one signed POST each, as Standard Webhooks has it.
//
// It promises that each transition of a code from its scan on is delivered at
// least once, whichever nodes die meanwhile, as long as the queue keeps what it
// has and a node comes back before the code is forgotten; that none is told
// which did not happen; that all that is sent of one transition has one id and
// one body; and that a receiver which fails or stalls holds up its own pool's
// messages alone. The same holds for a code that was not scanned, within bounds
// of its own: such codes cost an attacker nothing, so their messages are queued
// apart, sent last, and dropped first.
//
// Nothing is queued beside a step: a node may die between the two. Instead a
// code's name is queued before the code is stored, and once more before its scan
// is ([Relay.Announce]), and whoever takes it follows the code to its end
// (follower) and reads from its session what has happened (transitionsOf). Each
// transition becomes a message in another lane, which is sent until the receiver
// has it (sender), or is laid aside for an operator after a day ([DeadLetters]).
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

// Options are a Relay's surroundings. All but Observe and Log must be set.
type Options struct {
	Pools *pool.Book
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

// Relay tells the receivers of all pools. It does nothing, and keeps nothing,
// until a pool has a webhook.
type Relay struct {
	Options
	limited *loglimit.Logger // over Log

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
	return &Relay{Options: o, limited: loglimit.New(o.Log, logEvery)}
}

// logEvery is how often one text is logged for one receiver: a receiver that is
// away for a day, or a flood of codes, would fill the log.
const logEvery = time.Minute

// logSome logs text, at most once in logEvery for each pool.
func (r *Relay) logSome(ctx context.Context, level slog.Level, pool, text string, args ...any) {
	r.limited.Log(ctx, level, text+"\x00"+pool, text, append([]any{"pool", pool}, args...)...)
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
	var all sync.WaitGroup
	all.Go(func() { s.run(ctx) })
	for _, codes := range []queue.Lane{codesOf(pool), scannedOf(pool)} {
		f := newFollower(r, pool, codes, s.nudge)
		all.Go(func() { f.run(ctx) })
	}
	all.Wait()
}

// webhook is a pool's, nil if it has none.
func (r *Relay) webhook(id string) *pool.Webhook {
	if p := r.Pools.ByID(id); p != nil {
		return p.Webhook
	}
	return nil
}

// Announce returns st, but that it stores no code of a pool with a webhook, and no
// scan of one, before the code's name is queued. If that fails, so does the step; a
// name without a code, or without a scan, is found to be nothing.
func (r *Relay) Announce(st session.Store) session.Store { return announcing{st, r} }

type announcing struct {
	session.Store
	relay *Relay
}

// Unwrap returns the store beneath.
func (a announcing) Unwrap() session.Store { return a.Store }

// Swap implements session.Store.
func (a announcing) Swap(ctx context.Context, next session.Session, op session.OpID) error {
	made, scanned := next.Version == 1, next.Version == 2 && next.Status == session.Scanned
	if !made && !scanned || a.relay.webhook(next.Pool) == nil {
		return a.Store.Swap(ctx, next, op)
	}
	codes := codesOf(next.Pool)
	if scanned {
		codes, next.ScanQueued = scannedOf(next.Pool), true
	}
	if err := a.relay.Queue.Add(ctx, codes, string(next.ID)); err != nil {
		return err
	}
	a.relay.Start() // a reload may have brought the first webhook
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
