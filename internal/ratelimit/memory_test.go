package ratelimit_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/ratelimit/ratelimittest"
)

func TestMemoryConformance(t *testing.T) {
	ratelimittest.Run(t, func(*testing.T) ratelimittest.Storage {
		m := ratelimit.NewMemory()
		return ratelimittest.Storage{A: m, B: m, TTL: m.TTL}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	m := ratelimit.NewMemory()
	guesser := ratelimit.Allow("guesser", ratelimit.Limit{Burst: 1, Period: time.Hour})
	m.Do(t.Context(), guesser)
	for i := range 500_000 {
		m.Do(t.Context(), ratelimit.Incr(strconv.Itoa(i), time.Hour))
		if i%50_000 == 0 { // a key in use is not evicted
			if results, _ := m.Do(t.Context(), guesser); results[0].RetryAfter == 0 {
				t.Errorf("evicted after %d other keys", i)
			}
		}
	}
	if n := m.Len(); n > 200_000 {
		t.Errorf("%d keys are stored", n)
	}
}

func TestExpiredKeysAreEvictedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := ratelimit.NewMemory()
		m.Do(t.Context(), ratelimit.Incr("kept", time.Hour))
		for i := range 1_000_000 {
			m.Do(t.Context(), ratelimit.Incr(strconv.Itoa(i), time.Second))
			if i%10_000 == 0 {
				time.Sleep(time.Second) // in synctest's time
			}
		}
		if results, _ := m.Do(t.Context(), ratelimit.Count("kept")); results[0].Count != 1 {
			t.Error("a live key was evicted although others had expired")
		}
	})
}

// TestMemoryNeverExceedsItsBound checks the bound after each key, not only at the end.
func TestMemoryNeverExceedsItsBound(t *testing.T) {
	m := ratelimit.NewMemory()
	for i := range 300_000 {
		m.Do(t.Context(), ratelimit.Incr(strconv.Itoa(i), time.Hour))
		if n := m.Len(); n > 200_000 {
			t.Fatalf("%d keys are stored after %d", n, i+1)
		}
	}
}

func TestReadsStoreNothingInMemory(t *testing.T) {
	m := ratelimit.NewMemory()
	m.Do(t.Context(), ratelimit.Peek("a"), ratelimit.Count("b"), ratelimit.Reset("c"))
	if n := m.Len(); n != 0 {
		t.Errorf("%d keys are stored", n)
	}
}

func TestAnOpWithoutAKindDoesNothing(t *testing.T) {
	m := ratelimit.NewMemory()
	m.Do(t.Context(), ratelimit.Op{Key: "k", TTL: time.Hour, Limit: ratelimit.Limit{Burst: 1, Period: time.Hour}})
	if n := m.Len(); n != 0 {
		t.Errorf("%d keys are stored", n)
	}
}

func BenchmarkMemory(b *testing.B) {
	m := ratelimit.NewMemory()
	limit := ratelimit.Limit{Burst: 1000, Period: 10 * time.Second}
	for i := 0; b.Loop(); i++ {
		m.Do(b.Context(), ratelimit.Allow(strconv.Itoa(i%10_000), limit))
	}
}

// BenchmarkMemoryFlood uses a new key for each request, beyond the bound, and reports the
// slowest request.
func BenchmarkMemoryFlood(b *testing.B) {
	m := ratelimit.NewMemory()
	limit := ratelimit.Limit{Burst: 1, Period: time.Minute}
	var longest time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		m.Do(b.Context(), ratelimit.Allow(strconv.Itoa(i), limit))
		longest = max(longest, time.Since(began))
	}
	b.ReportMetric(float64(longest.Microseconds()), "µs/longest")
}
