package sessiontest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// racers is the number of concurrent callers.
const racers = 24

func (s *suite) loadReturnsWhatWasStored() {
	made := s.create(time.Minute)
	scanned := s.apply(s.A.Store, made, session.Scan, Alice)
	s.same(s.load(s.B.Store, made.ID), scanned)
	s.same(s.load(s.A.Store, made.ID), scanned)
	confirmed := s.apply(s.B.Store, scanned, session.Confirm, Alice)
	s.same(s.load(s.A.Store, made.ID), confirmed)
}

// same compares all fields, times to the millisecond.
func (s *suite) same(got, want session.Session) {
	s.Helper()
	if g, w := text(got), text(want); g != w {
		s.Errorf("loaded %s\nstored %s", g, w)
	}
}

func text(v session.Session) string {
	for _, t := range []*time.Time{&v.CreatedAt, &v.ConfirmedAt, &v.ExpiresAt} {
		*t = t.Truncate(time.Millisecond).UTC()
	}
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}

func (s *suite) unknownIsNotFound() {
	id := session.NewID()
	if _, err := s.A.Store.Load(s.ctx, id); !errors.Is(err, session.ErrNotFound) {
		s.Errorf("load of an unknown code: %v", err)
	}
	t := session.Change{Action: session.Scan, User: Alice, TTL: time.Minute}.Transition()
	if _, outcome, err := s.A.Store.Apply(s.ctx, id, t); !errors.Is(err, session.ErrNotFound) || outcome != session.Refused {
		s.Errorf("a step of an unknown code: %v, %v", outcome, err)
	}
}

func (s *suite) createdOnce() {
	made := s.create(time.Minute)
	again := made
	again.Pool = "other"
	again.Op = ""
	if _, err := s.make(s.B.Store, again); !errors.Is(err, session.ErrStale) {
		s.Errorf("created twice: %v", err)
	}
	s.same(s.load(s.B.Store, made.ID), made)
}

func (s *suite) oneScanWins() {
	made := s.create(time.Minute)
	won := s.race(racers, func(i int, st session.Store) error {
		user := session.User{ID: string(rune('a' + i))}
		_, err := s.step(st, made, ChangeOf(made, session.Scan, user))
		return err
	}, session.ErrOtherUser)
	if got := s.load(s.A.Store, made.ID); won != 1 || got.Version != 2 || got.Status != session.Scanned {
		s.Errorf("%d of %d scans succeeded; version %d, %s", won, racers, got.Version, got.Status.Event())
	}
}

func (s *suite) oneDecisionWins() {
	scanned := s.apply(s.A.Store, s.create(time.Minute), session.Scan, Alice)
	actions := []session.Action{session.Confirm, session.Cancel, session.Withdraw}
	won := make([]int, len(actions))
	results := make([]session.Action, racers)
	s.race(racers, func(i int, st session.Store) error {
		a := actions[i%len(actions)]
		_, err := s.step(st, scanned, ChangeOf(scanned, a, Alice))
		if err == nil {
			results[i] = a
		}
		return err
	}, session.ErrUsed, session.ErrOver)
	for i, a := range actions {
		for _, r := range results {
			if r == a {
				won[i]++
			}
		}
	}
	// Repetitions of the winner succeed as well, so actions are counted.
	kinds := 0
	for _, n := range won {
		if n > 0 {
			kinds++
		}
	}
	if got := s.load(s.B.Store, scanned.ID); kinds != 1 || got.Version != 3 {
		s.Errorf("confirm, cancel, withdraw succeeded %v times; version %d", won, got.Version)
	}
}

func (s *suite) oneRedeemWins() {
	code := s.apply(s.A.Store, s.create(time.Minute), session.Scan, Alice)
	code = s.apply(s.A.Store, code, session.Confirm, Alice)
	won := s.race(racers, func(_ int, st session.Store) error {
		_, err := s.step(st, code, ChangeOf(code, session.Redeem, Alice))
		return err
	}, session.ErrUsed)
	if got := s.load(s.A.Store, code.ID); won != 1 || got.Status != session.Redeemed {
		s.Errorf("%d of %d redeem steps succeeded; %v", won, racers, got.Status)
	}
}

func (s *suite) noStepAfterExpiry() {
	made := s.create(200 * time.Millisecond)
	s.eventually("the code expires", func() bool { return s.load(s.A.Store, made.ID).Status == session.Expired })
	scan := ChangeOf(made, session.Scan, Alice)
	scan.TTL = time.Hour
	if _, err := s.step(s.B.Store, made, scan); !errors.Is(err, session.ErrOver) { // made is the state before it expired
		s.Errorf("a step after expiry: %v", err)
	}
	if got := s.load(s.A.Store, made.ID); got.Status != session.Expired || got.User.ID != "" {
		s.Errorf("after that: %+v", got)
	}
}

func (s *suite) canceledContext() {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	made := s.create(time.Minute)
	next := made
	next.Version, next.Status = 2, session.Scanned
	if s.previous {
		if err := previous(s.A.Store).Swap(ctx, next, session.NewOpID()); err == nil {
			s.Error("a swap with a canceled context succeeded")
		}
	}
	scan := ChangeOf(made, session.Scan, Alice).Transition()
	if _, outcome, err := s.A.Store.Apply(ctx, made.ID, scan); err == nil || outcome != session.Refused {
		s.Errorf("a step with a canceled context: %v, %v", outcome, err)
	}
	if _, err := s.A.Store.Create(ctx, New(s.A.Store, time.Minute)); err == nil {
		s.Error("a code was created with a canceled context")
	}
	if _, err := s.A.Store.Load(ctx, made.ID); err == nil {
		s.Error("a load with a canceled context succeeded")
	}
	s.same(s.load(s.A.Store, made.ID), made)
}

func (s *suite) codesExpire() {
	made := s.create(300 * time.Millisecond)
	var got session.Session
	s.eventually("the code expires", func() bool {
		got = s.load(s.B.Store, made.ID)
		return got.Status == session.Expired
	})
	if got.Version != 2 || got.Op != "" {
		s.Errorf("expired: version %d with op %q, want 2 with none", got.Version, got.Op)
	}
	if now := s.B.Store.Now(); now.Before(made.ExpiresAt.Add(-2 * time.Second)) {
		s.Errorf("the estimate of the store's clock is %v behind", made.ExpiresAt.Sub(now))
	}
}

func (s *suite) everyRecordHasAnExpiry() {
	const ttl = time.Minute
	code := s.create(ttl)
	s.checkTTL(code.ID, ttl)
	for _, a := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
		code = s.apply(s.B.Store, code, a, Alice)
		s.checkTTL(code.ID, ttl)
	}
	canceled := s.apply(s.A.Store, s.apply(s.A.Store, s.create(ttl), session.Scan, Bob), session.Cancel, Bob)
	s.checkTTL(canceled.ID, 0)
}

// checkTTL checks that a code that expires within ttl is stored for its retention after that
// and no longer, plus or minus two seconds for a slow machine.
func (s *suite) checkTTL(id session.ID, ttl time.Duration) {
	s.Helper()
	left := s.TTL(id)
	if left <= session.Retention-2*time.Second || left > ttl+session.Retention+2*time.Second {
		s.Errorf("a code that expires within %v is stored for %v", ttl, left)
	}
}
