package ratelimit_test

import (
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// newBatcher creates a Batcher that logs nothing.
func newBatcher(shared ratelimit.Store) *ratelimit.Batcher {
	return ratelimit.NewBatcher(shared, slog.New(slog.DiscardHandler))
}

func hourly(key string, burst int) ratelimit.Op {
	return ratelimit.Allow(key, ratelimit.Limit{Burst: burst, Period: time.Hour})
}

// TestLocalRefusalsAreRemembered has a node without a storage, and one whose storage is away.
func TestLocalRefusalsAreRemembered(t *testing.T) {
	away := newStorage()
	away.err = errors.New("away")
	for name, n := range map[string]*ratelimit.Batcher{"alone": newBatcher(nil), "storage away": newBatcher(away)} {
		n.Allow(t.Context(), hourly("k", 1))
		if n.Len() != 0 {
			t.Errorf("%s: %d keys are known to be exhausted before one was refused", name, n.Len())
		}
		n.Allow(t.Context(), hourly("k", 1))
		if n.Exhausted() != 1 || n.RetryAfter(hourly("k", 1)) == 0 {
			t.Errorf("%s: %d keys are known to be exhausted, want 1", name, n.Exhausted())
		}
	}
}

func TestEachRefusalInACallIsRemembered(t *testing.T) {
	n := newBatcher(newStorage())
	n.Allow(t.Context(), hourly("full", 1))
	n.Allow(t.Context(), hourly("free", 10), hourly("full", 1))
	if n.RetryAfter(hourly("full", 1)) == 0 {
		t.Error("a refusal after an allowed request was not remembered")
	}
	if n.RetryAfter(hourly("free", 10)) != 0 || n.Exhausted() != 1 {
		t.Errorf("%d keys are known to be exhausted, want 1", n.Exhausted())
	}
}

// TestKeysThatAreNoLongerExhaustedAreEvictedFirst fills the memory for exhausted keys.
func TestKeysThatAreNoLongerExhaustedAreEvictedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 20_000
		n := newBatcher(nil)
		exhaust := func(key string, over time.Duration) {
			op := ratelimit.Allow(key, ratelimit.Limit{Burst: 1, Period: over})
			n.Allow(t.Context(), op)
			n.Allow(t.Context(), op)
		}
		exhaust("long", time.Hour)
		for i := range most - 1 {
			exhaust(strconv.Itoa(i), time.Second)
		}
		time.Sleep(2 * time.Second)
		exhaust("another", time.Hour)
		if n.Exhausted() != 2 || n.RetryAfter(hourly("long", 1)) == 0 || n.RetryAfter(hourly("another", 1)) == 0 {
			t.Errorf("%d keys are known, want 2; waits %v and %v", n.Exhausted(), n.RetryAfter(hourly("long", 1)), n.RetryAfter(hourly("another", 1)))
		}
		for i := range most + 1 {
			exhaust("more"+strconv.Itoa(i), time.Hour)
			if n.Len() > most {
				t.Fatalf("%d keys are stored", n.Len())
			}
		}
	})
}

func TestACallWithoutOperationsDoesNotCallTheStorage(t *testing.T) {
	shared := newStorage()
	if _, err := newBatcher(shared).Do(t.Context()); err != nil || shared.calls.Load() != 0 {
		t.Errorf("error %v, the storage was called %d times", err, shared.calls.Load())
	}
}

// TestEnqueuedOperationsShareARoundTrip enqueues one operation per millisecond: ten of them
// go together.
func TestEnqueuedOperationsShareARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newStorage()
		n := newBatcher(shared)
		for range 100 {
			n.Enqueue(t.Context(), ratelimit.Incr("k", time.Hour))
			time.Sleep(time.Millisecond)
		}
		results, err := n.Do(t.Context(), ratelimit.Count("k"))
		if err != nil || results[0].Count != 100 || shared.calls.Load() > 15 {
			t.Errorf("error %v, %v increments in %d round trips", err, results, shared.calls.Load())
		}
	})
}

// TestARefusalByTheStorageUsesUpTheLocalAllowance has another node use up an allowance. When the
// storage is away later, the node gives what has come back since, and not all of its own.
func TestARefusalByTheStorageUsesUpTheLocalAllowance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newStorage()
		n := newBatcher(shared)
		request := hourly("k", 4)
		var wait time.Duration
		for wait == 0 {
			results, _ := shared.Memory.Do(t.Context(), request) // by another node
			wait = results[0].RetryAfter
		}
		n.AllowLocal(t.Context(), hourly("free", 4), request)
		if _, err := n.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait)
		shared.err = errors.New("away")
		if again := n.AllowLocal(t.Context(), request)[0].RetryAfter; again != 0 {
			t.Errorf("after the wait, %v more", again)
		}
		if again := n.AllowLocal(t.Context(), request)[0].RetryAfter; again != wait {
			t.Errorf("the second request waits %v, want %v", again, wait)
		}
	})
}

// TestPeekUsesNoLocalAllowance has another node reset an allowance that a Peek found used.
func TestPeekUsesNoLocalAllowance(t *testing.T) {
	shared := newStorage()
	n := newBatcher(shared)
	shared.Memory.Do(t.Context(), hourly("pause", 1))
	n.AllowLocal(t.Context(), ratelimit.Peek("pause"))
	if _, err := n.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	shared.err = errors.New("away")
	if wait := n.AllowLocal(t.Context(), ratelimit.Peek("pause"))[0].RetryAfter; wait != 0 {
		t.Errorf("wait %v for what this node does not know", wait)
	}
}
