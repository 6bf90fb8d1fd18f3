// Package ratelimit counts over all nodes: how much of an allowance is used, and how
// often something happened.
//
// It guarantees that the counts of all nodes over one storage add up; that a refusal
// uses nothing of the allowance and returns the true time to wait; and that nothing is
// kept longer than its period. Callers choose the keys: a key must not contain what must not be stored.
package ratelimit

import (
	"context"
	"time"
)

// Tally does several things at once, in one round trip where there is one. Its
// answers are those to ops, in their order. An error says that the storage did
// not answer: each op may or may not have happened.
type Tally interface {
	Do(ctx context.Context, ops ...Op) ([]Answer, error)
}

// Limit is an allowance: Most at once, which come back evenly over Over. It is
// kept as one instant, the one at which all is back (generic cell rate
// algorithm, ITU-T I.371), so that a key costs the same whatever the limit is.
// Limits of one key may differ: each take is of a share, 1/Most.
type Limit struct {
	Most int
	Over time.Duration
}

// Share is the time that one take costs.
func (l Limit) Share() time.Duration {
	if l.Most <= 0 {
		return 0
	}
	return l.Over / time.Duration(l.Most)
}

// Kind is what an Op does.
type Kind int

// The kinds; see the functions that make an Op of each.
const (
	Taking Kind = iota + 1
	Noting
	Reading
	Forgetting
)

// Op is one thing to do under a key. Make it with Take, Peek, Note, Noted or
// Forget. What is taken and what is noted must not share a key.
type Op struct {
	Kind  Kind
	Key   string
	Limit Limit         // Taking
	Life  time.Duration // Noting; in whole milliseconds, above 0
}

// Answer is what came of an Op.
type Answer struct {
	Wait  time.Duration // Taking: 0 if it was taken, else when to try again
	Count int           // Noting, Reading: how often it was noted
}

// Take takes one of what l allows.
func Take(key string, l Limit) Op { return Op{Kind: Taking, Key: key, Limit: l} }

// Peek takes nothing; its answer's Wait is the time until all that was taken
// is back.
func Peek(key string) Op { return Op{Kind: Taking, Key: key} }

// Note counts one more; the count is forgotten when there was no other for life.
func Note(key string, life time.Duration) Op { return Op{Kind: Noting, Key: key, Life: life} }

// Noted reads a count.
func Noted(key string) Op { return Op{Kind: Reading, Key: key} }

// Forget makes a key, of whichever kind, as if it had never been.
func Forget(key string) Op { return Op{Kind: Forgetting, Key: key} }
