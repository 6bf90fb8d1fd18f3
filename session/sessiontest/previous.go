package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// PreviousStore is a store that can write what the previous release writes.
type PreviousStore interface {
	session.Store

	// Swap stores next, as written by op, if version next.Version-1 is stored (for
	// version 1: if nothing is stored) and has not expired by the store's clock. It sets
	// the record to be deleted Retention after next.ExpiresAt and announces the
	// snapshot. All of this happens, or nothing.
	//
	// If next.Version is already stored by the same op, Swap succeeds and announces
	// nothing. Errors: session.ErrStale if a different version, or the same version by another
	// op, is stored; session.ErrOver if the stored version has expired.
	Swap(ctx context.Context, next session.Session, op session.OpID) error
}

// applyAttempts bounds the retries of ApplyPrevious. Each retry means that another step was stored
// first, and a code has at most five: scanned, two wrong numbers, confirmed, redeemed.
const applyAttempts = 6

// CreatePrevious stores s as a new code, as a node of the previous release does.
func CreatePrevious(ctx context.Context, st PreviousStore, s session.Session) (session.Session, error) {
	op := session.NewOpID()
	s.Version, s.Status, s.Op = 1, session.Waiting, op
	if err := st.Swap(ctx, s, op); err != nil {
		return session.Session{}, fmt.Errorf("create code: %w", err)
	}
	return s, nil
}

// beforeEnd returns now, but not later than the last moment of a code that had not ended
// when it was loaded: Swap decides about expiry, not this node's estimate of the clock.
func beforeEnd(s session.Session, now time.Time) time.Time {
	if !s.Status.Over() && !now.Before(s.ExpiresAt) {
		return s.ExpiresAt.Add(-1)
	}
	return now
}

// ApplyPrevious applies c to the loaded session s as a node of the previous release does, stores the result and returns it. Its Op is
// c.Op if this call stored it; a change that repeats the last step stores nothing. If
// another step was stored first, it loads the session and decides again.
//
// Errors: those of Step, with the current session; ErrNotFound; any other error of the
// store, after which the change may or may not be stored.
func ApplyPrevious(ctx context.Context, st PreviousStore, s session.Session, c session.Change) (session.Session, error) {
	op := c.Op
	if op == "" {
		op = session.NewOpID()
	}
	for range applyAttempts {
		next, err := session.Step(s, c, beforeEnd(s, st.Now()))
		if err != nil || next.Version == s.Version {
			return next, err
		}
		err = st.Swap(ctx, next, op)
		if err == nil {
			next.Op = op
			return next, nil
		}
		if !errors.Is(err, session.ErrStale) && !errors.Is(err, session.ErrOver) {
			return s, fmt.Errorf("%s: %w", c.Action, err)
		}
		over := errors.Is(err, session.ErrOver)
		if s, err = st.Load(ctx, s.ID); err != nil {
			return s, fmt.Errorf("%s: %w", c.Action, err)
		}
		if over && !s.Status.Over() {
			// The store's clock decided it, whatever the later Load returned.
			return s, session.ErrOver
		}
	}
	return s, fmt.Errorf("%s: %w %d times", c.Action, session.ErrStale, applyAttempts)
}

// swaps are the tests of PreviousStore.Swap.
func swaps() []test {
	return []test{
		{"OrphansAreNotStored", (*suite).orphansAreNotStored},
		{"ARepeatedSwapIsDoneOnceAndSucceeds", (*suite).repeatedSwap},
		{"IdenticalSwapsHaveOneWinner", (*suite).identicalSwapsHaveOneWinner},
		{"NoSwapAfterExpiry", (*suite).noSwapAfterExpiry},
		{"RejectedSwapsAreNotAnnounced", (*suite).rejectedIsNotAnnounced},
	}
}

// previous returns a store that RunPrevious was given.
func previous(st session.Store) PreviousStore { return st.(PreviousStore) }

func (s *suite) orphansAreNotStored() {
	orphan := New(s.A.Store, time.Minute)
	orphan.Version = 2
	if err := previous(s.A.Store).Swap(s.ctx, orphan, session.NewOpID()); !errors.Is(err, session.ErrStale) {
		s.Errorf("version 2 of an unknown code: %v", err)
	}
}

func (s *suite) repeatedSwap() {
	made := s.create(time.Minute)
	watcher := s.listen(s.B)
	watcher.subscribe(made.ID)
	watcher.await(made.ID, 1)

	next, op := made, session.NewOpID()
	next.Version, next.Status, next.User = 2, session.Scanned, Alice
	for try := range 3 {
		if err := previous(s.A.Store).Swap(s.ctx, next, op); err != nil {
			s.Fatalf("try %d: %v", try, err)
		}
	}
	// A later step follows all announcements of the three tries.
	s.apply(s.A.Store, s.load(s.A.Store, made.ID), session.Confirm, Alice)
	watcher.await(made.ID, 3)
	if n := watcher.count(made.ID, 2); n > 1 {
		s.Errorf("one swap was announced %d times", n)
	}
}

func (s *suite) identicalSwapsHaveOneWinner() {
	made := s.create(time.Minute)
	next := made
	next.Version, next.Status = 2, session.Expired
	won := s.race(racers, func(_ int, st session.Store) error {
		return previous(st).Swap(s.ctx, next, session.NewOpID())
	}, session.ErrStale)
	if won != 1 {
		s.Errorf("%d of %d identical swaps succeeded", won, racers)
	}
}

func (s *suite) noSwapAfterExpiry() {
	made := s.create(200 * time.Millisecond)
	before := made // as it was before it expired
	s.eventually("the code expires", func() bool { return s.load(s.A.Store, made.ID).Status == session.Expired })

	next := before
	next.Version, next.Status, next.ExpiresAt = 2, session.Scanned, before.ExpiresAt.Add(time.Hour)
	if err := previous(s.B.Store).Swap(s.ctx, next, session.NewOpID()); !errors.Is(err, session.ErrOver) {
		s.Errorf("swap after expiry of a state read before it: %v", err)
	}
	_, err := ApplyPrevious(s.ctx, previous(s.B.Store), before, session.Change{Action: session.Scan, User: Alice, TTL: time.Hour})
	if !errors.Is(err, session.ErrOver) {
		s.Errorf("apply after expiry: %v", err)
	}
	if got := s.load(s.A.Store, made.ID); got.Status != session.Expired || got.User.ID != "" {
		s.Errorf("after that: %+v", got)
	}
}

func (s *suite) rejectedIsNotAnnounced() {
	made := s.create(time.Minute)
	watcher := s.listen(s.B)
	watcher.subscribe(made.ID)
	watcher.await(made.ID, 1)
	for _, version := range []int64{1, 3, 7} {
		wrong := made
		wrong.Version, wrong.Status, wrong.User = version, session.Canceled, Bob
		if err := previous(s.A.Store).Swap(s.ctx, wrong, session.NewOpID()); !errors.Is(err, session.ErrStale) {
			s.Errorf("version %d over version 1: %v", version, err)
		}
	}
	s.apply(s.A.Store, made, session.Scan, Alice)
	watcher.await(made.ID, 2)
	for _, d := range watcher.deliveries(made.ID) {
		if d.err != nil || d.UserID == Bob.ID {
			s.Errorf("a rejected swap was announced: %+v", d)
		}
	}
}
