package sessiontest

import (
	"time"

	"github.com/scanlogin/scanlogin/session"
)

func (s *suite) mismatch(st session.Store, from session.Session) error {
	_, err := session.Apply(s.ctx, st, from, session.Change{Action: session.Mismatch, User: Alice})
	return err
}

// eachWrongNumberCounts has two wrong numbers come at once on two nodes, from
// phones that both saw the code with none: they are two.
func (s *suite) eachWrongNumberCounts() {
	scanned := s.apply(s.A.Store, s.create(time.Minute), session.Scan, Alice)
	won := s.race(2, func(_ int, st session.Store) error { return s.mismatch(st, scanned) })
	got := s.load(s.A.Store, scanned.ID)
	if won != 2 || got.Mismatches != 2 || got.Status != session.Scanned || got.Version != scanned.Version+2 {
		s.Errorf("%d wrong numbers were taken: %d counted, %s, version %d", won, got.Mismatches, got.Status.Event(), got.Version)
	}
}

// wrongNumbersEndACodeOnce has many wrong numbers and a right one, which is
// late, come to a code: no more than are allowed are ever counted, and what was
// ended stays so.
func (s *suite) wrongNumbersEndACodeOnce() {
	scanned := s.apply(s.A.Store, s.create(time.Minute), session.Scan, Alice)
	won := s.race(racers, func(_ int, st session.Store) error { return s.mismatch(st, scanned) }, session.ErrUsed)
	if won != session.MaxMismatches {
		s.Errorf("%d of %d wrong numbers were taken, %d are allowed", won, racers, session.MaxMismatches)
	}
	_, err := session.Apply(s.ctx, s.B.Store, scanned, session.Change{Action: session.Confirm, User: Alice, TTL: time.Minute})
	got := s.load(s.A.Store, scanned.ID)
	if !isAny(err, []error{session.ErrUsed}) || got.Status != session.Canceled || got.Mismatches != session.MaxMismatches {
		s.Errorf("the right number after them: %v; %s after %d", err, got.Status.Event(), got.Mismatches)
	}
}
