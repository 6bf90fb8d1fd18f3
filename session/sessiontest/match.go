package sessiontest

import (
	"time"

	"github.com/scanlogin/scanlogin/session"
)

func (s *suite) mismatch(st session.Store, from session.Session) error {
	_, err := s.step(st, from, ChangeOf(from, session.Mismatch, Alice))
	return err
}

// everyWrongNumberCounts sends two wrong numbers concurrently to two nodes, both based on the
// state without any.
func (s *suite) everyWrongNumberCounts() {
	scanned := s.apply(s.A.Store, s.create(time.Minute), session.Scan, Alice)
	won := s.race(2, func(_ int, st session.Store) error { return s.mismatch(st, scanned) })
	got := s.load(s.A.Store, scanned.ID)
	if won != 2 || got.Mismatches != 2 || got.Status != session.Scanned || got.Version != scanned.Version+2 {
		s.Errorf("%d wrong numbers were accepted: %d counted, %s, version %d", won, got.Mismatches, got.Status.Event(), got.Version)
	}
}

// wrongNumbersEndACodeOnce sends many wrong numbers and then a right one: no more than the
// maximum are counted, and the code stays canceled.
func (s *suite) wrongNumbersEndACodeOnce() {
	scanned := s.apply(s.A.Store, s.create(time.Minute), session.Scan, Alice)
	won := s.race(racers, func(_ int, st session.Store) error { return s.mismatch(st, scanned) }, session.ErrUsed)
	if won != session.MaxMismatches {
		s.Errorf("%d of %d wrong numbers were accepted, %d are allowed", won, racers, session.MaxMismatches)
	}
	_, err := s.step(s.B.Store, scanned, ChangeOf(scanned, session.Confirm, Alice))
	got := s.load(s.A.Store, scanned.ID)
	if !isAny(err, []error{session.ErrUsed}) || got.Status != session.Canceled || got.Mismatches != session.MaxMismatches {
		s.Errorf("the right number after them: %v; %s after %d", err, got.Status.Event(), got.Mismatches)
	}
}
