package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// Near is what one node has of a Tally that all nodes share. It promises that
// nobody waits for the storage longer than Patience; that while it is away, the
// node counts for itself, which is neither no limit nor a closed door; and that
// a key which is known to be exhausted costs the storage nothing. Make it with
// NewNear.
//
// It sends one batch at a time, with all that came up meanwhile in the next, and
// what nobody waits for gathers company for a moment: so what a node does at one
// time costs one round trip, and whoever asks finds there what the node told
// before.
type Near struct {
	far Tally // nil: own is all
	own *Memory
	log *slog.Logger

	mu      sync.Mutex
	waits   map[string]time.Time // keys that are exhausted, and until when
	quiet   time.Time            // until then far is not asked
	next    *batch               // that waits to be sent; nil: nothing does
	sending bool
}

// batch is what is asked in one round trip. What came of it is to be read when
// done is closed.
type batch struct {
	ops     []Op
	answers []Answer
	err     error
	done    chan struct{}

	urgent   chan struct{} // closed when somebody waits for it
	isUrgent bool
}

const (
	// Patience is how long an answer of the storage is waited for: a hundred
	// times what it takes, and with the 1.5 s of redisstore's calls within
	// the 2 s in which clients are promised an answer.
	Patience = 300 * time.Millisecond
	// gather is how long what nobody waits for may wait: as long as nobody can
	// do anything in, and ten round trips. At 1,000 confirms a second on two nodes
	// it is 18 % of what Redis has to do (0.168 instead of 0.205 ms of CPU each;
	// `bench run --only push`).
	gather = 10 * time.Millisecond
	// away is how long a storage that did not answer is left alone.
	away = time.Second
	// maxWaits bounds what is known of exhausted keys: to forget one costs
	// no more than a question.
	maxWaits = 20_000
	// maxBatch bounds what waits for a storage that is slow. It is what a node
	// does at 10,000 steps a second in Patience.
	maxBatch = 10_000
)

// ErrAway is what Do returns while the storage is left alone.
var ErrAway = errors.New("the tally did not answer lately")

// NewNear makes a node's view of far; nil: the node is alone. log is told when
// the storage goes and comes.
func NewNear(far Tally, log *slog.Logger) *Near {
	return &Near{far: far, own: NewMemory(), log: log, waits: make(map[string]time.Time)}
}

// Do implements Tally: it asks the storage, and is for what the node cannot
// know by itself. It goes on when ctx is canceled: a client that hangs up shall
// not go uncounted. Without ops it returns when all that was told before is done.
func (n *Near) Do(ctx context.Context, ops ...Op) ([]Answer, error) {
	if n.far == nil {
		return n.own.Do(context.WithoutCancel(ctx), ops...)
	}
	b, at := n.join(ops, true)
	if b == nil {
		return nil, ErrAway
	}
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case <-b.done:
		if b.err != nil {
			return nil, b.err
		}
		return b.answers[at:][:len(ops)], nil
	case <-timer.C:
		return nil, ErrAway
	}
}

// Take does ops, by the node's own count where the storage does not answer.
// Where one is known to be exhausted none is done, and its answer says so.
func (n *Near) Take(ctx context.Context, ops ...Op) []Answer {
	if answers := n.refused(ops); answers != nil {
		return answers
	}
	answers, err := n.Do(ctx, ops...)
	if err != nil {
		answers, _ = n.own.Do(context.WithoutCancel(ctx), ops...) // fails only with its context
	}
	if err != nil || n.far == nil { // else it was learned with the batch
		n.learn(ops, answers)
	}
	return answers
}

// Count is Take for those who are in a hurry: it goes by what the node has
// counted itself and knows to be exhausted, and tells the storage without waiting;
// only where the node's own count is exhausted is the storage asked. So all
// nodes together give no more than the limit, and on each node what comes until
// the storage was told and has answered.
func (n *Near) Count(ctx context.Context, ops ...Op) []Answer {
	if len(ops) == 0 {
		return nil
	}
	if answers := n.refused(ops); answers != nil {
		return answers
	}
	answers, _ := n.own.Do(context.WithoutCancel(ctx), ops...) // fails only with its context
	if n.far == nil {
		n.learn(ops, answers)
		return answers
	}
	for _, a := range answers {
		if a.Wait > 0 {
			return n.Take(ctx, ops...)
		}
	}
	n.join(ops, false)
	return answers
}

// Tell does ops without waiting for what comes of it, which is nothing while the
// storage is away.
func (n *Near) Tell(ctx context.Context, ops ...Op) {
	if n.far == nil {
		_, _ = n.own.Do(context.WithoutCancel(ctx), ops...) // fails only with its context
		return
	}
	n.join(ops, false)
}

// join adds ops to the next batch, and returns it with their place there; nil if
// the storage is away or cannot keep up. urgent: somebody waits.
func (n *Near) join(ops []Op, urgent bool) (*batch, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if time.Now().Before(n.quiet) || n.next != nil && len(n.next.ops) > maxBatch {
		return nil, 0
	}
	if n.next == nil {
		n.next = &batch{done: make(chan struct{}), urgent: make(chan struct{})}
	}
	b, at := n.next, len(n.next.ops)
	b.ops = append(b.ops, ops...)
	if urgent && !b.isUrgent {
		b.isUrgent = true
		close(b.urgent)
	}
	if !n.sending {
		n.sending = true
		go n.send(b)
	}
	return b, at
}

// send sends b, and one batch after the other until there is none.
func (n *Near) send(b *batch) {
	for b != nil {
		select {
		case <-b.urgent:
		case <-time.After(gather):
		}
		n.mu.Lock()
		n.next = nil
		isQuiet := time.Now().Before(n.quiet)
		n.mu.Unlock()
		switch {
		case isQuiet:
			b.err = ErrAway
		case len(b.ops) > 0:
			n.ask(b)
		}
		close(b.done)
		n.mu.Lock()
		b = n.next
		n.sending = b != nil
		n.mu.Unlock()
	}
}

func (n *Near) ask(b *batch) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	b.answers, b.err = n.far.Do(ctx, b.ops...)
	n.heard(b.err)
	if b.err == nil {
		n.learn(b.ops, b.answers)
		n.own.exhaust(b.ops, b.answers)
	}
}

// Wait is how long op's key is known to be exhausted. It asks nobody.
func (n *Near) Wait(op Op) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return max(0, time.Until(n.waits[op.Key]))
}

// refused answers ops if any is of a key that is known to be exhausted.
func (n *Near) refused(ops []Op) []Answer {
	var answers []Answer
	for i, op := range ops {
		if wait := n.Wait(op); wait > 0 {
			if answers == nil {
				answers = make([]Answer, len(ops))
			}
			answers[i].Wait = wait
		}
	}
	return answers
}

// learn remembers refusals. That of a Peek may be taken back by a Forget on
// another node, and is not.
func (n *Near) learn(ops []Op, answers []Answer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, op := range ops {
		if answers[i].Wait <= 0 || op.Limit.Most == 0 {
			continue
		}
		if len(n.waits) >= maxWaits {
			maps.DeleteFunc(n.waits, func(_ string, until time.Time) bool { return time.Until(until) <= 0 })
			if len(n.waits) >= maxWaits/2 { // or one of the next would search all again
				clear(n.waits)
			}
		}
		n.waits[op.Key] = time.Now().Add(answers[i].Wait)
	}
}

// heard leaves the storage alone for a while after an error, so that one call
// in a second finds out whether it is back, and the others do not wait.
func (n *Near) heard(err error) {
	n.mu.Lock()
	was := n.quiet
	n.quiet = time.Time{}
	if err != nil {
		n.quiet = time.Now().Add(away)
	}
	n.mu.Unlock()
	switch {
	case err != nil && was.IsZero():
		n.log.Warn("limits are each node's own, the shared tally does not answer", "error", err)
	case err == nil && !was.IsZero():
		n.log.Info("limits are shared between the nodes again")
	}
}
