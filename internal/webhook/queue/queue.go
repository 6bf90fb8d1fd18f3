// Package queue is a contract for work that must survive whoever does it: lanes
// of entries which one node adds and any node takes, holds while it works on
// them, and says done.
//
// It promises that an entry that was added is there until it is done or its
// lane's life is over; that what one node holds no other is given; and that
// what is not held any more, because its holder died or chose to wait, is given
// to whoever asks. So each entry is worked on at least once, and twice where a
// node dies, or an answer is lost, between the work and the word. [Memory]
// keeps it for the nodes of one process; redisstore for all of them.
package queue

import (
	"context"
	"errors"
	"time"
)

// ErrFull is for an entry that found no room in its lane.
var ErrFull = errors.New("the lane is full")

// LongestHold is the longest time for which an entry can be held at once.
const LongestHold = 12 * time.Hour

// Lane is one line of entries.
type Lane struct {
	Name string
	// Most is about how many entries it has room for; at least 1.
	Most int
	// Rolls is whether the oldest entries make room when it is full; else
	// Add returns ErrFull.
	Rolls bool
	// Life is how long it is kept after the last Add, with all that is in it:
	// longer than any of its entries is of use.
	Life time.Duration
}

// Entry is one piece of work.
type Entry struct {
	ID    string
	Added time.Time // by the storage's clock
	Text  string
}

// Queue keeps lanes. All methods may be called from many goroutines; errors but
// ErrFull mean that the storage did not answer, and that what was asked for may
// or may not have happened.
type Queue interface {
	// Add appends an entry, which nobody holds. Once it returned nil, the entry
	// is as safe as the storage is.
	Add(ctx context.Context, lane Lane, text string) error

	// Take returns at most n entries that nobody holds, and holds them: first
	// those that were held before, then new ones from the oldest on. It does
	// not wait for any, and may miss some that the next call finds.
	Take(ctx context.Context, lane Lane, n int, hold time.Duration) ([]Entry, error)

	// Hold holds entries from now on for d, up to LongestHold; 0 lets them go.
	// Who held them before loses them. Those that are done stay done.
	Hold(ctx context.Context, lane Lane, d time.Duration, ids ...string) error

	// Done removes entries, whoever holds them.
	Done(ctx context.Context, lane Lane, ids ...string) error

	// List returns the n newest entries, the newest first, held or not.
	List(ctx context.Context, lane Lane, n int) ([]Entry, error)
}
