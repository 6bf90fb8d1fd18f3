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

// near is a node's view of far.
func near(far ratelimit.Tally) *ratelimit.Near {
	return ratelimit.NewNear(far, slog.New(slog.DiscardHandler))
}

func hourly(key string, most int) ratelimit.Op {
	return ratelimit.Take(key, ratelimit.Limit{Most: most, Over: time.Hour})
}

// TestMemoryNeverExceedsItsBound looks after each key, not only at the end.
func TestMemoryNeverExceedsItsBound(t *testing.T) {
	m := ratelimit.NewMemory()
	for i := range 300_000 {
		m.Do(t.Context(), ratelimit.Note(strconv.Itoa(i), time.Hour))
		if n := m.Len(); n > 200_000 {
			t.Fatalf("%d keys are held after %d", n, i+1)
		}
	}
}

func TestALookLeavesNothingInMemory(t *testing.T) {
	m := ratelimit.NewMemory()
	m.Do(t.Context(), ratelimit.Peek("a"), ratelimit.Noted("b"), ratelimit.Forget("c"))
	if n := m.Len(); n != 0 {
		t.Errorf("%d keys are held", n)
	}
}

// TestARefusalIsRemembered has a node without a storage, and one whose storage
// is away: what each refused by its own count it refuses again without counting.
func TestARefusalIsRemembered(t *testing.T) {
	away := newStorage()
	away.err = errors.New("away")
	for name, n := range map[string]*ratelimit.Near{"alone": near(nil), "storage away": near(away)} {
		n.Take(t.Context(), hourly("k", 1))
		if n.Known() != 0 {
			t.Errorf("%s: %d keys are known to be exhausted before one was refused", name, n.Known())
		}
		n.Take(t.Context(), hourly("k", 1))
		if n.Known() != 1 || n.Wait(hourly("k", 1)) == 0 {
			t.Errorf("%s: %d keys are known to be exhausted, want 1", name, n.Known())
		}
	}
}

func TestEachRefusalOfACallIsRemembered(t *testing.T) {
	n := near(newStorage())
	n.Take(t.Context(), hourly("full", 1))
	n.Take(t.Context(), hourly("free", 10), hourly("full", 1))
	if n.Wait(hourly("full", 1)) == 0 {
		t.Error("a refusal behind a take that succeeded was not remembered")
	}
	if n.Wait(hourly("free", 10)) != 0 || n.Known() != 1 {
		t.Errorf("%d keys are known to be exhausted, want 1", n.Known())
	}
}

// TestExhaustedKeysAreForgottenWhenTheirTimeIsOver fills what a node may know:
// keys whose time is over make room, one that is still exhausted stays.
func TestExhaustedKeysAreForgottenWhenTheirTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 20_000
		n := near(nil)
		exhaust := func(key string, over time.Duration) {
			op := ratelimit.Take(key, ratelimit.Limit{Most: 1, Over: over})
			n.Take(t.Context(), op)
			n.Take(t.Context(), op)
		}
		exhaust("long", time.Hour)
		for i := range most - 1 {
			exhaust(strconv.Itoa(i), time.Second)
		}
		time.Sleep(2 * time.Second)
		exhaust("another", time.Hour)
		if n.Known() != 2 || n.Wait(hourly("long", 1)) == 0 || n.Wait(hourly("another", 1)) == 0 {
			t.Errorf("%d keys are known, want 2; waits %v and %v", n.Known(), n.Wait(hourly("long", 1)), n.Wait(hourly("another", 1)))
		}
		for i := range most + 1 {
			exhaust("more"+strconv.Itoa(i), time.Hour)
			if n.Known() > most {
				t.Fatalf("%d keys are known", n.Known())
			}
		}
	})
}

func TestNothingAskedCostsTheStorageNothing(t *testing.T) {
	far := newStorage()
	if _, err := near(far).Do(t.Context()); err != nil || far.asked.Load() != 0 {
		t.Errorf("error %v, the storage was asked %d times", err, far.asked.Load())
	}
}

// TestWhatIsToldWithinAMomentIsOneRoundTrip has a node tell something each
// millisecond: 10 of them go together.
func TestWhatIsToldWithinAMomentIsOneRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newStorage()
		n := near(far)
		for range 100 {
			n.Tell(t.Context(), ratelimit.Note("k", time.Hour))
			time.Sleep(time.Millisecond)
		}
		answers, err := n.Do(t.Context(), ratelimit.Noted("k"))
		if err != nil || answers[0].Count != 100 || far.asked.Load() > 15 {
			t.Errorf("error %v, %v notes in %d round trips", err, answers, far.asked.Load())
		}
	})
}

func TestAnOpOfNoKindDoesNothing(t *testing.T) {
	m := ratelimit.NewMemory()
	m.Do(t.Context(), ratelimit.Op{Key: "k", Life: time.Hour, Limit: ratelimit.Limit{Most: 1, Over: time.Hour}})
	if n := m.Len(); n != 0 {
		t.Errorf("%d keys are held", n)
	}
}
