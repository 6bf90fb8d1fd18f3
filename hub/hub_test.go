package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a running hub on a memory store.
type fixture struct {
	*testing.T
	store *sessiontest.Faulty
	bus   *countingBus
	hub   *Hub
}

// countingBus counts the subscribed codes. It can drop subscriptions, as a bus does whose
// storage is unavailable.
type countingBus struct {
	session.Bus
	mu         sync.Mutex
	subscribed map[session.ID]bool
	dropping   bool

	unsubscribed map[session.ID]bool
}

func (b *countingBus) drop(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropping = on
}

func (b *countingBus) Subscribe(ctx context.Context, ids ...session.ID) error {
	b.mu.Lock()
	for _, id := range ids {
		b.subscribed[id] = true
	}
	dropping := b.dropping
	b.mu.Unlock()
	if dropping {
		return nil
	}
	return b.Bus.Subscribe(ctx, ids...)
}

func (b *countingBus) Unsubscribe(ctx context.Context, ids ...session.ID) error {
	b.mu.Lock()
	for _, id := range ids {
		delete(b.subscribed, id)
		b.unsubscribed[id] = true
	}
	b.mu.Unlock()
	return b.Bus.Unsubscribe(ctx, ids...)
}

func (b *countingBus) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.subscribed)
}

func newFixture(t *testing.T) *fixture {
	mem := memstore.New()
	faulty := sessiontest.NewFaulty(sessiontest.Node{Store: mem, Bus: mem.Bus()})
	bus := &countingBus{Bus: faulty, subscribed: make(map[session.ID]bool), unsubscribed: make(map[session.ID]bool)}
	r := &fixture{T: t, store: faulty, bus: bus, hub: New(bus, mem.Now)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.hub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the hub ended with %v", err)
		}
	})
	return r
}

// left returns the number of entries and of scheduled reads.
func (r *fixture) left() (entries, rereads int) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return len(r.hub.entries), len(r.hub.rereads)
}

func (r *fixture) create(ttl time.Duration) session.Session {
	r.Helper()
	s, err := r.store.Create(context.Background(), sessiontest.New(r.store, ttl))
	if err != nil {
		r.Fatal(err)
	}
	return s
}

func (r *fixture) apply(s session.Session, a session.Action) session.Session {
	r.Helper()
	s, err := sessiontest.Step(context.Background(), r.store, s, sessiontest.ChangeOf(s, a, sessiontest.Alice))
	if err != nil {
		r.Fatal(err)
	}
	return s
}

func (r *fixture) watch(id session.ID) *Watch {
	r.Helper()
	w, err := r.hub.Watch(id, func() {})
	if err != nil {
		r.Fatal(err)
	}
	return w
}

func (r *fixture) sees(w *Watch, version int64, status session.Status) {
	r.Helper()
	if got, err := w.Latest(); err != nil || got.Version != version || got.Status != status {
		r.Errorf("latest is version %d, %v, %v; want version %d, %v", got.Version, got.Status, err, version, status)
	}
}

func TestWatchersReceiveEachStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFixture(t)
		s := r.create(time.Minute)
		w := r.watch(s.ID)
		defer w.Close()
		r.sees(w, 0, session.Waiting)
		synctest.Wait()
		r.sees(w, 1, session.Waiting)
		s = r.apply(s, session.Scan)
		synctest.Wait()
		r.sees(w, 2, session.Scanned)
		second := r.watch(s.ID)
		defer second.Close()
		r.sees(second, 2, session.Scanned) // at once: the state is known
		r.apply(s, session.Cancel)
		synctest.Wait()
		r.sees(w, 3, session.Canceled)
		r.sees(second, 3, session.Canceled)
	})
}

func TestWatchersAreWokenOncePerState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFixture(t)
		r.store.Repeat()
		s := r.create(time.Minute)
		var mu sync.Mutex
		wakes := 0
		w, err := r.hub.Watch(s.ID, func() { mu.Lock(); wakes++; mu.Unlock() })
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		synctest.Wait()
		s = r.apply(s, session.Scan)
		synctest.Wait()
		r.apply(s, session.Confirm)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if wakes != 3 {
			t.Errorf("3 states, %d wakes", wakes)
		}
		r.sees(w, 3, session.Confirmed)
	})
}

func TestWatchersReceiveExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFixture(t)
		s := r.create(90 * time.Second)
		w := r.watch(s.ID)
		defer w.Close()
		time.Sleep(60 * time.Second) // synthetic time
		s = r.apply(s, session.Scan) // moves the end to 120 s
		time.Sleep(59 * time.Second)
		synctest.Wait()
		r.sees(w, 2, session.Scanned)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		r.sees(w, 3, session.Expired)
		if _, rereads := r.left(); rereads != 0 {
			t.Errorf("%d reads are scheduled", rereads)
		}
	})
}

func TestExpiryArrivesWhenTheStoreReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFixture(t)
		s := r.create(10 * time.Second)
		w := r.watch(s.ID)
		defer w.Close()
		synctest.Wait()
		r.bus.drop(true)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		r.sees(w, 1, session.Waiting)
		r.bus.drop(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.sees(w, 2, session.Expired)
	})
}

func TestNotFoundAndLostAreFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFixture(t)
		gone := r.watch(session.NewID())
		defer gone.Close()
		s := r.apply(r.create(time.Minute), session.Scan)
		lost := r.watch(s.ID)
		defer lost.Close()
		synctest.Wait()
		if _, err := gone.Latest(); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("an unknown code: %v", err)
		}
		other := s.Snapshot()
		other.Op = "another"
		r.store.Deliver(other, nil)
		if _, err := lost.Latest(); !errors.Is(err, session.ErrLost) {
			t.Errorf("the same version by another operation: %v", err)
		}
		r.apply(s, session.Confirm)
		synctest.Wait()
		if _, err := lost.Latest(); !errors.Is(err, session.ErrLost) {
			t.Error("the error is not final")
		}
	})
}

func TestOlderStatesAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFixture(t)
		first := r.create(time.Minute)
		second := r.apply(first, session.Scan)
		w := r.watch(first.ID)
		defer w.Close()
		synctest.Wait()
		r.store.Deliver(first.Snapshot(), nil)
		r.sees(w, 2, second.Status)
	})
}

func TestNothingRemainsAfterTheLastWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFixture(t)
		var watches []*Watch
		for range 100 {
			s := r.create(time.Minute)
			watches = append(watches, r.watch(s.ID), r.watch(s.ID))
		}
		synctest.Wait()
		if n := r.bus.len(); n != 100 {
			t.Errorf("%d codes are subscribed, want 100", n)
		}
		for _, w := range watches {
			w.Close()
			w.Close()
		}
		synctest.Wait()
		entries, _ := r.left()
		if n := r.bus.len(); n != 0 || entries != 0 || r.hub.Watches() != 0 {
			t.Errorf("left: %d on the bus, %d entries, %d watches", n, entries, r.hub.Watches())
		}
		time.Sleep(2 * time.Minute)
		if _, rereads := r.left(); rereads != 0 {
			t.Errorf("%d reads are scheduled", rereads)
		}
	})
}

func TestWatchFailsAfterTheHubStopped(t *testing.T) {
	mem := memstore.New()
	h := New(mem.Bus(), mem.Now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("run: %v", err)
	}
	if _, err := h.Watch(session.NewID(), func() {}); !errors.Is(err, ErrStopped) {
		t.Errorf("watch: %v", err)
	}
}

// TestConcurrentWatchAndClose runs under the race detector. Watchers that stay must receive
// the last state.
func TestConcurrentWatchAndClose(t *testing.T) {
	r := newFixture(t)
	codes := make([]session.Session, 20)
	ids := make([]session.ID, len(codes))
	stay := make([]*Watch, len(codes))
	for i := range codes {
		codes[i] = r.create(time.Minute)
		ids[i] = codes[i].ID
	}
	var storm sync.WaitGroup
	for g := range 16 {
		storm.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(g)))
			for range 300 {
				w, err := r.hub.Watch(ids[rnd.IntN(len(ids))], func() {})
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = w.Latest()
				w.Close()
			}
		})
	}
	for i, s := range codes {
		stay[i] = r.watch(s.ID)
		codes[i] = r.apply(s, session.Scan)
	}
	storm.Wait()
	for i, s := range codes {
		s = r.apply(s, session.Confirm)
		asynctest.Eventually(t, "the watcher reads the confirmed state", func() bool {
			got, err := stay[i].Latest()
			return err == nil && got.Version == s.Version && got.Op == s.Op
		})
		stay[i].Close()
	}
	asynctest.Eventually(t, "nothing is watched", func() bool { return r.bus.len() == 0 && r.hub.Watches() == 0 })
}

func BenchmarkDeliver(b *testing.B) {
	for _, codes := range []int{1, 10_000, 100_000} {
		b.Run(fmt.Sprintf("codes=%d", codes), func(b *testing.B) {
			mem := memstore.New()
			h := New(mem.Bus(), mem.Now)
			ids := make([]session.ID, codes)
			for i := range ids {
				ids[i] = session.NewID()
				if _, err := h.Watch(ids[i], func() {}); err != nil {
					b.Fatal(err)
				}
			}
			s := session.Snapshot{Status: session.Scanned, ExpiresAt: time.Now().Add(time.Minute)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.ID, s.Version = ids[i%codes], int64(i+1)
				h.deliver(s, nil)
			}
		})
	}
}
