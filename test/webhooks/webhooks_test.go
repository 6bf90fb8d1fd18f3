// Package webhooks shows that every transition arrives: real nodes on a real
// Redis that are killed while people log in, and a receiver that fails, stalls
// and restarts, with the library of the standard's authors to check signatures.
package webhooks

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
)

const (
	poolID     = "shop"
	poolSecret = "the secret of the pool, in the tests"
	hookSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

	// patience is for one process; the whole test may take as long as endTime,
	// of which it needs a minute or less: a dead node's messages come back after
	// 15 s, and what failed is tried after 5, 10 and 20 s.
	patience = 20 * time.Second
	endTime  = 3 * time.Minute
)

func TestEveryTransitionArrivesWhateverDies(t *testing.T) {
	t.Parallel()
	show(t, redistest.Start(t).URL(), 3, 120)
}

func TestInMemoryEveryTransitionArrivesWhileTheNodeLives(t *testing.T) {
	t.Parallel()
	show(t, "", 1, 40)
}

func show(t *testing.T, redisURL string, nodes, stories int) {
	ctx, cancel := context.WithTimeout(t.Context(), endTime)
	t.Cleanup(cancel)
	r := newReceiver(t)
	r.unwell.Store(true)
	config := configure(t, redisURL, "http://"+r.address)
	w := &world{ctx: ctx, client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	for range nodes {
		w.nodes = append(w.nodes, newNode(t, binary, config))
	}
	truths := play(t, w, r, stories)
	r.unwell.Store(false)
	began := time.Now()
	awaitAll(t, ctx, r, truths)
	judge(t, r, truths, w.lost.Load())
	t.Logf("%d codes, %d messages, %d repeated, %d calls, %d failed, %d stalled; complete %v after the last story",
		len(truths), len(r.bodies), r.repeated.Load(), r.calls.Load(), r.failures.Load(), r.stalls.Load(), time.Since(began).Round(time.Second))
}

// play lives some stories at a time, with trouble beside them, and returns
// what happened by code.
func play(t *testing.T, w *world, r *receiver, stories int) map[string]string {
	truths := make(map[string]string)
	var mu sync.Mutex
	var people sync.WaitGroup
	next := make(chan int, stories)
	for n := range stories {
		next <- n
	}
	close(next)
	for range 24 {
		people.Go(func() {
			for n := range next {
				random, truth, err := w.live(n)
				if err != nil {
					t.Errorf("story %d, code %s: %v", n, random, err)
					return
				}
				mu.Lock()
				truths[random] = truth
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { people.Wait(); close(done) }()
	trouble(w, r, done)
	return truths
}

// trouble kills a node, if there are others, and restarts the receiver, again
// and again until done.
func trouble(w *world, r *receiver, done <-chan struct{}) {
	for {
		var dead *node
		if len(w.nodes) > 1 {
			dead = w.nodes[rand.N(len(w.nodes))]
			dead.kill()
		}
		r.stop()
		over := pass(done, 700*time.Millisecond)
		if dead != nil {
			dead.start()
		}
		r.start()
		if over || pass(done, time.Second) {
			return
		}
	}
}

// pass lets time pass, and reports whether it was over before.
func pass(done <-chan struct{}, d time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

// awaitAll waits until the receiver has all that happened.
func awaitAll(t *testing.T, ctx context.Context, r *receiver, truths map[string]string) {
	t.Helper()
	for random, truth := range truths {
		for r.told(random) != truth {
			select {
			case <-ctx.Done():
				t.Fatalf("of %s was told %q, and %q happened", random, r.told(random), truth)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// judge looks for what was told and did not happen. Of a code whose maker died
// before it could answer, nobody knows but the receiver.
func judge(t *testing.T, r *receiver, truths map[string]string, lost int64) {
	t.Helper()
	unknown := int64(0)
	for _, random := range r.all() {
		truth, known := truths[random]
		told := r.told(random)
		switch {
		case known && told != truth:
			t.Errorf("of %s was told %q, and %q happened", random, told, truth)
		case !known && told != "made" && told != "expired" && told != "expired made":
			t.Errorf("of a code that nobody knew was told %q", told)
		case !known:
			unknown++
		}
	}
	if unknown > lost {
		t.Errorf("%d codes that nobody knows, but only %d answers were lost", unknown, lost)
	}
}
