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
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

const patience = 30 * time.Second

var key = pool.FormatWebhookKey([32]byte{1, 2, 3})

// receiver is a site's, with the standard's own library.
type receiver struct {
	*httptest.Server
	t *testing.T

	mu   sync.Mutex
	got  map[string][]string // types by code, in the order of their coming, each once
	ids  map[string]string   // body by id
	hook func(http.ResponseWriter, *http.Request) bool
}

// newReceiver answers 200, unless hook answers first and returns true.
func newReceiver(t *testing.T, hook func(http.ResponseWriter, *http.Request) bool) *receiver {
	r := &receiver{t: t, got: make(map[string][]string), ids: make(map[string]string), hook: hook}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender left
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
		r.t.Errorf("one id, two bodies:\n%s\n%s", before, body)
	}
	r.ids[id] = string(body)
}

// told are the types of a code's messages, sorted.
func (r *receiver) told(id session.ID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(slices.Sorted(slices.Values(r.got[string(id)])), " ")
}

// await waits until all of a code's messages have come.
func (r *receiver) await(id session.ID, want string) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); r.told(id) != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("told %q, want %q", r.told(id), want)
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

// node is a relay with what it stands on.
type node struct {
	t     *testing.T
	book  *pool.Book
	queue queue.Queue
	relay *webhook.Relay
	store session.Store // announces
	log   *lines
	seen  func() map[webhook.Outcome]int
}

// lines is a log's text.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// storage is what a relay stands on.
type storage struct {
	store session.Store
	bus   session.Bus
	queue queue.Queue
}

// open runs a relay over a store in memory until the test ends.
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
	n := &node{t: t, book: pool.NewBook(pools...), queue: q, log: new(lines)}
	var mu sync.Mutex
	seen := make(map[webhook.Outcome]int)
	n.seen = func() map[webhook.Outcome]int { mu.Lock(); defer mu.Unlock(); return maps.Clone(seen) }
	n.relay = webhook.New(webhook.Options{
		Pools: n.book, Store: st, Hub: watchers, Queue: q,
		Observe: func(_ string, o webhook.Outcome) { mu.Lock(); defer mu.Unlock(); seen[o]++ },
		Log:     slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	n.store = n.relay.Announce(st)
	n.relay.Start()
	t.Cleanup(func() { n.relay.Close(); cancel(); <-done })
	return n
}

// live makes a code of a pool and takes steps with it.
func (n *node) live(pool string, ttl time.Duration, steps ...session.Action) session.ID {
	n.t.Helper()
	id, err := n.try(pool, ttl, steps...)
	if err != nil {
		n.t.Fatal(err)
	}
	return id
}

// try takes each step with the code as it is stored, as servers do.
func (n *node) try(pool string, ttl time.Duration, steps ...session.Action) (session.ID, error) {
	code := sessiontest.New(n.store, ttl)
	code.Pool = pool
	code, err := session.Create(n.t.Context(), n.store, code)
	for _, a := range steps {
		if err == nil {
			code, err = n.store.Load(n.t.Context(), code.ID)
		}
		if err == nil {
			code, err = session.Apply(n.t.Context(), n.store, code, session.Change{Action: a, User: sessiontest.Alice, TTL: ttl})
		}
	}
	return code.ID, err
}
