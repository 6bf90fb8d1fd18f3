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

func TestMemoryKeepsTheLaw(t *testing.T) {
	ratelimittest.Run(t, func(*testing.T) ratelimittest.Storage {
		m := ratelimit.NewMemory()
		return ratelimittest.Storage{A: m, B: m, Life: m.Life}
	})
}

func TestNearKeepsTheLaw(t *testing.T) {
	ratelimittest.Run(t, func(*testing.T) ratelimittest.Storage {
		m := ratelimit.NewMemory()
		return ratelimittest.Storage{A: ordinary{ratelimit.NewNear(m, slog.New(slog.DiscardHandler))}, B: m, Life: m.Life}
	})
}

// ordinary is a Near whose Do heeds a context that is over, as the law has it;
// by itself it counts also who has hung up.
type ordinary struct{ *ratelimit.Near }

func (o ordinary) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return o.Near.Do(ctx, ops...)
}

func TestMemoryIsBounded(t *testing.T) {
	m := ratelimit.NewMemory()
	guesser := ratelimit.Take("guesser", ratelimit.Limit{Most: 1, Over: time.Hour})
	m.Do(t.Context(), guesser)
	for i := range 500_000 {
		m.Do(t.Context(), ratelimit.Note(strconv.Itoa(i), time.Hour))
		if i%50_000 == 0 { // who goes on is not forgotten for the crowd of others
			if answers, _ := m.Do(t.Context(), guesser); answers[0].Wait == 0 {
				t.Errorf("forgotten after %d others", i)
			}
		}
	}
	if n := m.Len(); n > 200_000 {
		t.Errorf("%d keys are held", n)
	}
}

func TestWhatIsOverMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := ratelimit.NewMemory()
		m.Do(t.Context(), ratelimit.Note("kept", time.Hour))
		for i := range 1_000_000 {
			m.Do(t.Context(), ratelimit.Note(strconv.Itoa(i), time.Second))
			if i%10_000 == 0 {
				time.Sleep(time.Second) // synctest's: nobody waits
			}
		}
		if answers, _ := m.Do(t.Context(), ratelimit.Noted("kept")); answers[0].Count != 1 {
			t.Error("forgotten for what was over")
		}
	})
}

// storage is a tally that can be away, and counts what it is asked.
type storage struct {
	*ratelimit.Memory
	asked atomic.Int64
	err   error // returned, if not nil
	hangs bool  // until the context ends
}

func (s *storage) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Answer, error) {
	s.asked.Add(1)
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

func take(n *ratelimit.Near, key string, most int) time.Duration {
	return n.Take(context.Background(), ratelimit.Take(key, ratelimit.Limit{Most: most, Over: time.Hour}))[0].Wait
}

func TestAnExhaustedKeyCostsTheStorageNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newStorage()
		n := ratelimit.NewNear(far, slog.New(slog.DiscardHandler))
		take(n, "k", 1)
		wait := take(n, "k", 1)
		for range 1000 {
			if again := take(n, "k", 1); again != wait {
				t.Fatalf("waits %v, and %v a moment later", wait, again)
			}
		}
		if far.asked.Load() != 2 {
			t.Errorf("the storage was asked %d times", far.asked.Load())
		}
		if n.Wait(ratelimit.Take("k", ratelimit.Limit{})) != wait || n.Wait(ratelimit.Take("other", ratelimit.Limit{})) != 0 {
			t.Error("Wait knows another time")
		}
		time.Sleep(wait)
		if again := take(n, "k", 1); again != 0 {
			t.Errorf("after the time that it was told, %v more", again)
		}
	})
}

func TestAPauseThatIsTakenBackIsNotRemembered(t *testing.T) {
	far := newStorage()
	n := ratelimit.NewNear(far, slog.New(slog.DiscardHandler))
	take(n, "pause", 1)
	if n.Take(t.Context(), ratelimit.Peek("pause"))[0].Wait == 0 {
		t.Fatal("no pause")
	}
	far.Memory.Do(t.Context(), ratelimit.Forget("pause")) // by another node
	if wait := n.Take(t.Context(), ratelimit.Peek("pause"))[0].Wait; wait != 0 {
		t.Errorf("%v of a pause that was taken back", wait)
	}
}

func TestWithTheStorageAwayANodeCountsForItself(t *testing.T) {
	for name, break_ := range map[string]func(*storage){
		"refuses": func(s *storage) { s.err = errors.New("away") },
		"hangs":   func(s *storage) { s.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				far := newStorage()
				var log strings.Builder
				n := ratelimit.NewNear(far, slog.New(slog.NewTextHandler(&log, nil)))
				take(n, "k", 5)
				break_(far)
				began, taken := time.Now(), 0
				for range 100 {
					if take(n, "k", 5) == 0 {
						taken++
					}
				}
				if taken != 5 {
					t.Errorf("a node by itself gave %d of 5", taken)
				}
				if took := time.Since(began); took > ratelimit.Patience {
					t.Errorf("100 calls waited %v", took)
				}
				if _, err := n.Do(t.Context(), ratelimit.Noted("k")); !errors.Is(err, ratelimit.ErrAway) {
					t.Errorf("what only the storage knows: %v", err)
				}
				if n := far.asked.Load(); n != 2 {
					t.Errorf("the storage that is away was asked %d times", n-1)
				}
				far.err, far.hangs = nil, false
				time.Sleep(2 * time.Second)
				for take(n, "other", 3) == 0 {
				}
				if asked := far.asked.Load() - 2; asked != 4 {
					t.Errorf("back, it was asked %d times for 4 takes", asked)
				}
				if text := log.String(); strings.Count(text, "level=WARN") != 1 || strings.Count(text, "level=INFO") != 1 {
					t.Errorf("log: %s", text)
				}
			})
		})
	}
}

func TestWhoHangsUpIsCounted(t *testing.T) {
	far := newStorage()
	n := ratelimit.NewNear(far, slog.New(slog.DiscardHandler))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 {
		n.Take(gone, ratelimit.Take("k", ratelimit.Limit{Most: 5, Over: time.Hour}))
	}
	if take(ratelimit.NewNear(far, slog.New(slog.DiscardHandler)), "k", 5) == 0 {
		t.Error("calls that were broken off are not counted on all nodes")
	}
}

func TestCountWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newStorage()
		far.hangs = true
		n := ratelimit.NewNear(far, slog.New(slog.DiscardHandler))
		began, limit := time.Now(), ratelimit.Limit{Most: 5, Over: time.Hour}
		for i := range 5 {
			if wait := n.Count(t.Context(), ratelimit.Take("k", limit))[0].Wait; wait != 0 {
				t.Errorf("the %d. must wait %v", i+1, wait)
			}
		}
		n.Tell(t.Context(), ratelimit.Note("told", time.Hour))
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		if n.Count(t.Context(), ratelimit.Take("k", limit))[0].Wait == 0 {
			t.Error("a 6. of 5")
		}
	})
}

// TestNodesThatCountGiveWhatOneWould has two nodes count by turns, and at once.
func TestNodesThatCountGiveWhatOneWould(t *testing.T) {
	far := newStorage()
	nodes := []*ratelimit.Near{ratelimit.NewNear(far, slog.New(slog.DiscardHandler)), ratelimit.NewNear(far, slog.New(slog.DiscardHandler))}
	limit := ratelimit.Limit{Most: 20, Over: time.Hour}
	turns := 0
	for i := range 100 {
		if nodes[i%2].Count(t.Context(), ratelimit.Take("turns", limit))[0].Wait == 0 {
			turns++
		}
		_, _ = nodes[i%2].Do(t.Context()) // until it is there
	}
	if turns != 21 && turns != 22 { // each node learns it by one that was too many
		t.Errorf("two nodes by turns gave %d of 20", turns)
	}
	var taken atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if nodes[i%2].Count(t.Context(), ratelimit.Take("once", limit))[0].Wait == 0 {
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	if n := taken.Load(); n < 20 || n > 40 { // what each would give by itself
		t.Errorf("two nodes at once gave %d of 20", n)
	}
}

// TestNodesThatCountGiveWhatOneWouldInTime has both be asked for much more than
// comes back: what one node has left must not be given beside what all have.
func TestNodesThatCountGiveWhatOneWouldInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newStorage()
		nodes := []*ratelimit.Near{ratelimit.NewNear(slow{far}, slog.New(slog.DiscardHandler)), ratelimit.NewNear(slow{far}, slog.New(slog.DiscardHandler))}
		limit := ratelimit.Limit{Most: 100, Over: 10 * time.Second}
		given := 0
		for range 200 { // 2 s
			for i := range 4 {
				if nodes[i%2].Count(t.Context(), ratelimit.Take("k", limit))[0].Wait == 0 {
					given++
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		if given < 115 || given > 160 {
			t.Errorf("two nodes gave %d where one gives 120, and each until it knows", given)
		}
	})
}

func TestWhatWasToldIsThereForWhoAsks(t *testing.T) {
	n := ratelimit.NewNear(newStorage(), slog.New(slog.DiscardHandler))
	for i := range 1000 {
		n.Tell(t.Context(), ratelimit.Note("k", time.Hour))
		if answers, err := n.Do(t.Context(), ratelimit.Noted("k")); err != nil || answers[0].Count != i+1 {
			t.Fatalf("told %d times, there are %v, error %v", i+1, answers, err)
		}
	}
}

func TestWhatComesAtOnceIsAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newStorage()
		n := ratelimit.NewNear(slow{far}, slog.New(slog.DiscardHandler))
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if answers, err := n.Do(t.Context(), ratelimit.Note("k", time.Hour), ratelimit.Noted("other")); err != nil || len(answers) != 2 || answers[0].Count == 0 || answers[1].Count != 0 {
					t.Errorf("answers %v, error %v", answers, err)
				}
			})
		}
		wg.Wait()
		if asked := far.asked.Load(); asked > 3 {
			t.Errorf("1000 questions at once took %d round trips", asked)
		}
	})
}

// slow is a storage that is far.
type slow struct{ *storage }

func (s slow) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Answer, error) {
	time.Sleep(time.Millisecond)
	return s.storage.Do(ctx, ops...)
}

// TestWhatWaitsForASlowStorageIsBounded has a node tell more than the storage
// can take.
func TestWhatWaitsForASlowStorageIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newStorage()
		n := ratelimit.NewNear(slow{far}, slog.New(slog.DiscardHandler))
		for range 100_000 {
			n.Tell(t.Context(), ratelimit.Note("k", time.Hour))
		}
		_, _ = n.Do(t.Context())
		time.Sleep(time.Second)
		if answers, err := n.Do(t.Context(), ratelimit.Noted("k")); err != nil || answers[0].Count > 30_000 {
			t.Errorf("%v notes are there, error %v", answers, err)
		}
	})
}

func TestWhatIsKnownOfExhaustedKeysIsBounded(t *testing.T) {
	n := ratelimit.NewNear(nil, slog.New(slog.DiscardHandler))
	for i := range 50_000 {
		take(n, strconv.Itoa(i), 1)
		take(n, strconv.Itoa(i), 1)
	}
	if n.Known() > 20_000 {
		t.Errorf("%d are known", n.Known())
	}
}

func BenchmarkMemory(b *testing.B) {
	m := ratelimit.NewMemory()
	limit := ratelimit.Limit{Most: 1000, Over: 10 * time.Second}
	for i := 0; b.Loop(); i++ {
		m.Do(b.Context(), ratelimit.Take(strconv.Itoa(i%10_000), limit))
	}
}

// BenchmarkMemoryFlood has each take be of a new key, beyond what is held, and
// reports the longest that one waited.
func BenchmarkMemoryFlood(b *testing.B) {
	m := ratelimit.NewMemory()
	limit := ratelimit.Limit{Most: 1, Over: time.Minute}
	var longest time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		m.Do(b.Context(), ratelimit.Take(strconv.Itoa(i), limit))
		longest = max(longest, time.Since(began))
	}
	b.ReportMetric(float64(longest.Microseconds()), "µs/longest")
}
