package redisstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// startBus starts a bus, and returns the states that it delivers once it is connected.
func startBus(t *testing.T) (*Store, *Bus, <-chan session.Snapshot) {
	t.Helper()
	st := New(redistest.Open(t, redisclient.Options{URL: redistest.Start(t).URL(), Prefix: "test"}), Options{})
	bus, delivered := st.Bus(), make(chan session.Snapshot, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = bus.Run(ctx, func(s session.Snapshot, _ error) { delivered <- s })
	}()
	t.Cleanup(func() { cancel(); <-done })
	redistest.Eventually(t, 10*time.Second, "the bus is connected", func() bool {
		bus.mu.Lock()
		defer bus.mu.Unlock()
		return bus.connected
	})
	return st, bus, delivered
}

func TestANewCodeIsNotRead(t *testing.T) {
	t.Parallel()
	st, bus, delivered := startBus(t)
	code := sessiontest.New(st, time.Minute)
	if err := bus.SubscribeNew(t.Context(), code.ID); err != nil {
		t.Fatal(err)
	}
	code, err := st.Create(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	bus.Created(code.Snapshot())
	if _, err := sessiontest.Step(t.Context(), st, code, sessiontest.ChangeOf(code, session.Scan, sessiontest.Alice)); err != nil {
		t.Fatal(err)
	}
	for version := int64(0); version < 2; {
		select {
		case s := <-delivered:
			version = s.Version
		case <-time.After(10 * time.Second):
			t.Fatalf("version %d was the last", version)
		}
	}
	if n := bus.Reads(); n != 0 {
		t.Errorf("%d reads", n)
	}
}

// TestACodeWithoutAnAcknowledgementIsReadOnceItIsCreated. The bus of the second case is not running:
// Redis acknowledges nothing.
func TestACodeWithoutAnAcknowledgementIsReadOnceItIsCreated(t *testing.T) {
	t.Parallel()
	for name, connected := range map[string]bool{"not connected": false, "connected": true} {
		st := New(redistest.Open(t, redisclient.Options{URL: redistest.Start(t).URL(), Prefix: "test"}), Options{})
		bus := st.Bus()
		bus.setConnected(connected)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		want := errNotConnected
		if connected {
			want = context.DeadlineExceeded
		}
		code := sessiontest.New(st, time.Minute)
		if err := bus.SubscribeNew(ctx, code.ID); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		bus.markAllDue()
		if len(bus.takeDue()) > 0 {
			t.Errorf("%s: a code that is not created is read", name)
		}
		bus.Created(code.AsNew("op").Snapshot())
		if due := bus.takeDue(); len(due) != 1 || due[0].id != code.ID {
			t.Errorf("%s: due after the creation: %v", name, due)
		}
		if len(bus.newcomers) > 0 {
			t.Errorf("%s: %d codes are still new", name, len(bus.newcomers))
		}
	}
}
