package hub

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func (r *fixture) watchNew(id session.ID) *Watch {
	r.Helper()
	w, err := r.hub.WatchNew(r.Context(), id, func() {})
	if err != nil {
		r.Fatal(err)
	}
	return w
}

func TestANewCodeIsKnownWhenItIsCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFixture(t)
		code := sessiontest.New(r.store, time.Minute)
		w := r.watchNew(code.ID)
		defer w.Close()
		synctest.Wait()
		r.sees(w, 0, session.Waiting)
		code, err := r.store.Create(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		w.Created(code.Snapshot())
		r.sees(w, 1, session.Waiting) // at once
		second := r.watch(code.ID)
		defer second.Close()
		r.sees(second, 1, session.Waiting)
		r.apply(code, session.Scan)
		synctest.Wait()
		r.sees(w, 2, session.Scanned)
		time.Sleep(session.Retention + time.Minute) // synthetic time
		synctest.Wait()
		r.sees(w, 3, session.Expired)
	})
}

func TestNothingRemainsOfACodeThatWasNotCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFixture(t)
		id := session.NewID()
		r.watchNew(id).Close()
		synctest.Wait()
		if entries, rereads := r.left(); entries != 0 || rereads != 0 || r.hub.Watches() != 0 {
			t.Errorf("left: %d entries, %d rereads, %d watches", entries, rereads, r.hub.Watches())
		}
		r.bus.mu.Lock()
		defer r.bus.mu.Unlock()
		if !r.bus.unsubscribed[id] {
			t.Error("the bus still delivers the code")
		}
	})
}

// silentBus never acknowledges a subscription.
type silentBus struct{ session.Bus }

func (silentBus) SubscribeNew(ctx context.Context, _ session.ID) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestANewCodeWaits300msForItsSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		h := New(silentBus{mem.Bus()}, mem.Now)
		began := time.Now()
		w, err := h.WatchNew(t.Context(), session.NewID(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("%v", took)
		}
	})
}
