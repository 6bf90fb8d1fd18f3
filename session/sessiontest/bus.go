package sessiontest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// delivery is one call of deliver.
type delivery struct {
	session.Snapshot
	err error
}

// listener records everything that a node's bus delivers.
type listener struct {
	*suite
	node Node

	mu  sync.Mutex
	got []delivery
}

// listen runs the node's bus until the test ends.
func (s *suite) listen(node Node) *listener {
	l := &listener{suite: s, node: node}
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan error, 1)
	go func() {
		done <- node.Bus.Run(ctx, func(snap session.Snapshot, err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.got = append(l.got, delivery{snap, err})
		})
	}()
	s.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(timeout):
			s.Error("the bus did not end with its context")
		}
	})
	return l
}

func (l *listener) subscribe(ids ...session.ID) {
	l.Helper()
	if err := l.node.Bus.Subscribe(l.ctx, ids...); err != nil {
		l.Fatalf("subscribe: %v", err)
	}
}

func (l *listener) deliveries(id session.ID) []delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	var of []delivery
	for _, d := range l.got {
		if d.ID == id {
			of = append(of, d)
		}
	}
	return of
}

func (l *listener) count(id session.ID, version int64) (n int) {
	for _, d := range l.deliveries(id) {
		if d.err == nil && d.Version == version {
			n++
		}
	}
	return n
}

// await waits until the version of the code is delivered, and returns it.
func (l *listener) await(id session.ID, version int64) (found delivery) {
	l.Helper()
	l.eventually("the version is delivered", func() bool {
		for _, d := range l.deliveries(id) {
			if d.err == nil && d.Version == version {
				found = d
				return true
			}
		}
		return false
	})
	return found
}

func (l *listener) awaitError(id session.ID, want error) {
	l.Helper()
	l.eventually(want.Error(), func() bool {
		return slices.ContainsFunc(l.deliveries(id), func(d delivery) bool { return errors.Is(d.err, want) })
	})
}

func (l *listener) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = nil
}

func (s *suite) storedIsAnnounced() {
	made := s.create(time.Minute)
	for _, l := range []*listener{s.listen(s.A), s.listen(s.B)} {
		l.subscribe(made.ID)
		l.await(made.ID, 1)
		defer func() {
			d := l.await(made.ID, 2)
			if d.Status != session.Scanned || d.UserID != Alice.ID || d.Nickname != Alice.Nickname || d.Op == "" {
				s.Errorf("announced %+v", d)
			}
		}()
	}
	s.apply(s.A.Store, made, session.Scan, Alice)
}

func (s *suite) refusedIsNotAnnounced() {
	made := s.create(time.Minute)
	watcher := s.listen(s.B)
	watcher.subscribe(made.ID)
	watcher.await(made.ID, 1)
	for _, a := range []session.Action{session.Confirm, session.Cancel, session.Mismatch, session.Redeem} {
		if _, err := s.step(s.A.Store, made, ChangeOf(made, a, Bob)); err == nil {
			s.Errorf("%s of a code that was not scanned succeeded", a)
		}
	}
	s.apply(s.A.Store, made, session.Scan, Alice)
	watcher.await(made.ID, 2)
	for _, d := range watcher.deliveries(made.ID) {
		if d.err != nil || d.UserID == Bob.ID || d.Version > 2 {
			s.Errorf("a refused step was announced: %+v", d)
		}
	}
}

func (s *suite) stateFollowsEachSubscribe() {
	watcher := s.listen(s.B)
	made := s.create(2 * time.Second)
	watcher.subscribe(made.ID)
	watcher.await(made.ID, 1)
	watcher.forget()
	watcher.subscribe(made.ID)
	watcher.await(made.ID, 1)
	// Also the state after expiry, which no step wrote.
	s.eventually("the code expires", func() bool { return s.load(s.A.Store, made.ID).Status == session.Expired })
	watcher.subscribe(made.ID)
	if d := watcher.await(made.ID, 2); d.Status != session.Expired || d.Op != "" {
		s.Errorf("an expired code is delivered as %+v", d)
	}
}

func (s *suite) stateFollowsAReconnect() {
	if s.Cut == nil {
		return
	}
	watcher := s.listen(s.B)
	codes := make([]session.Session, 50)
	for i := range codes {
		codes[i] = s.create(time.Minute)
		watcher.subscribe(codes[i].ID)
	}
	for _, c := range codes {
		watcher.await(c.ID, 1)
	}
	for round := range 3 {
		s.Cut()
		for i, c := range codes {
			if i%3 == round {
				s.apply(s.A.Store, c, session.Scan, Alice)
			}
		}
		for i, c := range codes {
			if i%3 == round {
				watcher.await(c.ID, 2)
			}
		}
	}
	for _, c := range codes {
		for _, d := range watcher.deliveries(c.ID) {
			if d.err != nil {
				s.Errorf("a reconnect delivered %v", d.err)
			}
		}
	}
}

func (s *suite) missingIsReported() {
	watcher := s.listen(s.B)
	made, never := s.create(time.Minute), session.NewID()
	watcher.subscribe(made.ID, never)
	watcher.await(made.ID, 1)
	watcher.awaitError(never, session.ErrNotFound)
	s.Forget(made.ID)
	watcher.subscribe(made.ID)
	watcher.awaitError(made.ID, session.ErrNotFound)
}

func (s *suite) lostIsReported() {
	if s.Save == nil {
		return
	}
	watcher := s.listen(s.B)
	made := s.create(time.Minute)
	restore := s.Save(made.ID)
	watcher.subscribe(made.ID)
	s.apply(s.A.Store, made, session.Scan, Alice)
	watcher.await(made.ID, 2)
	restore()
	watcher.subscribe(made.ID)
	watcher.awaitError(made.ID, session.ErrLost)
}

func (s *suite) otherHistoryIsReported() {
	if s.Save == nil {
		return
	}
	watcher := s.listen(s.B)
	made := s.create(time.Minute)
	restore := s.Save(made.ID)
	watcher.subscribe(made.ID)
	s.apply(s.A.Store, made, session.Scan, Alice)
	watcher.await(made.ID, 2)
	restore()
	s.apply(s.A.Store, made, session.Scan, Bob)
	watcher.subscribe(made.ID)
	watcher.awaitError(made.ID, session.ErrLost)
}

func (s *suite) codesAreSeparate() {
	watcher := s.listen(s.B)
	mine, other := s.create(time.Minute), s.create(time.Minute)
	watcher.subscribe(mine.ID)
	watcher.await(mine.ID, 1)
	s.apply(s.A.Store, other, session.Scan, Bob)
	s.apply(s.A.Store, mine, session.Scan, Alice)
	watcher.await(mine.ID, 2)
	if got := watcher.deliveries(other.ID); len(got) > 0 {
		s.Errorf("a code that is not subscribed was delivered: %+v", got)
	}
	for _, d := range watcher.deliveries(mine.ID) {
		if d.UserID == Bob.ID {
			s.Errorf("another code's user was delivered: %+v", d)
		}
	}
}

func (s *suite) unsubscribedIsNotDelivered() {
	watcher := s.listen(s.B)
	made, mark := s.create(time.Minute), s.create(time.Minute)
	watcher.subscribe(made.ID, mark.ID)
	watcher.await(made.ID, 1)
	watcher.await(mark.ID, 1)
	if err := watcher.node.Bus.Unsubscribe(s.ctx, made.ID); err != nil {
		s.Fatal(err)
	}
	// A delivery in progress may still arrive. Once a later step of another code has
	// arrived, there is none.
	s.apply(s.A.Store, mark, session.Scan, Alice)
	watcher.await(mark.ID, 2)
	s.apply(s.A.Store, made, session.Scan, Alice)
	s.apply(s.A.Store, s.load(s.A.Store, mark.ID), session.Confirm, Alice)
	watcher.await(mark.ID, 3)
	if n := watcher.count(made.ID, 2); n > 0 {
		s.Error("a code was delivered after Unsubscribe")
	}
}

func (s *suite) runEndsWithItsContext() {
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan error, 1)
	go func() { done <- s.A.Bus.Run(ctx, func(session.Snapshot, error) {}) }()
	if err := s.A.Bus.Subscribe(ctx, session.NewID()); err != nil {
		s.Errorf("Subscribe while Run runs: %v", err)
	}
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			s.Errorf("Run returned %v", err)
		}
	case <-time.After(timeout):
		s.Error("Run did not end with its context")
	}
}
