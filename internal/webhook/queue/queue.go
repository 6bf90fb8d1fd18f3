// Package queue is a persistent work queue with several lanes: a node adds entries, and
// any node takes them, holds them while it works, and removes them when they are done.
//
// It guarantees that an entry stays until it is done or its lane expires; that an entry
// held by one node is not given to another; and that an entry whose hold has expired,
// because its node died or chose to wait, is given to the next node that asks. So each
// entry is processed at least once, and more than once if a node dies or an answer is
// lost between the work and Done. [Memory] is for the nodes of one process, [Redis] for
// many.
package queue

import (
	"context"
	"errors"
	"time"
)

// ErrFull means that a lane has no room for another entry.
var ErrFull = errors.New("the queue is full")

// LongestHold is the longest time for which an entry can be held at once.
const LongestHold = 12 * time.Hour

// Lane identifies one sequence of entries, and configures it.
type Lane struct {
	Name string
	// MaxLen is the approximate number of entries that it can contain; at least 1.
	MaxLen int
	// DropOldest removes the oldest entries when the lane is full. Otherwise Add
	// returns ErrFull.
	DropOldest bool
	// TTL is the time for which the lane and its entries are kept after the last Add.
	// It must exceed the time for which any entry is useful.
	TTL time.Duration
}

// Entry is one unit of work.
type Entry struct {
	ID    string
	Added time.Time // by the storage's clock
	Text  string
}

// Queue stores entries in lanes. All methods may be called concurrently. An error other
// than ErrFull means that the storage did not answer: the operation may or may not have
// been done.
type Queue interface {
	// Add appends an entry that is not held. When it returns nil, the entry is as safe
	// as the storage.
	Add(ctx context.Context, lane Lane, text string) error

	// Take returns and holds at most n entries that are not held: first those that
	// were held before, then new ones, oldest first. It does not wait for entries, and
	// may miss some that the next call returns.
	Take(ctx context.Context, lane Lane, n int, hold time.Duration) ([]Entry, error)

	// Hold holds entries for d from now on, up to LongestHold; 0 releases them. A
	// previous hold by another node ends. It has no effect on entries that are done.
	Hold(ctx context.Context, lane Lane, d time.Duration, ids ...string) error

	// Done removes entries, held or not.
	Done(ctx context.Context, lane Lane, ids ...string) error

	// List returns the n newest entries, newest first, held or not.
	List(ctx context.Context, lane Lane, n int) ([]Entry, error)

	// ListBefore returns the n newest entries that were added before the entry with this
	// id, newest first; for "" those of List. The entry itself may be done.
	ListBefore(ctx context.Context, lane Lane, id string, n int) ([]Entry, error)
}
