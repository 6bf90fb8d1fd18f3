package fairqueue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// queueTurns has callers of the given keys wait one after the other for the
// only slot, and returns a function that gives the order in which they had it.
func queueTurns(t *testing.T, q *Slots, keys string) func() string {
	if err := q.Acquire(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var order strings.Builder
	var wg sync.WaitGroup
	for _, key := range strings.Split(keys, "") {
		wg.Go(func() {
			if q.Acquire(t.Context(), key) != nil {
				return
			}
			mu.Lock()
			order.WriteString(key)
			mu.Unlock()
			q.Release()
		})
		synctest.Wait()
	}
	return func() string {
		q.Release()
		wg.Wait()
		return order.String()
	}
}

func TestKeysTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewSlots(1, 100, time.Minute)
		if got := queueTurns(t, q, "aaaaaabbcaad")(); got != "abcdabaaaaaa" {
			t.Errorf("turns %q", got)
		}
		if q.free != 1 || q.waiting.len() != 0 || len(q.waiting.byKey) != 0 || q.waiting.turns.Len() != 0 {
			t.Errorf("left over: %+v", q)
		}
	})
}

func TestALoneKeyUsesAllSlots(t *testing.T) {
	q := NewSlots(3, 100, time.Minute)
	for range 3 {
		if err := q.Acquire(t.Context(), "office"); err != nil {
			t.Fatal(err)
		}
	}
	if q.free != 0 {
		t.Errorf("%d slots are free", q.free)
	}
}

func TestAFullQueueRejectsOnlyTheKeyThatFillsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewSlots(1, 5, time.Minute)
		turns := queueTurns(t, q, "aaaaab")
		if err := q.Acquire(t.Context(), "a"); !errors.Is(err, ErrFull) {
			t.Errorf("one more of the flood: %v", err)
		}
		if got := turns(); got != "abaaa" {
			t.Errorf("turns %q", got)
		}
	})
}

func TestNoCallWaitsLongerThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewSlots(1, 100, time.Second)
		_ = q.Acquire(t.Context(), "a")
		began := time.Now()
		if err := q.Acquire(t.Context(), "b"); !errors.Is(err, ErrTimeout) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := q.Acquire(ctx, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that left: %v", err)
		}
		q.Release()
		if q.free != 1 || q.waiting.len() != 0 || q.waiting.turns.Len() != 0 {
			t.Errorf("left over: %+v", q)
		}
	})
}

func TestAllThatWaitAreRejectedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, cause := NewSlots(1, 100, time.Minute), errors.New("the store is away")
		_ = q.Acquire(t.Context(), "a")
		var rejected atomic.Int64
		for _, key := range strings.Split("aabbc", "") {
			go func() {
				if err := q.Acquire(t.Context(), key); errors.Is(err, cause) {
					rejected.Add(1)
				}
			}()
		}
		synctest.Wait()
		q.RejectWaiting(cause)
		synctest.Wait()
		if n := rejected.Load(); n != 5 {
			t.Errorf("%d of 5 were rejected", n)
		}
		q.Release()
		if err := q.Acquire(t.Context(), "b"); err != nil {
			t.Errorf("the next caller: %v", err)
		}
	})
}

// TestNoSlotIsLost has many callers come, leave and be rejected at once.
func TestNoSlotIsLost(t *testing.T) {
	const slots = 4
	q := NewSlots(slots, 50, 5*time.Millisecond)
	var inside, most atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*j%7)*100*time.Microsecond)
				if q.Acquire(ctx, string(rune('a'+i%9))) == nil {
					n := inside.Add(1)
					for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					}
					inside.Add(-1)
					q.Release()
				}
				cancel()
				if i == 0 && j%50 == 0 {
					q.RejectWaiting(ErrFull)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() > slots || q.free != slots || q.waiting.len() != 0 || len(q.waiting.byKey) != 0 || q.waiting.turns.Len() != 0 {
		t.Errorf("%d at once; left over: %d free, %d waiting, %d keys", most.Load(), q.free, q.waiting.len(), q.waiting.turns.Len())
	}
}
