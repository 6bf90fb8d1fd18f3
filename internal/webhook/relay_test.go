package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachTransitionIsToldOnce(t *testing.T) {
	r := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), poolOf(t, "p", r.URL, nil))
	want := map[session.ID]string{
		n.live("p", time.Minute): "made",
		n.live("p", time.Minute, session.Scan, session.Confirm, session.Redeem): "confirmed exchanged made scanned",
		n.live("p", time.Minute, session.Scan, session.Cancel):                  "canceled made scanned",
		n.live("p", time.Minute, session.Withdraw):                              "made withdrawn",
		n.live("p", 900*time.Millisecond, session.Scan):                         "expired made scanned",
		n.live("p", 900*time.Millisecond):                                       "expired made",
	}
	total := 0
	for id, types := range want {
		r.await(id, types)
		total += len(strings.Fields(types))
	}
	for deadline := time.Now().Add(patience); n.seen()[webhook.Delivered] < total && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond) // an answer is counted after it was given
	}
	n.relay.Close()
	if seen := n.seen(); seen[webhook.Delivered] != total || len(seen) != 1 {
		t.Errorf("outcomes %v, want %d deliveries", seen, total)
	}
}

func TestAStepIsToldWhenItHappens(t *testing.T) {
	r := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), poolOf(t, "p", r.URL, nil))
	id := n.live("p", time.Hour)
	r.await(id, "made")
	code, err := n.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Apply(t.Context(), n.store, code, session.Change{Action: session.Scan, User: sessiontest.Bob, TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	r.await(id, "made scanned")
}

// While versions are mixed, a scan may be stored by one that does not queue it.
func TestAScanOfAnOlderVersionIsTold(t *testing.T) {
	r := newReceiver(t, nil)
	st := memstore.New()
	n := open(t, st, queue.NewMemory(), poolOf(t, "p", r.URL, nil))
	id := n.live("p", time.Hour)
	r.await(id, "made")
	for _, step := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
		code, err := st.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.Apply(t.Context(), st, code, session.Change{Action: step, User: sessiontest.Bob, TTL: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	r.await(id, "confirmed exchanged made scanned")
}

func TestOnlyWhatIsWantedIsTold(t *testing.T) {
	r := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), poolOf(t, "p", r.URL, func(w *pool.Webhook) { w.Events = []string{webhook.Confirmed, webhook.Exchanged} }))
	r.await(n.live("p", time.Minute, session.Scan, session.Confirm, session.Redeem), "confirmed exchanged")
}

func TestAReceiverThatStallsHoldsUpNobodyElse(t *testing.T) {
	stall := make(chan struct{})
	stalling := newReceiver(t, func(http.ResponseWriter, *http.Request) bool { <-stall; return false })
	t.Cleanup(sync.OnceFunc(func() { close(stall) }))
	well := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), poolOf(t, "stalls", stalling.URL, nil), poolOf(t, "well", well.URL, nil))
	for range 100 {
		n.live("stalls", time.Minute)
	}
	began := time.Now()
	well.await(n.live("well", time.Minute, session.Scan, session.Confirm, session.Redeem), "confirmed exchanged made scanned")
	if took := time.Since(began); took > 8*time.Second { // an attempt at the other takes ten
		t.Errorf("it took %v", took)
	}
}

func TestAReceiverThatFailsIsTriedAgain(t *testing.T) {
	var calls atomic.Int32
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) bool {
		if calls.Add(1) > 2 {
			return false
		}
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "nobody may see this answer")
		return true
	})
	n := open(t, memstore.New(), queue.NewMemory(), poolOf(t, "p", r.URL+"/?token=nobody-may-see-this", nil))
	r.await(n.live("p", time.Minute, session.Scan, session.Cancel), "canceled made scanned")
	n.relay.Close()
	if seen := n.seen(); seen[webhook.Failed] != 2 || seen[webhook.Delivered] != 3 {
		t.Errorf("outcomes: %v", seen)
	}
	log := n.log.String()
	if !strings.Contains(log, "webhook receiver fails") || !strings.Contains(log, "well again") || strings.Contains(log, "nobody") {
		t.Errorf("log:\n%s", log)
	}
}

// The receiver is inside; nothing may come to it, by address, by name or by
// redirect.
func TestNothingInsideIsReachedUnlessAllowed(t *testing.T) {
	inside := newReceiver(t, func(http.ResponseWriter, *http.Request) bool { t.Error("it was reached"); return false })
	q, byName := queue.NewMemory(), strings.Replace(inside.URL, "127.0.0.1", "localhost", 1)
	redirecting := newReceiver(t, func(w http.ResponseWriter, req *http.Request) bool {
		http.Redirect(w, req, inside.URL, http.StatusTemporaryRedirect)
		return true
	})
	private := func(w *pool.Webhook) { w.AllowPrivate = false }
	n := open(t, memstore.New(), q, poolOf(t, "address", inside.URL, private), poolOf(t, "name", byName, private), poolOf(t, "redirect", redirecting.URL, nil))
	for _, p := range []string{"address", "name", "redirect"} {
		n.live(p, time.Minute)
	}
	for deadline := time.Now().Add(patience); n.seen()[webhook.Failed] < 3; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("outcomes: %v", n.seen())
		}
	}
	n.relay.Close()
	if log := n.log.String(); strings.Count(log, "the address is not public") != 2 || !strings.Contains(log, "answers 307") || strings.Contains(log, "localhost") {
		t.Errorf("log:\n%s", log)
	}
}

// failing is a queue that does not answer.
type failing struct{ queue.Queue }

var errAway = errors.New("away")

func (failing) Add(context.Context, queue.Lane, string) error { return errAway }

func TestNoCodeWithoutItsEntry(t *testing.T) {
	st := memstore.New()
	n := open(t, st, failing{queue.NewMemory()}, poolOf(t, "p", "http://127.0.0.1:1", nil))
	code := sessiontest.New(st, time.Minute)
	code.Pool = "p"
	if _, err := session.Create(t.Context(), n.store, code); !errors.Is(err, errAway) {
		t.Errorf("made: %v", err)
	}
	if _, err := st.Load(t.Context(), code.ID); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("it is there: %v", err)
	}
}

// What a node that died held is taken over by another when its hold is over.
func TestCodesOfADeadNodeAreTakenOver(t *testing.T) {
	r := newReceiver(t, nil)
	st, q := memstore.New(), queue.NewMemory()
	id := (&node{t: t, store: st}).live("p", time.Minute, session.Scan, session.Confirm)
	codes := queue.Lane{Name: "webhooks:p:codes", MaxLen: 10, TTL: time.Hour}
	if err := q.Add(t.Context(), codes, string(id)); err != nil {
		t.Fatal(err)
	}
	if held, err := q.Take(t.Context(), codes, 1, 2*time.Second); err != nil || len(held) != 1 {
		t.Fatalf("held: %v, %v", held, err)
	}
	open(t, st, q, poolOf(t, "p", r.URL, nil))
	r.await(id, "confirmed made scanned")
}

// Codes that a node which leaves has in hand are followed by another at once.
func TestANodeThatLeavesLetsGo(t *testing.T) {
	r := newReceiver(t, nil)
	st, q := memstore.New(), queue.NewMemory()
	p := poolOf(t, "p", r.URL, nil)
	first := open(t, st, q, p)
	id := first.live("p", time.Hour)
	r.await(id, "made")
	first.relay.Close()
	began := time.Now()
	second := open(t, st, q, p)
	code, err := st.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Apply(t.Context(), second.store, code, session.Change{Action: session.Withdraw}); err != nil {
		t.Fatal(err)
	}
	r.await(id, "made withdrawn")
	if took := time.Since(began); took > 12*time.Second { // a lease takes fifteen
		t.Errorf("it took %v", took)
	}
}

func TestWithoutAWebhookNothingIsDone(t *testing.T) {
	before := goleak.IgnoreCurrent()
	st := memstore.New()
	relay := webhook.New(webhook.Options{Pools: pool.NewBook(&pool.Pool{ID: "p"}), Store: st, Hub: hub.New(st.Bus(), st.Now), Queue: failing{}})
	relay.Start()
	n := &node{t: t, store: relay.Announce(st)}
	n.live("p", time.Minute, session.Scan)
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
	relay.Close()
}

// A reload may bring the first webhook, and take the last.
func TestWebhooksComeAndGoWithTheirPools(t *testing.T) {
	r := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), &pool.Pool{ID: "p"})
	unseen := n.live("p", time.Minute)
	n.book.Replace(poolOf(t, "p", r.URL, nil))
	r.await(n.live("p", time.Minute, session.Withdraw), "made withdrawn")
	n.book.Replace(&pool.Pool{ID: "p"})
	last := n.live("p", time.Minute, session.Withdraw)
	n.book.Replace(poolOf(t, "p", r.URL, nil))
	r.await(n.live("p", time.Minute, session.Withdraw), "made withdrawn")
	if r.told(unseen)+r.told(last) != "" {
		t.Error("told without a webhook")
	}
}
