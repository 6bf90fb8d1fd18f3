package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

const patience = 30 * time.Second

var key = pool.FormatWebhookKey([32]byte{1, 2, 3})

// receiver is a site's webhook receiver. It uses the reference library of Standard Webhooks.
type receiver struct {
	*httptest.Server
	t *testing.T

	mu   sync.Mutex
	got  map[string][]string // types by code, in the order of arrival, each once
	ids  map[string]string   // body by id
	hook func(http.ResponseWriter, *http.Request) bool
}

// newReceiver returns 200 unless hook responds and returns true.
func newReceiver(t *testing.T, hook func(http.ResponseWriter, *http.Request) bool) *receiver {
	r := &receiver{t: t, got: make(map[string][]string), ids: make(map[string]string), hook: hook}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender aborted
	}
	verifier, err := standardwebhooks.NewWebhook(key)
	if err == nil {
		err = verifier.Verify(body, req.Header)
	}
	if err != nil || req.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%v: %s", err, body)
	}
	if r.hook != nil && r.hook(w, req) {
		return
	}
	var m struct {
		Type string
		Data struct{ Random string }
	}
	if err := json.Unmarshal(body, &m); err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := req.Header.Get("webhook-id")
	if before, known := r.ids[id]; !known {
		r.got[m.Data.Random] = append(r.got[m.Data.Random], strings.TrimPrefix(m.Type, "code."))
	} else if before != string(body) {
		r.t.Errorf("one id has two bodies:\n%s\n%s", before, body)
	}
	r.ids[id] = string(body)
}

// received returns the sorted event types of a code.
func (r *receiver) received(id session.ID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(slices.Sorted(slices.Values(r.got[string(id)])), " ")
}

// await waits until the messages of a code have arrived.
func (r *receiver) await(id session.ID, want string) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); r.received(id) != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("received %q, want %q", r.received(id), want)
		}
	}
}

func poolOf(t *testing.T, id, url string, change func(*pool.Webhook)) *pool.Pool {
	t.Helper()
	k, err := pool.ParseWebhookKey(key)
	if err != nil {
		t.Fatal(err)
	}
	w := &pool.Webhook{URL: url, Keys: []pool.WebhookKey{k}, AllowPrivate: true}
	if change != nil {
		change(w)
	}
	return &pool.Pool{ID: id, Webhook: w}
}

// node is a running relay with its dependencies.
type node struct {
	t     *testing.T
	pools *pool.Registry
	queue queue.Queue
	relay *webhook.Relay
	store session.Store // queues codes
	log   *asynctest.Buffer
	seen  func() map[webhook.Outcome]int
}

// lines collects the text of a log.
// storage is the storage of a relay.
type storage struct {
	store session.Store
	bus   session.Bus
	queue queue.Queue
}

// open runs a relay on a memory store until the test ends.
func open(t *testing.T, st *memstore.Store, q queue.Queue, pools ...*pool.Pool) *node {
	t.Helper()
	return openOn(t, storage{st, st.Bus(), q}, pools...)
}

// openOn runs a relay until the test ends.
func openOn(t *testing.T, s storage, pools ...*pool.Pool) *node {
	t.Helper()
	st, q := s.store, s.queue
	watchers := hub.New(s.bus, st.Now)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); watchers.Run(ctx) }()
	n := &node{t: t, pools: pool.NewRegistry(pools...), queue: q, log: new(asynctest.Buffer)}
	var mu sync.Mutex
	seen := make(map[webhook.Outcome]int)
	n.seen = func() map[webhook.Outcome]int { mu.Lock(); defer mu.Unlock(); return maps.Clone(seen) }
	n.relay = webhook.New(webhook.Options{
		Pools: n.pools, Store: st, Hub: watchers, Queue: q,
		Observe: func(_ string, o webhook.Outcome) { mu.Lock(); defer mu.Unlock(); seen[o]++ },
		Log:     slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	n.store = n.relay.WrapStore(st)
	n.relay.Start()
	t.Cleanup(func() { n.relay.Close(); cancel(); <-done })
	return n
}

// create creates a code and applies steps.
func (n *node) create(pool string, ttl time.Duration, steps ...session.Action) session.ID {
	n.t.Helper()
	id, err := n.tryCreate(pool, ttl, steps...)
	if err != nil {
		n.t.Fatal(err)
	}
	return id
}

// changeOf is a change by alice, as a server makes it.
func changeOf(code session.Session, a session.Action, ttl time.Duration) session.Change {
	c := sessiontest.ChangeOf(code, a, sessiontest.Alice)
	c.Pool, c.TTL = code.Pool, ttl
	return c
}

// tryCreate is create with an error. It loads the code before each step, as a server does.
func (n *node) tryCreate(pool string, ttl time.Duration, steps ...session.Action) (session.ID, error) {
	code := sessiontest.New(n.store, ttl)
	code.Pool = pool
	code, err := n.store.Create(n.t.Context(), code)
	for _, a := range steps {
		if err == nil {
			code, err = n.store.Load(n.t.Context(), code.ID)
		}
		if err == nil {
			code, err = sessiontest.Step(n.t.Context(), n.store, code, changeOf(code, a, ttl))
		}
	}
	return code.ID, err
}
