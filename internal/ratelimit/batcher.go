package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Batcher is a node's access to a Store that all nodes share. It guarantees that a call
// waits for the storage no longer than Timeout; that the node counts for itself while the
// storage is away, so limits are neither off nor closed; and that a key known to be
// exhausted costs the storage nothing. Create it with NewBatcher.
//
// It sends one batch at a time; operations that arrive meanwhile go into the next one.
// Operations that no caller waits for are delayed a little to collect more. So a node's
// concurrent operations cost one round trip, and a caller always sees what its node has
// enqueued before.
type Batcher struct {
	shared Store // nil: the node is alone
	local  *Memory
	shares *Memory // how much of its part of each allowance the node has used
	log    *slog.Logger

	mu        sync.Mutex
	exhausted *records  // keys that are exhausted, until their end
	contested *records  // keys that the storage refused, until their allowance is full again
	retryAt   time.Time // shared is not called before
	next      *batch    // waits to be sent; nil: none
	isSending bool
}

// batch is sent in one round trip. Its results may be read once done is closed.
type batch struct {
	ops     []Op
	results []Result
	err     error
	done    chan struct{}
	after   []func() // called if the batch succeeded, before done is closed

	urgent   chan struct{} // closed when a caller waits for it
	isUrgent bool
}

const (
	// Timeout is how long a call waits for the storage: a hundred times the usual round
	// trip. With the 1.5 s of redisclient's calls it stays below the 2 s in which
	// clients are promised an answer.
	Timeout = 300 * time.Millisecond
	// batchDelay is how long operations that no caller waits for collect. With 10 ms, 1,000
	// confirms per second on two nodes cost the nodes 5 % more CPU and Redis 5 %, 250 per second 12 and 8 %
	// (three alternating runs of `bench run --only push`).
	batchDelay = 50 * time.Millisecond
	// retryDelay is how long a storage that did not answer is not called.
	retryDelay = time.Second
	// maxExhausted bounds the keys known to be exhausted. Forgetting one costs a call.
	maxExhausted = 20_000
	// maxBatch bounds the operations that wait for a slow storage: those of a node at
	// 10,000 steps per second in Timeout.
	maxBatch = 10_000
)

// ErrUnavailable means that the storage did not answer now or within the last second.
var ErrUnavailable = errors.New("the shared rate limits are unavailable")

// NewBatcher creates a Batcher over shared; nil if the node is alone. It logs when the
// storage becomes unavailable and available.
func NewBatcher(shared Store, log *slog.Logger) *Batcher {
	return &Batcher{shared: shared, local: NewMemory(), shares: NewMemory(), log: log, exhausted: newRecords(maxExhausted), contested: newRecords(maxExhausted)}
}

// Do implements Store, without a fallback: use it for what the node cannot know by itself.
// It continues when ctx is canceled, so that a client that disconnects is still counted.
// Without ops it returns when everything enqueued before is done.
func (b *Batcher) Do(ctx context.Context, ops ...Op) ([]Result, error) {
	if b.shared == nil {
		return b.local.Do(context.WithoutCancel(ctx), ops...)
	}
	batch, at := b.join(ops, true)
	if batch == nil {
		return nil, ErrUnavailable
	}
	timer := time.NewTimer(Timeout)
	defer timer.Stop()
	select {
	case <-batch.done:
		if batch.err != nil {
			return nil, batch.err
		}
		return batch.results[at:][:len(ops)], nil
	case <-timer.C:
		return nil, ErrUnavailable
	}
}

// Allow runs ops on the storage, or on the node's own counts if the storage does not answer.
// If a key is known to be exhausted, no operation is done, and its result says so.
func (b *Batcher) Allow(ctx context.Context, ops ...Op) []Result {
	if results := b.refuse(ops); results != nil {
		return results
	}
	results, err := b.Do(ctx, ops...)
	if err != nil {
		results, _ = b.local.Do(context.WithoutCancel(ctx), ops...) // fails only with its context
	}
	if err != nil || b.shared == nil { // otherwise learned with the batch
		b.learn(ops, results)
	}
	return results
}

// Enqueue runs ops without waiting. They are dropped while the storage is unavailable.
func (b *Batcher) Enqueue(ctx context.Context, ops ...Op) {
	if b.shared == nil {
		_, _ = b.local.Do(context.WithoutCancel(ctx), ops...) // fails only with its context
		return
	}
	b.join(ops, false)
}

// EnqueueThen is Enqueue for operations that depend on others: it enqueues what then returns
// for the results of ops. It follows in another batch: a Do without ops that waited for ops does
// not wait for it, but the next one does.
func (b *Batcher) EnqueueThen(ctx context.Context, then func([]Result) []Op, ops ...Op) {
	if b.shared == nil {
		results, _ := b.local.Do(context.WithoutCancel(ctx), ops...) // fails only with its context
		b.Enqueue(ctx, then(results)...)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	batch, at := b.joinLocked(ops, false)
	if batch == nil {
		return
	}
	batch.after = append(batch.after, func() {
		if next := then(batch.results[at:][:len(ops)]); len(next) > 0 {
			b.join(next, false)
		}
	})
}

// join adds ops to the next batch, and returns the batch and their position in it; nil if
// the storage is unavailable or too slow. urgent means that a caller waits.
func (b *Batcher) join(ops []Op, urgent bool) (*batch, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.joinLocked(ops, urgent)
}

// joinLocked is join; b.mu is held.
func (b *Batcher) joinLocked(ops []Op, urgent bool) (*batch, int) {
	if time.Now().Before(b.retryAt) || b.next != nil && len(b.next.ops) > maxBatch {
		return nil, 0
	}
	if b.next == nil {
		b.next = &batch{done: make(chan struct{}), urgent: make(chan struct{})}
	}
	next, at := b.next, len(b.next.ops)
	next.ops = append(next.ops, ops...)
	if urgent && !next.isUrgent {
		next.isUrgent = true
		close(next.urgent)
	}
	if !b.isSending {
		b.isSending = true
		go b.send(next)
	}
	return next, at
}

// send sends one batch after the other until there is none.
func (b *Batcher) send(current *batch) {
	for current != nil {
		select {
		case <-current.urgent:
		case <-time.After(batchDelay):
		}
		b.mu.Lock()
		b.next = nil
		unavailable := time.Now().Before(b.retryAt)
		b.mu.Unlock()
		switch {
		case unavailable:
			current.err = ErrUnavailable
		case len(current.ops) > 0:
			b.call(current)
		}
		close(current.done)
		b.mu.Lock()
		current = b.next
		b.isSending = current != nil
		b.mu.Unlock()
	}
}

// call runs a batch on the storage.
func (b *Batcher) call(current *batch) {
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	current.results, current.err = b.shared.Do(ctx, current.ops...)
	b.noteAvailability(current.err)
	if current.err == nil {
		b.learn(current.ops, current.results)
		b.local.exhaust(current.ops, current.results)
		for _, then := range current.after {
			then()
		}
	}
}

// RetryAfter returns how long op's key is known to be exhausted, without a call.
func (b *Batcher) RetryAfter(op Op) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	return max(0, b.exhausted.get(op.Key, now).end.Sub(now))
}

// refuse returns results if the key of any operation is known to be exhausted, else nil.
func (b *Batcher) refuse(ops []Op) []Result {
	var results []Result
	for i, op := range ops {
		if wait := b.RetryAfter(op); wait > 0 {
			if results == nil {
				results = make([]Result, len(ops))
			}
			results[i].RetryAfter = wait
		}
	}
	return results
}

// learn remembers refusals, except those of Peek and Take: another node may reset the key, or
// give a request back.
func (b *Batcher) learn(ops []Op, results []Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for i, op := range ops {
		if results[i].RetryAfter > 0 && op.Kind == KindAllow && op.Limit.Burst != 0 {
			b.exhausted.put(op.Key, record{end: now.Add(results[i].RetryAfter)}, now)
			b.contested.put(op.Key, record{end: now.Add(results[i].RetryAfter + op.Limit.Period)}, now)
		}
	}
}

// noteAvailability stops calls for retryDelay after an error. So one call per second finds
// out whether the storage is back, and the others do not wait.
func (b *Batcher) noteAvailability(err error) {
	b.mu.Lock()
	wasAvailable := b.retryAt.IsZero()
	b.retryAt = time.Time{}
	if err != nil {
		b.retryAt = time.Now().Add(retryDelay)
	}
	b.mu.Unlock()
	switch {
	case err != nil && wasAvailable:
		b.log.Warn("shared rate limits unavailable, counting on this node only", "error", err)
	case err == nil && !wasAvailable:
		b.log.Warn("shared rate limits available again")
	}
}
