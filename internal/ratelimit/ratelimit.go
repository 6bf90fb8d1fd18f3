// Package ratelimit counts over all nodes: how much of an allowance is used, and how
// often something happened.
//
// It guarantees that the counts of all nodes over one storage add up; that a refused
// request uses nothing of the allowance and gets the true time to wait; and that
// nothing is stored longer than its period. Callers choose the keys: a key must not
// contain anything that must not be stored. [Memory] is for one process, [Redis] for many
// nodes. A [Batcher] is a node's access to either: it keeps the node from waiting.
package ratelimit

import (
	"context"
	"time"
)

// Store runs several operations at once, in one round trip if there is a network. It
// returns their results in the order of ops. An error means that the storage did not
// answer: each operation may or may not have been done.
type Store interface {
	Do(ctx context.Context, ops ...Op) ([]Result, error)
}

// Limit is an allowance: Burst requests at once, which are refilled evenly over Period.
// It is stored as one time, the one at which the allowance is full again (generic cell
// rate algorithm, ITU-T I.371), so a key has the same size whatever the limit is. The
// limits used with one key may differ: each request uses 1/Burst of the allowance.
type Limit struct {
	Burst  int
	Period time.Duration
}

// Interval returns the time in which one request is refilled.
func (l Limit) Interval() time.Duration {
	if l.Burst <= 0 {
		return 0
	}
	return l.Period / time.Duration(l.Burst)
}

// Kind is the kind of an Op.
type Kind int

// The kinds; see the functions that create an Op of each.
const (
	KindAllow Kind = iota + 1
	KindIncr
	KindCount
	KindReset
	KindTake
	KindGiveBack
)

// Op is one operation on a key. Create it with Allow, Peek, Take, GiveBack, Incr, Count or
// Reset. An allowance, a window and a counter must not share a key.
type Op struct {
	Kind  Kind
	Key   string
	Limit Limit         // KindAllow, KindTake
	ID    string        // KindTake, KindGiveBack: of the request
	TTL   time.Duration // KindIncr; in whole milliseconds, above 0
	Owner string        // KindIncr: see OwnedBy
	Exact bool          // KindAllow: see Exactly
}

// Result is the result of an Op.
type Result struct {
	RetryAfter time.Duration // KindAllow, KindTake: 0 if the request is allowed, else the time to wait
	Count      int           // KindIncr, KindCount: the counter's value
}

// Allow uses one request of l, if there is one.
func Allow(key string, l Limit) Op { return Op{Kind: KindAllow, Key: key, Limit: l} }

// Exactly returns an Allow that a [Batcher] always counts over all nodes: for guesses.
func (op Op) Exactly() Op {
	op.Exact = true
	return op
}

// Peek uses nothing; RetryAfter is the time until the allowance is full again.
func Peek(key string) Op { return Op{Kind: KindAllow, Key: key} }

// Take records the request id, if fewer than l.Burst were recorded within the last l.Period.
// Unlike an allowance, which is refilled evenly, no interval of that length ever has more. It
// stores each request, so it is for small numbers. A repetition with the same id counts once.
// id is 1 to 32 letters, digits, - and _.
func Take(key string, l Limit, id string) Op { return Op{Kind: KindTake, Key: key, Limit: l, ID: id} }

// GiveBack removes the request id that Take recorded, if there is one.
func GiveBack(key, id string) Op { return Op{Kind: KindGiveBack, Key: key, ID: id} }

// Incr increments a counter, which expires ttl after its last increment.
func Incr(key string, ttl time.Duration) Op { return Op{Kind: KindIncr, Key: key, TTL: ttl} }

// OwnedBy returns an Incr that also stores whose counter it is, so that [Redis.Forget] finds
// it without its key. [Memory] does not store owners.
func (op Op) OwnedBy(owner string) Op {
	op.Owner = owner
	return op
}

// Count reads a counter.
func Count(key string) Op { return Op{Kind: KindCount, Key: key} }

// Reset deletes an allowance or a counter.
func Reset(key string) Op { return Op{Kind: KindReset, Key: key} }
