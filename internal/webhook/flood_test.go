package webhook_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

// room is the size of each lane of a bounded queue, so that a flood of hundreds of codes has
// the effect of hundreds of thousands on a real queue.
const room = 100

// bounded is a queue with small lanes.
type bounded struct{ queue.Queue }

func (q bounded) Add(ctx context.Context, lane queue.Lane, text string) error {
	if lane.DropOldest || !strings.HasSuffix(lane.Name, ":codes") { // a code cannot be created if its id does not fit
		lane.MaxLen = min(lane.MaxLen, room)
	}
	return q.Queue.Add(ctx, lane, text)
}

// While the receiver does not respond, a flood of unscanned codes must neither displace the
// messages of logins nor fill the log.
func TestUnscannedCodesDoNotCompeteWithLogins(t *testing.T) {
	t.Run("Memory", func(t *testing.T) {
		st := memstore.New()
		flood(t, storage{st, st.Bus(), queue.NewMemory()})
	})
	t.Run("Redis", func(t *testing.T) {
		client := redistest.Open(t, redisclient.Options{URL: redistest.Start(t).URL(), Prefix: "test"})
		st := redisstore.New(client, redisstore.Options{})
		flood(t, storage{st, st.Bus(), queue.NewRedis(client)})
	})
}

func flood(t *testing.T, s storage) {
	began, stall := time.Now(), make(chan struct{})
	release := sync.OnceFunc(func() { close(stall) })
	r := newReceiver(t, func(http.ResponseWriter, *http.Request) bool { <-stall; return false })
	t.Cleanup(release)
	s.queue = bounded{s.queue}
	n := openOn(t, s, poolOf(t, "p", r.URL, nil))
	unscanned := func(codes int) {
		t.Helper()
		var makers errgroup.Group
		makers.SetLimit(8)
		for range codes {
			makers.Go(func() error { _, err := n.tryCreate("p", time.Minute, session.Withdraw); return err })
		}
		if err := makers.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	const logins, codes = 20, 10 * room
	unscanned(codes / 2)
	var ids []session.ID
	for range logins {
		ids = append(ids, n.create("p", time.Minute, session.Scan, session.Confirm, session.Redeem))
		unscanned(codes / 2 / logins)
	}
	awaitQueued(t, s.queue, 3*logins)
	if dead, err := (webhook.DeadLetters{Queue: s.queue}).List(t.Context(), "p", 1); err != nil || len(dead) > 0 {
		t.Errorf("dead letters: %v, %v", dead, err)
	}
	release()
	for _, id := range ids { // code.made may arrive late or not at all
		for deadline := time.Now().Add(2 * patience); strings.TrimPrefix(strings.ReplaceAll(r.received(id), "made ", ""), "made") != "confirmed exchanged scanned"; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("for a login, the receiver got %q", r.received(id))
			}
		}
	}
	n.relay.Close()
	log := n.log.String()
	most := 20 * (1 + int(time.Since(began)/time.Minute)) // seven messages, and powers of two, see docs/webhooks.md
	if lines := strings.Count(log, "\n") - strings.Count(log, "level=DEBUG"); lines > most {
		t.Errorf("%d codes and %d logins made %d lines of log, at most %d are expected; the first:\n%.1000s", codes, logins, lines, most, log)
	}
}

// awaitQueued waits until the number of queued messages of logins is want.
func awaitQueued(t *testing.T, q queue.Queue, want int) {
	t.Helper()
	due := queue.Lane{Name: "webhooks:p:due", MaxLen: room, TTL: time.Hour}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		entries, err := q.List(t.Context(), due, 10*room)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, e := range entries {
			if !strings.Contains(e.Text, `code.made`) && !strings.Contains(e.Text, `code.withdrawn`) {
				got++
			}
		}
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%d of %d messages of logins are queued", got, want)
			return
		}
	}
}
