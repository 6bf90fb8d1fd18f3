package ratelimit

import (
	"context"
	"time"
)

// LocalPart is the part of an allowance, one LocalPart-th, that each node gives without telling
// the others. So n nodes together give at most 1 + n/LocalPart times an allowance, at once and
// over time, plus what arrives on each node before the storage has first refused the key.
const LocalPart = 8

// AllowLocal is Allow without a round trip, and for ordinary users without any cost to the
// storage: it decides by the node's own counts and the keys known to be exhausted. What exceeds
// the node's part of an allowance (see LocalPart) is enqueued for the storage; so are all
// operations that are exact, or have an allowance of less than LocalPart. It waits for the storage
// only if the node's own count is exhausted, or the storage refused the key recently.
func (b *Batcher) AllowLocal(ctx context.Context, ops ...Op) []Result {
	if len(ops) == 0 {
		return nil
	}
	if results := b.refuse(ops); results != nil {
		return results
	}
	if b.shared != nil && b.isContested(ops) {
		return b.Allow(ctx, ops...)
	}
	results, _ := b.local.Do(context.WithoutCancel(ctx), ops...) // fails only with its context
	if b.shared == nil {
		b.learn(ops, results)
		return results
	}
	for _, r := range results {
		if r.RetryAfter > 0 {
			return b.Allow(ctx, ops...)
		}
	}
	if noticeable := b.noticeable(ops); len(noticeable) > 0 {
		b.join(noticeable, false)
	}
	return results
}

// noticeable returns the operations that the storage has to count.
func (b *Batcher) noticeable(ops []Op) []Op {
	var noticeable []Op
	for _, op := range ops {
		if op.Kind != KindAllow || op.Exact || op.Limit.Burst < LocalPart || b.exceedsPart(op) {
			noticeable = append(noticeable, op)
		}
	}
	return noticeable
}

// exceedsPart reports whether the node has used its part of an allowance, and counts op if not.
func (b *Batcher) exceedsPart(op Op) bool {
	part := Allow(op.Key, Limit{op.Limit.Burst / LocalPart, op.Limit.Period})
	results, _ := b.shares.Do(context.Background(), part) // fails only with its context
	return results[0].RetryAfter > 0
}

// isContested reports whether the storage refused the key of any operation, and its allowance
// is not full again.
func (b *Batcher) isContested(ops []Op) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, op := range ops {
		if now.Before(b.contested.get(op.Key, now).end) {
			return true
		}
	}
	return false
}
