package ratelimit_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/ratelimit/ratelimittest"
)

func TestBatcherConformance(t *testing.T) {
	ratelimittest.Run(t, func(*testing.T) ratelimittest.Storage {
		m := ratelimit.NewMemory()
		return ratelimittest.Storage{A: cancelable{newBatcher(m)}, B: m, TTL: m.TTL}
	})
}

// cancelable is a Batcher whose Do respects a canceled context, as the suite requires. By
// itself a Batcher also counts clients that have disconnected.
type cancelable struct{ *ratelimit.Batcher }

func (c cancelable) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.Batcher.Do(ctx, ops...)
}

// storage is a Store that counts its calls and can fail.
type storage struct {
	*ratelimit.Memory
	calls atomic.Int64
	err   error // returned if not nil
	hangs bool  // until the context ends
}

func (s *storage) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Result, error) {
	s.calls.Add(1)
	if s.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err := cmp.Or(s.err, ctx.Err()); err != nil {
		return nil, err
	}
	return s.Memory.Do(ctx, ops...)
}

func newStorage() *storage { return &storage{Memory: ratelimit.NewMemory()} }

func allow(n *ratelimit.Batcher, key string, burst int) time.Duration {
	return n.Allow(context.Background(), ratelimit.Allow(key, ratelimit.Limit{Burst: burst, Period: time.Hour}))[0].RetryAfter
}

func TestAnExhaustedKeyIsRefusedWithoutACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newStorage()
		n := newBatcher(shared)
		allow(n, "k", 1)
		wait := allow(n, "k", 1)
		for range 1000 {
			if again := allow(n, "k", 1); again != wait {
				t.Fatalf("wait %v, and %v without time passing", wait, again)
			}
		}
		if shared.calls.Load() != 2 {
			t.Errorf("the storage was called %d times", shared.calls.Load())
		}
		if n.RetryAfter(ratelimit.Allow("k", ratelimit.Limit{})) != wait || n.RetryAfter(ratelimit.Allow("other", ratelimit.Limit{})) != 0 {
			t.Error("RetryAfter returns a different time")
		}
		time.Sleep(wait)
		if again := allow(n, "k", 1); again != 0 {
			t.Errorf("after the wait, %v more", again)
		}
	})
}

func TestRefusalsOfPeekAreNotRemembered(t *testing.T) {
	shared := newStorage()
	n := newBatcher(shared)
	allow(n, "pause", 1)
	if n.Allow(t.Context(), ratelimit.Peek("pause"))[0].RetryAfter == 0 {
		t.Fatal("Peek does not see the allowance")
	}
	shared.Memory.Do(t.Context(), ratelimit.Reset("pause")) // by another node
	if wait := n.Allow(t.Context(), ratelimit.Peek("pause"))[0].RetryAfter; wait != 0 {
		t.Errorf("wait %v for an allowance that was reset", wait)
	}
}

func TestANodeCountsForItselfWhileTheStorageIsAway(t *testing.T) {
	for name, break_ := range map[string]func(*storage){
		"refuses": func(s *storage) { s.err = errors.New("away") },
		"hangs":   func(s *storage) { s.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { countAlone(t, break_) })
		})
	}
}

// countAlone checks a node whose storage is broken by break_, and then available again.
func countAlone(t *testing.T, break_ func(*storage)) {
	shared := newStorage()
	var log strings.Builder
	n := ratelimit.NewBatcher(shared, slog.New(slog.NewTextHandler(&log, nil)))
	allow(n, "k", 5)
	break_(shared)
	began, taken := time.Now(), 0
	for range 100 {
		if allow(n, "k", 5) == 0 {
			taken++
		}
	}
	if taken != 5 {
		t.Errorf("the node alone allowed %d of 5", taken)
	}
	if took := time.Since(began); took > ratelimit.Timeout {
		t.Errorf("100 calls waited %v", took)
	}
	if _, err := n.Do(t.Context(), ratelimit.Count("k")); !errors.Is(err, ratelimit.ErrUnavailable) {
		t.Errorf("a read that needs the storage: %v", err)
	}
	if n := shared.calls.Load(); n != 2 {
		t.Errorf("the unavailable storage was called %d times", n-1)
	}
	shared.err, shared.hangs = nil, false
	time.Sleep(2 * time.Second)
	for allow(n, "other", 3) == 0 {
	}
	if calls := shared.calls.Load() - 2; calls != 4 {
		t.Errorf("once available, the storage was called %d times for 4 requests", calls)
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 2 || !strings.Contains(text, "available again") {
		t.Errorf("log: %s", text)
	}
}

func TestClientsThatDisconnectAreCounted(t *testing.T) {
	shared := newStorage()
	n := newBatcher(shared)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 {
		n.Allow(gone, ratelimit.Allow("k", ratelimit.Limit{Burst: 5, Period: time.Hour}))
	}
	if allow(newBatcher(shared), "k", 5) == 0 {
		t.Error("requests of disconnected clients are not counted on other nodes")
	}
}

func TestAllowLocalDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newStorage()
		shared.hangs = true
		n := newBatcher(shared)
		began, limit := time.Now(), ratelimit.Limit{Burst: 5, Period: time.Hour}
		for i := range 5 {
			if wait := n.AllowLocal(t.Context(), ratelimit.Allow("k", limit))[0].RetryAfter; wait != 0 {
				t.Errorf("request %d must wait %v", i+1, wait)
			}
		}
		n.Enqueue(t.Context(), ratelimit.Incr("enqueued", time.Hour))
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		if n.AllowLocal(t.Context(), ratelimit.Allow("k", limit))[0].RetryAfter == 0 {
			t.Error("request 6 of 5 is allowed")
		}
	})
}

// TestAllowLocalSharesTheLimit uses two nodes alternately, and concurrently.
func TestAllowLocalSharesTheLimit(t *testing.T) {
	shared := newStorage()
	nodes := []*ratelimit.Batcher{newBatcher(shared), newBatcher(shared)}
	limit := ratelimit.Limit{Burst: 20, Period: time.Hour}
	turns := 0
	for i := range 100 {
		if nodes[i%2].AllowLocal(t.Context(), ratelimit.Allow("turns", limit))[0].RetryAfter == 0 {
			turns++
		}
		_, _ = nodes[i%2].Do(t.Context()) // wait for the enqueued operations
	}
	// Each node gives its part without telling the other, and learns from one request too many.
	if part := limit.Burst / ratelimit.LocalPart; turns < limit.Burst || turns > limit.Burst+2*part+2 {
		t.Errorf("two nodes, used alternately, allowed %d of 20", turns)
	}
	var taken atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if nodes[i%2].AllowLocal(t.Context(), ratelimit.Allow("once", limit))[0].RetryAfter == 0 {
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	if n := taken.Load(); n < 20 || n > 40+4 { // what both would allow alone, and what the storage does not know of
		t.Errorf("two nodes, used concurrently, allowed %d of 20", n)
	}
}

// TestAllowLocalSharesTheRefill sends both nodes many more requests than are refilled: what one
// node has left must not be allowed in addition to what all have.
func TestAllowLocalSharesTheRefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newStorage()
		nodes := []*ratelimit.Batcher{newBatcher(slow{shared}), newBatcher(slow{shared})}
		limit := ratelimit.Limit{Burst: 100, Period: 10 * time.Second}
		given := 0
		for range 200 { // 2 s
			for i := range 4 {
				if nodes[i%2].AllowLocal(t.Context(), ratelimit.Allow("k", limit))[0].RetryAfter == 0 {
					given++
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		if given < 115 || given > 160+30 { // 30: the parts of two nodes, 12.5 each, and their refill
			t.Errorf("two nodes allowed %d, want 120, their parts, and what each allows before it learns", given)
		}
	})
}

func TestDoSeesWhatWasEnqueuedBefore(t *testing.T) {
	n := ratelimit.NewBatcher(newStorage(), slog.New(slog.DiscardHandler))
	for i := range 1000 {
		n.Enqueue(t.Context(), ratelimit.Incr("k", time.Hour))
		if results, err := n.Do(t.Context(), ratelimit.Count("k")); err != nil || results[0].Count != i+1 {
			t.Fatalf("enqueued %d increments, counted %v, error %v", i+1, results, err)
		}
	}
}

// TestWhatDependsOnAnotherOperationFollowsIt also has no operation follow, and a storage that is away.
func TestWhatDependsOnAnotherOperationFollowsIt(t *testing.T) {
	away := newStorage()
	for name, shared := range map[string]*storage{"alone": nil, "shared": newStorage(), "away": away} {
		var store ratelimit.Store
		if shared != nil {
			store = shared
		}
		away.err = errors.New("away")
		n := ratelimit.NewBatcher(store, slog.New(slog.DiscardHandler))
		follow := func(results []ratelimit.Result) []ratelimit.Op {
			if results[0].Count < 2 {
				return nil
			}
			return []ratelimit.Op{ratelimit.Incr("b", time.Hour)}
		}
		for range 3 {
			n.EnqueueThen(t.Context(), follow, ratelimit.Incr("a", time.Hour))
			_, _ = n.Do(t.Context())
		}
		results, err := n.Do(t.Context(), ratelimit.Count("a"), ratelimit.Count("b"))
		if shared == away {
			if err == nil {
				t.Error("it is not away")
			}
			continue
		}
		if err != nil || results[0].Count != 3 || results[1].Count != 2 {
			t.Errorf("%s: %v, %v", name, results, err)
		}
	}
}

func TestConcurrentCallsShareARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newStorage()
		n := newBatcher(slow{shared})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if results, err := n.Do(t.Context(), ratelimit.Incr("k", time.Hour), ratelimit.Count("other")); err != nil || len(results) != 2 || results[0].Count == 0 || results[1].Count != 0 {
					t.Errorf("results %v, error %v", results, err)
				}
			})
		}
		wg.Wait()
		if calls := shared.calls.Load(); calls > 3 {
			t.Errorf("1000 concurrent calls took %d round trips", calls)
		}
	})
}

// slow is a storage with a round trip of 1 ms.
type slow struct{ *storage }

func (s slow) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Result, error) {
	time.Sleep(time.Millisecond)
	return s.storage.Do(ctx, ops...)
}

// TestTheQueueForASlowStorageIsBounded enqueues more than the storage can process.
func TestTheQueueForASlowStorageIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newStorage()
		n := newBatcher(slow{shared})
		for range 100_000 {
			n.Enqueue(t.Context(), ratelimit.Incr("k", time.Hour))
		}
		_, _ = n.Do(t.Context())
		time.Sleep(time.Second)
		if results, err := n.Do(t.Context(), ratelimit.Count("k")); err != nil || results[0].Count > 30_000 {
			t.Errorf("%v increments were done, error %v", results, err)
		}
	})
}

func TestTheNumberOfExhaustedKeysIsBounded(t *testing.T) {
	n := newBatcher(nil)
	for i := range 50_000 {
		allow(n, strconv.Itoa(i), 1)
		allow(n, strconv.Itoa(i), 1)
	}
	if n.Len() > 20_000 {
		t.Errorf("%d keys are stored", n.Len())
	}
}
