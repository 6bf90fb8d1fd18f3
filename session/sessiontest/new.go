package sessiontest

import (
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// newCodes are the tests of SubscribeNew and Created.
func newCodes() []test {
	return []test{
		{"StepsOfANewCodeAreDelivered", (*suite).newIsDelivered},
		{"ANewCodeIsNotMissing", (*suite).newIsNotMissing},
		{"StepsOfANewCodeAreDeliveredAfterAReconnect", (*suite).newIsDeliveredAfterAReconnect},
		{"AnUnsubscribedNewCodeIsNotDelivered", (*suite).unsubscribedNewIsNotDelivered},
	}
}

// connected starts the bus of B, and returns when it delivers the steps of a code.
func (s *suite) connected() (watcher *listener, mark session.Session) {
	s.Helper()
	watcher, mark = s.listen(s.B), s.create(time.Minute)
	watcher.subscribe(mark.ID)
	watcher.await(mark.ID, 1)
	return watcher, mark
}

// subscribeNew subscribes to a code that is not stored yet, and returns the code.
func (l *listener) subscribeNew() session.Session {
	l.Helper()
	code := New(l.A.Store, time.Minute)
	if err := l.node.Bus.SubscribeNew(l.ctx, code.ID); err != nil {
		l.Fatalf("subscribe to a new code: %v", err)
	}
	return code
}

func (l *listener) assertNoError(id session.ID) {
	l.Helper()
	for _, d := range l.deliveries(id) {
		if d.err != nil {
			l.Errorf("delivered: %v", d.err)
		}
	}
}

func (s *suite) newIsDelivered() {
	watcher, _ := s.connected()
	made, err := s.make(s.A.Store, watcher.subscribeNew())
	if err != nil {
		s.Fatal(err)
	}
	s.apply(s.A.Store, made, session.Scan, Alice) // even before Created
	watcher.await(made.ID, 2)
	watcher.node.Bus.Created(made.Snapshot())
	s.apply(s.A.Store, s.load(s.A.Store, made.ID), session.Confirm, Alice)
	watcher.await(made.ID, 3)
	watcher.assertNoError(made.ID)
}

func (s *suite) newIsNotMissing() {
	watcher, mark := s.connected()
	code := watcher.subscribeNew()
	if s.Cut != nil {
		s.Cut()
	}
	s.apply(s.A.Store, mark, session.Scan, Alice)
	watcher.await(mark.ID, 2) // with a read, which does not include the new code
	watcher.subscribe(mark.ID)
	watcher.assertNoError(code.ID)
	made, err := s.make(s.A.Store, code)
	if err != nil {
		s.Fatal(err)
	}
	watcher.node.Bus.Created(made.Snapshot())
	s.apply(s.A.Store, made, session.Scan, Alice)
	watcher.await(made.ID, 2)
	watcher.assertNoError(made.ID)
}

func (s *suite) newIsDeliveredAfterAReconnect() {
	if s.Cut == nil {
		return
	}
	watcher, mark := s.connected()
	for _, reconnected := range []bool{false, true} {
		code := watcher.subscribeNew()
		s.Cut()
		made, err := s.make(s.A.Store, code)
		if err != nil {
			s.Fatal(err)
		}
		s.apply(s.A.Store, made, session.Scan, Alice)
		if reconnected {
			mark = s.apply(s.A.Store, mark, session.Scan, Alice)
			watcher.await(mark.ID, mark.Version)
		}
		watcher.node.Bus.Created(made.Snapshot())
		watcher.await(made.ID, 2)
		watcher.assertNoError(made.ID)
	}
}

func (s *suite) unsubscribedNewIsNotDelivered() {
	watcher, mark := s.connected()
	code := watcher.subscribeNew()
	if err := watcher.node.Bus.Unsubscribe(s.ctx, code.ID); err != nil {
		s.Fatal(err)
	}
	s.apply(s.A.Store, mark, session.Scan, Alice)
	watcher.await(mark.ID, 2) // a delivery in progress has arrived
	made, err := s.make(s.A.Store, code)
	if err != nil {
		s.Fatal(err)
	}
	s.apply(s.A.Store, made, session.Scan, Alice)
	s.apply(s.A.Store, s.load(s.A.Store, mark.ID), session.Confirm, Alice)
	watcher.await(mark.ID, 3)
	if n := watcher.count(made.ID, 2); n > 0 {
		s.Error("a new code was delivered after Unsubscribe")
	}
}
