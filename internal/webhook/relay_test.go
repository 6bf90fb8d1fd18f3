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

func TestEachTransitionIsSentOnce(t *testing.T) {
	r := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), poolOf(t, "p", r.URL, nil))
	want := map[session.ID]string{
		n.create("p", time.Minute): "made",
		n.create("p", time.Minute, session.Scan, session.Confirm, session.Redeem): "confirmed exchanged made scanned",
		n.create("p", time.Minute, session.Scan, session.Cancel):                  "canceled made scanned",
		n.create("p", time.Minute, session.Withdraw):                              "made withdrawn",
		n.create("p", 900*time.Millisecond, session.Scan):                         "expired made scanned",
		n.create("p", 900*time.Millisecond):                                       "expired made",
	}
	total := 0
	for id, types := range want {
		r.await(id, types)
		total += len(strings.Fields(types))
	}
	for deadline := time.Now().Add(patience); n.seen()[webhook.Delivered] < total && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond) // a delivery is counted after the response
	}
	n.relay.Close()
	if seen := n.seen(); seen[webhook.Delivered] != total || len(seen) != 1 {
		t.Errorf("outcomes %v, want %d deliveries", seen, total)
	}
}

func TestAStepIsSentWhenItHappens(t *testing.T) {
	r := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), poolOf(t, "p", r.URL, nil))
	id := n.create("p", time.Hour)
	r.await(id, "made")
	code, err := n.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sessiontest.Step(t.Context(), n.store, code, changeOf(code, session.Scan, time.Hour)); err != nil {
		t.Fatal(err)
	}
	r.await(id, "made scanned")
}

// During an upgrade, an older version may store a scan without queueing it.
func TestAScanStoredByAnOlderVersionIsSent(t *testing.T) {
	r := newReceiver(t, nil)
	st := memstore.New()
	n := open(t, st, queue.NewMemory(), poolOf(t, "p", r.URL, nil))
	id := n.create("p", time.Hour)
	r.await(id, "made")
	for _, step := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
		code, err := st.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sessiontest.Step(t.Context(), st, code, changeOf(code, step, time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	r.await(id, "confirmed exchanged made scanned")
}

func TestOnlyConfiguredEventsAreSent(t *testing.T) {
	r := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), poolOf(t, "p", r.URL, func(w *pool.Webhook) { w.Events = []string{webhook.Confirmed, webhook.Exchanged} }))
	r.await(n.create("p", time.Minute, session.Scan, session.Confirm, session.Redeem), "confirmed exchanged")
}

func TestASlowReceiverDelaysNoOtherPool(t *testing.T) {
	stall := make(chan struct{})
	slow := newReceiver(t, func(http.ResponseWriter, *http.Request) bool { <-stall; return false })
	t.Cleanup(sync.OnceFunc(func() { close(stall) }))
	healthy := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), poolOf(t, "slow", slow.URL, nil), poolOf(t, "healthy", healthy.URL, nil))
	for range 100 {
		n.create("slow", time.Minute)
	}
	began := time.Now()
	healthy.await(n.create("healthy", time.Minute, session.Scan, session.Confirm, session.Redeem), "confirmed exchanged made scanned")
	if took := time.Since(began); took > 8*time.Second { // an attempt to the slow receiver takes 10 s
		t.Errorf("it took %v", took)
	}
}

func TestFailedDeliveriesAreRetried(t *testing.T) {
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
	r.await(n.create("p", time.Minute, session.Scan, session.Cancel), "canceled made scanned")
	for deadline := time.Now().Add(patience); n.seen()[webhook.Delivered] < 3; time.Sleep(5 * time.Millisecond) { // the last answer may still be read
		if time.Now().After(deadline) {
			t.Fatalf("outcomes: %v", n.seen())
		}
	}
	n.relay.Close()
	if seen := n.seen(); seen[webhook.Failed] != 2 || seen[webhook.Delivered] != 3 {
		t.Errorf("outcomes: %v", seen)
	}
	log := n.log.String()
	if !strings.Contains(log, "webhook delivery failed") || !strings.Contains(log, `level=WARN msg="webhook receiver recovered"`) || strings.Contains(log, "nobody") {
		t.Errorf("log:\n%s", log)
	}
}

// The receiver has a private address. No request may reach it by address, by name or by
// redirect.
func TestPrivateAddressesAreRefusedUnlessAllowed(t *testing.T) {
	inside := newReceiver(t, func(http.ResponseWriter, *http.Request) bool { t.Error("the receiver was called"); return false })
	q, byName := queue.NewMemory(), strings.Replace(inside.URL, "127.0.0.1", "localhost", 1)
	redirecting := newReceiver(t, func(w http.ResponseWriter, req *http.Request) bool {
		http.Redirect(w, req, inside.URL, http.StatusTemporaryRedirect)
		return true
	})
	private := func(w *pool.Webhook) { w.AllowPrivate = false }
	n := open(t, memstore.New(), q, poolOf(t, "address", inside.URL, private), poolOf(t, "name", byName, private), poolOf(t, "redirect", redirecting.URL, nil))
	for _, p := range []string{"address", "name", "redirect"} {
		n.create(p, time.Minute)
	}
	for deadline := time.Now().Add(patience); n.seen()[webhook.Failed] < 3; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("outcomes: %v", n.seen())
		}
	}
	n.relay.Close()
	if log := n.log.String(); strings.Count(log, "the address is not public") != 2 || !strings.Contains(log, "returned status 307") || strings.Contains(log, "localhost") {
		t.Errorf("log:\n%s", log)
	}
}

// failing is a queue that is unavailable.
type failing struct{ queue.Queue }

var errUnavailable = errors.New("unavailable")

func (failing) Add(context.Context, queue.Lane, string) error { return errUnavailable }

func TestNoCodeIsStoredWithoutItsQueueEntry(t *testing.T) {
	st := memstore.New()
	n := open(t, st, failing{queue.NewMemory()}, poolOf(t, "p", "http://127.0.0.1:1", nil))
	code := sessiontest.New(st, time.Minute)
	code.Pool = "p"
	if _, err := n.store.Create(t.Context(), code); !errors.Is(err, errUnavailable) {
		t.Errorf("create: %v", err)
	}
	if _, err := st.Load(t.Context(), code.ID); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the code is stored: %v", err)
	}
}

// Another node takes over the entries of a dead node when their hold ends.
func TestCodesOfADeadNodeAreTakenOver(t *testing.T) {
	r := newReceiver(t, nil)
	st, q := memstore.New(), queue.NewMemory()
	id := (&node{t: t, store: st}).create("p", time.Minute, session.Scan, session.Confirm)
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

// Another node takes over the codes of a node that shuts down at once.
func TestAStoppedNodeReleasesItsCodes(t *testing.T) {
	r := newReceiver(t, nil)
	st, q := memstore.New(), queue.NewMemory()
	p := poolOf(t, "p", r.URL, nil)
	first := open(t, st, q, p)
	id := first.create("p", time.Hour)
	r.await(id, "made")
	first.relay.Close()
	began := time.Now()
	second := open(t, st, q, p)
	code, err := st.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sessiontest.Step(t.Context(), second.store, code, changeOf(code, session.Withdraw, 0)); err != nil {
		t.Fatal(err)
	}
	r.await(id, "made withdrawn")
	if took := time.Since(began); took > 12*time.Second { // a lease is 15 s
		t.Errorf("it took %v", took)
	}
}

func TestWithoutAWebhookTheRelayDoesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	st := memstore.New()
	relay := webhook.New(webhook.Options{Pools: pool.NewRegistry(&pool.Pool{ID: "p"}), Store: st, Hub: hub.New(st.Bus(), st.Now), Queue: failing{}})
	relay.Start()
	n := &node{t: t, store: relay.WrapStore(st)}
	n.create("p", time.Minute, session.Scan)
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
	relay.Close()
}

// A reload may add the first webhook and remove the last.
func TestReloadsAddAndRemoveWebhooks(t *testing.T) {
	r := newReceiver(t, nil)
	n := open(t, memstore.New(), queue.NewMemory(), &pool.Pool{ID: "p"})
	unseen := n.create("p", time.Minute)
	n.pools.Replace(poolOf(t, "p", r.URL, nil))
	r.await(n.create("p", time.Minute, session.Withdraw), "made withdrawn")
	n.pools.Replace(&pool.Pool{ID: "p"})
	last := n.create("p", time.Minute, session.Withdraw)
	n.pools.Replace(poolOf(t, "p", r.URL, nil))
	r.await(n.create("p", time.Minute, session.Withdraw), "made withdrawn")
	if r.received(unseen)+r.received(last) != "" {
		t.Error("a message was sent without a webhook")
	}
}
