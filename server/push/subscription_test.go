package push

import (
	"errors"
	"testing"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

func TestEachStateIsReturnedOnceAndInOrder(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	f, woken := n.subscribed(code)
	awaitStatus(t, f, woken, session.Waiting, 1)
	if _, err := f.next(); !errors.Is(err, errNothingNew) {
		t.Errorf("the same state again: %v", err)
	}
	n.step(code.ID, session.Scan)
	awaitStatus(t, f, woken, session.Scanned, 2)
	n.step(code.ID, session.Confirm)
	if state := awaitStatus(t, f, woken, session.Confirmed, 3); state.Ticket == "" {
		t.Error("the browser gets no ticket")
	}
	n.store.Deliver(code.Snapshot(), nil)
	if _, err := f.next(); !errors.Is(err, errNothingNew) {
		t.Errorf("after a late message: %v", err)
	}
	f.close()
	f.close()
	if left := n.hub.Watches(); left != 0 {
		t.Errorf("%d watches are left", left)
	}
}

// TestAStreamWithAnotherHistoryIsNotContinued has a storage that lost a step and stored another one with
// the same version: after the subscription, and between the load and the subscription.
func TestAStreamWithAnotherHistoryIsNotContinued(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	f, woken := n.subscribed(code)
	awaitStatus(t, f, woken, session.Waiting, 1)
	other := code
	other.Op = session.NewOpID()
	n.store.Deliver(other.Snapshot(), nil)
	if _, err := await(t, f, woken); !errors.Is(err, session.ErrLost) {
		t.Errorf("after the subscription: %v", err)
	}
	loaded := n.create()
	loaded.Op = session.NewOpID()
	f, woken = n.subscribed(loaded)
	_, err := await(t, f, woken)
	if err == nil { // the code as it was loaded
		_, err = await(t, f, woken)
	}
	if !errors.Is(err, session.ErrLost) {
		t.Errorf("before the subscription: %v", err)
	}
}

// TestAFullUserOfAnotherStateIsNotShown has the code with the user be another one than was
// announced: an older version, or the same version of another history. A newer one is shown.
func TestAFullUserOfAnotherStateIsNotShown(t *testing.T) {
	for name, test := range map[string]struct {
		change func(scanned, confirmed session.Session) session.Session
		want   error
	}{
		"older": {func(scanned, _ session.Session) session.Session { return scanned }, session.ErrLost},
		"another history": {func(_, confirmed session.Session) session.Session {
			confirmed.Op = session.NewOpID()
			return confirmed
		}, session.ErrLost},
		"newer": {func(_, confirmed session.Session) session.Session {
			confirmed.Op, confirmed.Version = session.NewOpID(), confirmed.Version+1
			return confirmed
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, func(_ *login.Limits, p *pool.Pool) { p.ReturnFullUserInfo = true })
			code := n.create()
			f, woken := n.subscribed(code)
			awaitStatus(t, f, woken, session.Waiting, 1)
			n.step(code.ID, session.Scan)
			awaitStatus(t, f, woken, session.Scanned, 2)
			load := func() session.Session {
				code, err := n.store.Load(t.Context(), code.ID)
				if err != nil {
					t.Fatal(err)
				}
				return code
			}
			scanned := load()
			n.step(code.ID, session.Confirm)
			n.store.ShowPast(test.change(scanned, load()))
			if _, err := await(t, f, woken); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

func TestACodeThatVanishedHasExpired(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	f, woken := n.subscribed(code)
	awaitStatus(t, f, woken, session.Waiting, 1)
	n.store.Deliver(session.Snapshot{ID: code.ID}, session.ErrNotFound)
	awaitStatus(t, f, woken, session.Expired, 2)
}

// TestPushedIsCalledForStepsOnly, not of the state that the page finds, nor of an expiry.
func TestPushedIsCalledForStepsOnly(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	f, woken := n.subscribed(code)
	for i, step := range []struct {
		do   func()
		want int
	}{
		{func() {}, 0},
		{func() { n.step(code.ID, session.Scan) }, 1},
		{func() { n.store.Deliver(session.Snapshot{ID: code.ID}, session.ErrNotFound) }, 1},
	} {
		step.do()
		if _, err := await(t, f, woken); err != nil {
			t.Fatal(err)
		}
		f.noteDelivery()
		if got := n.pushes(); got != step.want {
			t.Errorf("after state %d: called %d times, want %d", i+1, got, step.want)
		}
	}
}

// TestUnprovenWatchersAreLimited and the browser of the code is not.
func TestUnprovenWatchersAreLimited(t *testing.T) {
	n := start(t, func(l *login.Limits, _ *pool.Pool) { l.WatchersPerCode = 2 })
	code := n.create()
	v := login.View{Pool: n.pool, Code: code, Rights: login.NewRights(n.pool, code, login.Proof{})}
	watch := func() (*subscription, error) { return n.subscribe(v, func() {}) }
	first, err := watch()
	if err != nil {
		t.Fatal(err)
	}
	second, err := watch()
	if err != nil {
		t.Fatal(err)
	}
	defer second.close()
	if _, err := watch(); !isTooMany(err) {
		t.Errorf("one more than the limit: %v", err)
	}
	n.subscribed(code)
	first.close()
	third, err := watch()
	if err != nil {
		t.Fatalf("after one has left: %v", err)
	}
	third.close()
}

func isTooMany(err error) bool {
	_, ok := errors.AsType[login.TooMany](err)
	return ok
}
