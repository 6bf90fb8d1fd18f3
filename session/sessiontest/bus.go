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

// listener keeps all that a node's bus delivers.
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
		case <-time.After(patience):
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

// await waits until version of the code was delivered, and returns it.
func (l *listener) await(id session.ID, version int64) (found delivery) {
	l.Helper()
	l.eventually("a version is delivered", func() bool {
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

func (s *suite) refusedIsSilent() {
	made := s.create(time.Minute)
	heard := s.listen(s.B)
	heard.subscribe(made.ID)
	heard.await(made.ID, 1)
	for _, version := range []int64{1, 3, 7} {
		wrong := made
		wrong.Version, wrong.Status, wrong.User = version, session.Canceled, Bob
		if err := s.A.Store.Swap(s.ctx, wrong, session.NewOpID()); !errors.Is(err, session.ErrStale) {
			s.Errorf("version %d over version 1: %v", version, err)
		}
	}
	s.apply(s.A.Store, made, session.Scan, Alice)
	heard.await(made.ID, 2)
	for _, d := range heard.deliveries(made.ID) {
		if d.err != nil || d.UserID == Bob.ID {
			s.Errorf("a refused swap was told: %+v", d)
		}
	}
}

func (s *suite) stateFollowsEachSubscribe() {
	heard := s.listen(s.B)
	made := s.create(2 * time.Second)
	heard.subscribe(made.ID)
	heard.await(made.ID, 1)
	heard.forget()
	heard.subscribe(made.ID)
	heard.await(made.ID, 1)
	// Also the state that time alone made.
	s.eventually("time ends the code", func() bool { return s.load(s.A.Store, made.ID).Status == session.Expired })
	heard.subscribe(made.ID)
	if d := heard.await(made.ID, 2); d.Status != session.Expired || d.Op != "" {
		s.Errorf("after its end the code is told as %+v", d)
	}
}

func (s *suite) stateFollowsAReconnect() {
	if s.Cut == nil {
		return
	}
	heard := s.listen(s.B)
	codes := make([]session.Session, 50)
	for i := range codes {
		codes[i] = s.create(time.Minute)
		heard.subscribe(codes[i].ID)
	}
	for _, c := range codes {
		heard.await(c.ID, 1)
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
				heard.await(c.ID, 2)
			}
		}
	}
	for _, c := range codes {
		for _, d := range heard.deliveries(c.ID) {
			if d.err != nil {
				s.Errorf("a reconnect told %v", d.err)
			}
		}
	}
}

func (s *suite) goneIsTold() {
	heard := s.listen(s.B)
	made, never := s.create(time.Minute), session.NewID()
	heard.subscribe(made.ID, never)
	heard.await(made.ID, 1)
	heard.awaitError(never, session.ErrNotFound)
	s.Forget(made.ID)
	heard.subscribe(made.ID)
	heard.awaitError(made.ID, session.ErrNotFound)
}

func (s *suite) lostIsTold() {
	if s.Save == nil {
		return
	}
	heard := s.listen(s.B)
	made := s.create(time.Minute)
	restore := s.Save(made.ID)
	heard.subscribe(made.ID)
	s.apply(s.A.Store, made, session.Scan, Alice)
	heard.await(made.ID, 2)
	restore()
	heard.subscribe(made.ID)
	heard.awaitError(made.ID, session.ErrLost)
}

func (s *suite) otherHistoryIsTold() {
	if s.Save == nil {
		return
	}
	heard := s.listen(s.B)
	made := s.create(time.Minute)
	restore := s.Save(made.ID)
	heard.subscribe(made.ID)
	s.apply(s.A.Store, made, session.Scan, Alice)
	heard.await(made.ID, 2)
	restore()
	s.apply(s.A.Store, made, session.Scan, Bob)
	heard.subscribe(made.ID)
	heard.awaitError(made.ID, session.ErrLost)
}

func (s *suite) twoCodesNeverCross() {
	heard := s.listen(s.B)
	mine, other := s.create(time.Minute), s.create(time.Minute)
	heard.subscribe(mine.ID)
	heard.await(mine.ID, 1)
	s.apply(s.A.Store, other, session.Scan, Bob)
	s.apply(s.A.Store, mine, session.Scan, Alice)
	heard.await(mine.ID, 2)
	if got := heard.deliveries(other.ID); len(got) > 0 {
		s.Errorf("heard of a code that nobody subscribed: %+v", got)
	}
	for _, d := range heard.deliveries(mine.ID) {
		if d.UserID == Bob.ID {
			s.Errorf("heard of another code's user: %+v", d)
		}
	}
}

func (s *suite) unsubscribedIsSilent() {
	heard := s.listen(s.B)
	made, mark := s.create(time.Minute), s.create(time.Minute)
	heard.subscribe(made.ID, mark.ID)
	heard.await(made.ID, 1)
	heard.await(mark.ID, 1)
	if err := heard.node.Bus.Unsubscribe(s.ctx, made.ID); err != nil {
		s.Fatal(err)
	}
	// What is under way may still come; when a later step of another code
	// has come, nothing is under way any more.
	s.apply(s.A.Store, mark, session.Scan, Alice)
	heard.await(mark.ID, 2)
	s.apply(s.A.Store, made, session.Scan, Alice)
	s.apply(s.A.Store, s.load(s.A.Store, mark.ID), session.Confirm, Alice)
	heard.await(mark.ID, 3)
	if n := heard.count(made.ID, 2); n > 0 {
		s.Error("heard of a code after unsubscribing")
	}
}

func (s *suite) runEndsWithItsContext() {
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan error, 1)
	go func() { done <- s.A.Bus.Run(ctx, func(session.Snapshot, error) {}) }()
	if err := s.A.Bus.Subscribe(ctx, session.NewID()); err != nil {
		s.Errorf("subscribe while running: %v", err)
	}
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			s.Errorf("run ended with %v", err)
		}
	case <-time.After(patience):
		s.Error("run goes on after its context ended")
	}
}
