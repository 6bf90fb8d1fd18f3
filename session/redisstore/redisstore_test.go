package redisstore_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, url string) *redisstore.Store {
	t.Helper()
	st, err := redisstore.Open(redisstore.Options{URL: url, Prefix: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// key is where a store that open made keeps a code, and announces it.
func key(id session.ID) string { return "test:{" + string(id) + "}" }

func create(t testing.TB, st *redisstore.Store) session.Session {
	t.Helper()
	made, err := session.Create(t.Context(), st, sessiontest.New(st, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// apply makes a change by alice, again and again while Redis is away.
func apply(t testing.TB, st *redisstore.Store, from session.Session, a session.Action) session.Session {
	t.Helper()
	var done session.Session
	eventually(t, 10*time.Second, string(a), func() (ok bool) {
		var err error
		done, err = session.Apply(t.Context(), st, from, session.Change{Action: a, User: sessiontest.Alice, TTL: time.Minute})
		return err == nil
	})
	return done
}

// listener keeps what a bus delivered.
type listener struct {
	t   testing.TB
	bus *redisstore.Bus

	mu  sync.Mutex
	got map[session.ID][]delivery
}

type delivery struct {
	session.Snapshot
	err error
}

// listen runs a bus until the test ends.
func listen(t testing.TB, st *redisstore.Store) *listener {
	l := &listener{t: t, bus: st.Bus(), got: make(map[session.ID][]delivery)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.bus.Run(ctx, func(s session.Snapshot, err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.got[s.ID] = append(l.got[s.ID], delivery{s, err})
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return l
}

func (l *listener) subscribe(ids ...session.ID) {
	l.t.Helper()
	if err := l.bus.Subscribe(l.t.Context(), ids...); err != nil {
		l.t.Fatal(err)
	}
}

func (l *listener) heard(id session.ID, match func(delivery) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.got[id], match)
}

func (l *listener) await(within time.Duration, id session.ID, version int64) {
	l.t.Helper()
	eventually(l.t, within, "a version is delivered", func() bool {
		return l.heard(id, func(d delivery) bool { return d.err == nil && d.Version == version })
	})
}

// forget returns how many codes were heard of, and forgets them.
func (l *listener) forget() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.got)
	clear(l.got)
	return n
}

func (l *listener) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.got)
}

func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
