// Package webhooks tests that the webhook of every transition arrives: nodes are
// killed during logins, and the receiver fails, stalls and restarts. The library of
// the Standard Webhooks project checks the signatures.
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

	// timeout limits the start of a process. The whole test takes a minute or
	// less: messages claimed by a dead node are released after 15 s, and failed
	// ones are repeated after 5, 10 and 20 s.
	timeout   = 20 * time.Second
	testLimit = 3 * time.Minute
)

func TestEveryTransitionArrivesWhenNodesAndReceiverFail(t *testing.T) {
	t.Parallel()
	testDelivery(t, redistest.Start(t).URL(), 3, 120)
}

func TestEveryTransitionArrivesWithoutRedisWhenTheReceiverFails(t *testing.T) {
	t.Parallel()
	testDelivery(t, "", 1, 40)
}

func testDelivery(t *testing.T, redisURL string, nodes, logins int) {
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	t.Cleanup(cancel)
	r := newReceiver(t)
	r.unreliable.Store(true)
	config := configure(t, redisURL, "http://"+r.address)
	c := &clients{ctx: ctx, client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	for range nodes {
		c.nodes = append(c.nodes, newNode(t, config))
	}
	expected := runLogins(t, c, r, logins)
	r.unreliable.Store(false)
	began := time.Now()
	awaitAll(t, ctx, r, expected)
	check(t, r, expected, c.lost.Load())
	t.Logf("%d codes, %d messages, %d repeated, %d calls, %d failed, %d stalled; complete %v after the last login",
		len(expected), len(r.bodies), r.repeated.Load(), r.calls.Load(), r.failures.Load(), r.stalls.Load(), time.Since(began).Round(time.Second))
}

// runLogins runs 24 logins at a time while nodes and the receiver fail. It returns
// the event types of each code.
func runLogins(t *testing.T, c *clients, r *receiver, logins int) map[string]string {
	expected := make(map[string]string)
	var mu sync.Mutex
	var running sync.WaitGroup
	next := make(chan int, logins)
	for n := range logins {
		next <- n
	}
	close(next)
	for range 24 {
		running.Go(func() {
			for n := range next {
				random, events, err := c.login(n)
				if err != nil {
					t.Errorf("login %d, code %s: %v", n, random, err)
					return
				}
				mu.Lock()
				expected[random] = events
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	injectFaults(c, r, done)
	return expected
}

// injectFaults kills a node, if there are several, and restarts the receiver, and
// repeats that until done is closed.
func injectFaults(c *clients, r *receiver, done <-chan struct{}) {
	for {
		var dead *node
		if len(c.nodes) > 1 {
			dead = c.nodes[rand.N(len(c.nodes))]
			dead.Kill()
		}
		r.stop()
		over := isDone(done, 700*time.Millisecond)
		if dead != nil {
			dead.start()
		}
		r.start()
		if over || isDone(done, time.Second) {
			return
		}
	}
}

// isDone waits for d, and reports at once if done is closed before.
func isDone(done <-chan struct{}, d time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

// awaitAll waits until the receiver has every expected event.
func awaitAll(t *testing.T, ctx context.Context, r *receiver, expected map[string]string) {
	t.Helper()
	for random, want := range expected {
		for r.events(random) != want {
			select {
			case <-ctx.Done():
				t.Fatalf("code %s: received %q, want %q", random, r.events(random), want)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// check compares the received events with the expected ones. If a node dies after
// it created a code and before it answered, only the receiver knows that code.
func check(t *testing.T, r *receiver, expected map[string]string, lost int64) {
	t.Helper()
	unknown := int64(0)
	for _, random := range r.allCodes() {
		want, known := expected[random]
		events := r.events(random)
		switch {
		case known && events != want:
			t.Errorf("code %s: received %q, want %q", random, events, want)
		case !known && events != "made" && events != "expired" && events != "expired made":
			t.Errorf("unknown code %s: received %q", random, events)
		case !known:
			unknown++
		}
	}
	if unknown > lost {
		t.Errorf("%d unknown codes, but only %d answers were lost", unknown, lost)
	}
}
