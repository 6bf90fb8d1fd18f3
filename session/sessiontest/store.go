package sessiontest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// racers is how many want the same thing at once.
const racers = 24

func (s *suite) loadReturnsWhatWasStored() {
	made := s.create(time.Minute)
	scanned := s.apply(s.A.Store, made, session.Scan, Alice)
	s.same(s.load(s.B.Store, made.ID), scanned)
	s.same(s.load(s.A.Store, made.ID), scanned)
	confirmed := s.apply(s.B.Store, scanned, session.Confirm, Alice)
	s.same(s.load(s.A.Store, made.ID), confirmed)
}

// same compares all that is kept, times to the millisecond.
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
	orphan := New(s.A.Store, time.Minute)
	orphan.Version = 2
	if err := s.A.Store.Swap(s.ctx, orphan, session.NewOpID()); !errors.Is(err, session.ErrStale) {
		s.Errorf("version 2 of an unknown code: %v", err)
	}
}

func (s *suite) createdOnce() {
	made := s.create(time.Minute)
	again := made
	again.Pool = "other"
	if _, err := session.Create(s.ctx, s.B.Store, again); !errors.Is(err, session.ErrStale) {
		s.Errorf("created twice: %v", err)
	}
	s.same(s.load(s.B.Store, made.ID), made)
}

func (s *suite) oneScanWins() {
	made := s.create(time.Minute)
	won := s.race(racers, func(i int, st session.Store) error {
		user := session.User{ID: string(rune('a' + i))}
		_, err := session.Apply(s.ctx, st, made, session.Change{Action: session.Scan, User: user, TTL: time.Minute})
		return err
	}, session.ErrOtherUser)
	if got := s.load(s.A.Store, made.ID); won != 1 || got.Version != 2 || got.Status != session.Scanned {
		s.Errorf("%d of %d scans won; version %d, %s", won, racers, got.Version, got.Status.Event())
	}
}

func (s *suite) oneDecisionWins() {
	scanned := s.apply(s.A.Store, s.create(time.Minute), session.Scan, Alice)
	actions := []session.Action{session.Confirm, session.Cancel, session.Withdraw}
	won := make([]int, len(actions))
	results := make([]session.Action, racers)
	s.race(racers, func(i int, st session.Store) error {
		a := actions[i%len(actions)]
		_, err := session.Apply(s.ctx, st, scanned, session.Change{Action: a, User: Alice, TTL: time.Minute})
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
	// Repetitions of the winner succeed as well, so kinds are counted.
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
		_, err := session.Apply(s.ctx, st, code, session.Change{Action: session.Redeem})
		return err
	}, session.ErrUsed)
	if got := s.load(s.A.Store, code.ID); won != 1 || got.Status != session.Redeemed {
		s.Errorf("%d of %d redeemed; %v", won, racers, got.Status)
	}
}

func (s *suite) swapTwiceIsDoneOnce() {
	made := s.create(time.Minute)
	heard := s.listen(s.B)
	heard.subscribe(made.ID)
	heard.await(made.ID, 1)

	next, op := made, session.NewOpID()
	next.Version, next.Status, next.User = 2, session.Scanned, Alice
	for try := range 3 {
		if err := s.A.Store.Swap(s.ctx, next, op); err != nil {
			s.Fatalf("try %d: %v", try, err)
		}
	}
	// A later step marks the end of what the three tries announced.
	s.apply(s.A.Store, s.load(s.A.Store, made.ID), session.Confirm, Alice)
	heard.await(made.ID, 3)
	if n := heard.count(made.ID, 2); n > 1 {
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
		s.Errorf("%d of %d identical swaps won", won, racers)
	}
}

func (s *suite) noSwapAfterTheEnd() {
	made := s.create(200 * time.Millisecond)
	before := made // as its maker knows it, from before the end
	s.eventually("the code ends", func() bool { return s.load(s.A.Store, made.ID).Status == session.Expired })

	next := before
	next.Version, next.Status, next.ExpiresAt = 2, session.Scanned, before.ExpiresAt.Add(time.Hour)
	if err := s.B.Store.Swap(s.ctx, next, session.NewOpID()); !errors.Is(err, session.ErrOver) {
		s.Errorf("swap after the end by one who read before it: %v", err)
	}
	_, err := session.Apply(s.ctx, s.B.Store, before, session.Change{Action: session.Scan, User: Alice, TTL: time.Hour})
	if !errors.Is(err, session.ErrOver) {
		s.Errorf("apply after the end: %v", err)
	}
	if got := s.load(s.A.Store, made.ID); got.Status != session.Expired || got.User.ID != "" {
		s.Errorf("after that: %+v", got)
	}
}

func (s *suite) nothingOnceContextIsOver() {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	made := s.create(time.Minute)
	next := made
	next.Version, next.Status = 2, session.Scanned
	if err := s.A.Store.Swap(ctx, next, session.NewOpID()); err == nil {
		s.Error("a swap under a context that is over succeeded")
	}
	if _, err := s.A.Store.Load(ctx, made.ID); err == nil {
		s.Error("a load under a context that is over succeeded")
	}
	s.same(s.load(s.A.Store, made.ID), made)
}

func (s *suite) timeEndsACode() {
	made := s.create(300 * time.Millisecond)
	var got session.Session
	s.eventually("time ends the code", func() bool {
		got = s.load(s.B.Store, made.ID)
		return got.Status == session.Expired
	})
	if got.Version != 2 || got.Op != "" {
		s.Errorf("ended by time: version %d by %q, want 2 by none", got.Version, got.Op)
	}
	if now := s.B.Store.Now(); now.Before(made.ExpiresAt.Add(-2 * time.Second)) {
		s.Errorf("the estimate of the store's clock is %v behind", made.ExpiresAt.Sub(now))
	}
}

func (s *suite) everyCodeHasAnEndOfLife() {
	const ttl = time.Minute
	code := s.create(ttl)
	s.lives(code.ID, ttl)
	for _, a := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
		code = s.apply(s.B.Store, code, a, Alice)
		s.lives(code.ID, ttl)
	}
	canceled := s.apply(s.A.Store, s.apply(s.A.Store, s.create(ttl), session.Scan, Bob), session.Cancel, Bob)
	s.lives(canceled.ID, 0)
}

// lives checks that a code of at most ttl to go is kept for its memory after
// that and no longer, give or take two seconds for a slow machine.
func (s *suite) lives(id session.ID, ttl time.Duration) {
	s.Helper()
	life := s.Life(id)
	if life <= session.Retention-2*time.Second || life > ttl+session.Retention+2*time.Second {
		s.Errorf("the storage keeps a code of %v for %v", ttl, life)
	}
}
