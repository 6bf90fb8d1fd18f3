package webhook

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// runTracker runs the tracker of the scanned codes of pool p until stop is called.
func runTracker(t *testing.T) (st *memstore.Store, q queue.Queue, stop func()) {
	st, q = memstore.New(), queue.NewMemory()
	watchers := hub.New(st.Bus(), st.Now)
	relay := New(Options{Pools: pool.NewRegistry(&pool.Pool{ID: "p", Webhook: &pool.Webhook{}}), Store: st, Hub: watchers, Queue: q})
	tr := newTracker(relay, "p", scannedOf("p"), func() {})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { watchers.Run(ctx) })
	running.Go(func() { tr.run(ctx) })
	return st, q, func() {
		cancel()
		running.Wait()
	}
}

// A scan that was queued but not stored is given up. That must not affect a later scan that is
// stored.
func TestAScanThatWasNotStoredIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, q, stop := runTracker(t)
		defer stop()
		lane := func(l queue.Lane) (texts string) {
			entries, err := q.List(t.Context(), l, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				texts += e.Text
			}
			return texts
		}
		code := sessiontest.New(st, time.Hour)
		code.Pool = "p"
		code, err := st.Create(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		enqueue := func() {
			if err := q.Add(t.Context(), scannedOf("p"), string(code.ID)); err != nil {
				t.Fatal(err)
			}
		}
		enqueue()
		time.Sleep(grace - time.Second)
		enqueue() // a second scan while the tracker waits for the first
		time.Sleep(2 * time.Second)
		if _, err := sessiontest.Step(t.Context(), st, code, session.Change{Action: session.Scan, User: sessiontest.Alice, TTL: time.Hour}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if due := lane(dueOf("p")); strings.Count(due, "code.") != 1 || !strings.Contains(due, Scanned) {
			t.Errorf("due: %s", due)
		}

		code.ID = session.NewID() // an unknown code
		enqueue()
		code = sessiontest.New(st, time.Hour)
		code.Pool = "p"
		if code, err = st.Create(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		enqueue()
		time.Sleep(2 * grace)
		if left := lane(scannedOf("p")); strings.Contains(left, string(code.ID)) || len(left) != session.IDLength {
			t.Errorf("still queued: %s", left)
		}
	})
}

// TestAScanAfterTheEndSendsNothingAgain queues a code again, as a scan does that is refused.
func TestAScanAfterTheEndSendsNothingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, q, stop := runTracker(t)
		defer stop()
		count := func(l queue.Lane) int {
			entries, err := q.List(t.Context(), l, 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(entries)
		}
		code := sessiontest.New(st, time.Hour)
		code.Pool = "p"
		code, err := st.Create(t.Context(), code)
		for _, change := range []session.Change{{Action: session.Scan, ScanQueued: true, TTL: time.Hour}, {Action: session.Cancel}} {
			if err == nil && change.Action == session.Scan {
				err = q.Add(t.Context(), scannedOf("p"), string(code.ID))
			}
			if err == nil {
				change.User = sessiontest.Alice
				code, err = sessiontest.Step(t.Context(), st, code, change)
			}
		}
		time.Sleep(2 * grace)
		sent := count(dueOf("p"))
		if err != nil || sent != 2 || count(scannedOf("p")) != 0 {
			t.Fatalf("%d messages of a scan and its end, %d codes queued, %v", sent, count(scannedOf("p")), err)
		}
		if err := q.Add(t.Context(), scannedOf("p"), string(code.ID)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * grace)
		if again, left := count(dueOf("p"))-sent, count(scannedOf("p")); again != 0 || left != 0 {
			t.Errorf("%d messages again, %d codes queued", again, left)
		}
	})
}
