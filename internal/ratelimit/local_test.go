package ratelimit_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// TestOrdinaryUseCostsTheStorageNothing uses a node's part of an allowance, at once and over time.
func TestOrdinaryUseCostsTheStorageNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newStorage()
		n := newBatcher(shared)
		request := ratelimit.Allow("user", ratelimit.Limit{Burst: 8 * ratelimit.LocalPart, Period: 80 * time.Second})
		use := func(times int) {
			for range times {
				if wait := n.AllowLocal(t.Context(), request)[0].RetryAfter; wait != 0 {
					t.Fatalf("refused for %v", wait)
				}
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		use(8)
		time.Sleep(9 * time.Second)
		for range 20 {
			use(1)
			time.Sleep(9 * time.Second)
		}
		if calls := shared.calls.Load(); calls != 0 {
			t.Errorf("%d calls of the storage", calls)
		}
		use(9)
		if calls := shared.calls.Load(); calls != 1 {
			t.Errorf("beyond the node's part: %d calls of the storage, want 1", calls)
		}
	})
}

// TestExactAndSmallAllowancesAreAlwaysCounted: guesses, and allowances that cannot be divided.
func TestExactAndSmallAllowancesAreAlwaysCounted(t *testing.T) {
	for name, op := range map[string]ratelimit.Op{
		"exact": ratelimit.Allow("k", ratelimit.Limit{Burst: 1000, Period: time.Hour}).Exactly(),
		"small": ratelimit.Allow("k", ratelimit.Limit{Burst: ratelimit.LocalPart - 1, Period: time.Hour}),
		"count": ratelimit.Incr("k", time.Hour),
	} {
		shared := newStorage()
		n := newBatcher(shared)
		n.AllowLocal(t.Context(), op)
		if _, err := n.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if calls := shared.calls.Load(); calls != 1 {
			t.Errorf("%s: %d calls of the storage, want 1", name, calls)
		}
	}
}

// TestNodesTogetherGiveABoundedMultiple sends every node far more than an allowance, for as long
// as it takes to be refilled twice.
func TestNodesTogetherGiveABoundedMultiple(t *testing.T) {
	for _, count := range []int{1, 2, 8, 24} {
		t.Run(fmt.Sprintf("nodes=%d", count), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := newStorage()
				nodes := make([]*ratelimit.Batcher, count)
				for i := range nodes {
					nodes[i] = newBatcher(shared)
				}
				request := ratelimit.Allow("k", ratelimit.Limit{Burst: 80, Period: 8 * time.Second})
				given := 0
				for range 1600 { // 16 s
					for _, n := range nodes {
						if n.AllowLocal(t.Context(), request)[0].RetryAfter == 0 {
							given++
						}
					}
					time.Sleep(10 * time.Millisecond)
				}
				synctest.Wait()
				one := 80 + 160 // at once, and the refill
				// Before the storage has answered, a node gives up to three requests.
				most := one + one*count/ratelimit.LocalPart + 3*count
				if given < one-1 || given > most {
					t.Errorf("%d, want %d to %d", given, one, most)
				}
			})
		})
	}
}
