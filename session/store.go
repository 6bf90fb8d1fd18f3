package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What callers decide on. The first group comes from Step and Apply, the
// second from a Store, the third from a Bus.
var (
	ErrOver         = errors.New("the code is over")
	ErrNotScanned   = errors.New("the code was not scanned")
	ErrOtherUser    = errors.New("another user scanned the code")
	ErrUsed         = errors.New("the code was confirmed or canceled")
	ErrNotConfirmed = errors.New("the code was not confirmed")

	ErrNotFound = errors.New("no such code")
	ErrStale    = errors.New("another version is stored")

	ErrLost = errors.New("the store lost a version that was told")
)

// Store keeps sessions, and announces each version that it keeps to every
// [Bus] over the same storage. All of its methods may be called from many
// goroutines; errors other than the named ones mean that the storage did not
// answer, and that what was asked for may or may not have happened.
type Store interface {
	// Load returns a session as it stands now by the store's clock, time's
	// end included; ErrNotFound if there is none (any more).
	Load(ctx context.Context, id ID) (Session, error)

	// Swap stores next, as written by op, if version next.Version-1 is
	// stored (for version 1: nothing is) and that one's end has not come by
	// the store's clock; sets its expiry to Retention after
	// next.ExpiresAt; and announces its snapshot: all of it, or nothing.
	//
	// A swap that finds next.Version stored by the same op was done before
	// and is a success; it announces nothing again. Errors: ErrStale if
	// another version, or the same one by another op, is stored; ErrOver if
	// the stored version's end has come.
	Swap(ctx context.Context, next Session, op OpID) error

	// Now estimates the store's clock without I/O, for timers and for the
	// ends that Step computes. Load and Swap alone decide what is over.
	Now() time.Time
}

// Bus brings what the stores announce to one process. It delivers whole
// states: one may come late, twice or not at all, but after each Subscribe
// and after each loss and return of the connection, the state that is stored
// follows.
type Bus interface {
	// Subscribe adds codes to what is delivered; for each of them, also for
	// one that was subscribed already, the current state follows. It does
	// not wait for that. An error means that ctx ended or that the bus does
	// not run, not that the storage is away: the bus subscribes again by
	// itself when it is back.
	Subscribe(ctx context.Context, ids ...ID) error

	// Unsubscribe takes codes back. A delivery that is under way may still
	// come.
	Unsubscribe(ctx context.Context, ids ...ID) error

	// Run delivers until ctx ends, and returns ctx's error, or the reason
	// why it can never work. It may be called once. deliver gets a state,
	// or the ID alone with ErrNotFound (the storage has no such code any
	// more) or ErrLost (the storage holds an older version than was
	// delivered, or the same one by another operation). deliver must not
	// block and may be called from several goroutines.
	Run(ctx context.Context, deliver func(Snapshot, error)) error
}

// applyAttempts bounds how often Apply starts over. Each new try means that
// somebody else's step came between, and a code has at most five steps: scanned,
// two wrong numbers, confirmed, redeemed.
const applyAttempts = 6

// Create stores s as a new code: version 1, waiting.
func Create(ctx context.Context, st Store, s Session) (Session, error) {
	op := NewOpID()
	s.Version, s.Status, s.Op = 1, Waiting, op
	if err := st.Swap(ctx, s, op); err != nil {
		return Session{}, fmt.Errorf("create code: %w", err)
	}
	return s, nil
}

// notPast returns now, or the last instant of a code that was not over when it
// was loaded: an estimate of the clock decides no end, Swap does.
func notPast(s Session, now time.Time) time.Time {
	if !s.Status.Over() && !now.Before(s.ExpiresAt) {
		return s.ExpiresAt.Add(-1)
	}
	return now
}

// Apply makes c of the session s, which its caller has loaded, and returns the
// session as stored, whose Op is c's if this call moved it; a change that
// repeats the last step stores nothing. It loads and decides anew whenever
// somebody else was faster.
//
// Errors: those of Step, with the session as it stands; ErrNotFound; anything
// else from the store, after which the change may or may not have happened.
func Apply(ctx context.Context, st Store, s Session, c Change) (Session, error) {
	op := c.Op
	if op == "" {
		op = NewOpID()
	}
	for range applyAttempts {
		next, err := Step(s, c, notPast(s, st.Now()))
		if err != nil || next.Version == s.Version {
			return next, err
		}
		err = st.Swap(ctx, next, op)
		if err == nil {
			next.Op = op
			return next, nil
		}
		if !errors.Is(err, ErrStale) && !errors.Is(err, ErrOver) {
			return s, fmt.Errorf("%s: %w", c.Action, err)
		}
		over := errors.Is(err, ErrOver)
		if s, err = st.Load(ctx, s.ID); err != nil {
			return s, fmt.Errorf("%s: %w", c.Action, err)
		}
		if over && !s.Status.Over() {
			// The store's clock said so, whatever its last answer says.
			return s, ErrOver
		}
	}
	return s, fmt.Errorf("%s: %w %d times", c.Action, ErrStale, applyAttempts)
}
