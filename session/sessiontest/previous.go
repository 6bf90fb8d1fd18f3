package sessiontest

import (
	"errors"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// swaps are the tests of Store.Swap, which stores records of the previous release.
func swaps() []test {
	return []test{
		{"OrphansAreNotStored", (*suite).orphansAreNotStored},
		{"ARepeatedSwapIsDoneOnceAndSucceeds", (*suite).repeatedSwap},
		{"IdenticalSwapsHaveOneWinner", (*suite).identicalSwapsHaveOneWinner},
		{"NoSwapAfterExpiry", (*suite).noSwapAfterExpiry},
		{"RejectedSwapsAreNotAnnounced", (*suite).rejectedIsNotAnnounced},
	}
}

func (s *suite) orphansAreNotStored() {
	orphan := New(s.A.Store, time.Minute)
	orphan.Version = 2
	if err := s.A.Store.Swap(s.ctx, orphan, session.NewOpID()); !errors.Is(err, session.ErrStale) {
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
		if err := s.A.Store.Swap(s.ctx, next, op); err != nil {
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
		return st.Swap(s.ctx, next, session.NewOpID())
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
	if err := s.B.Store.Swap(s.ctx, next, session.NewOpID()); !errors.Is(err, session.ErrOver) {
		s.Errorf("swap after expiry of a state read before it: %v", err)
	}
	_, err := session.Apply(s.ctx, s.B.Store, before, session.Change{Action: session.Scan, User: Alice, TTL: time.Hour})
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
		if err := s.A.Store.Swap(s.ctx, wrong, session.NewOpID()); !errors.Is(err, session.ErrStale) {
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
