package redisstore_test

import (
	"context"
	"flag"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "8") // these tests mostly wait
	dir := installTrustedCA()
	goleak.VerifyTestMain(m,
		// It sleeps for a second before it notices that the client was closed.
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"),
		goleak.Cleanup(func(code int) {
			os.RemoveAll(dir)
			os.Exit(code)
		}))
}

func open(t testing.TB, url string) *redisstore.Store {
	t.Helper()
	return openWith(t, redisclient.Options{URL: url}, redisstore.Options{})
}

// openWith opens a store with the prefix that key has.
func openWith(t testing.TB, client redisclient.Options, o redisstore.Options) *redisstore.Store {
	t.Helper()
	client.Prefix = "test"
	return redisstore.New(redistest.Open(t, client), o)
}

// key returns the key and channel of a code.
func key(id session.ID) string { return "test:2:{" + string(id) + "}" }

func create(t testing.TB, st *redisstore.Store) session.Session {
	t.Helper()
	made, err := st.Create(t.Context(), newCode(st))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// createMany creates n codes, eight at a time.
func createMany(t testing.TB, st *redisstore.Store, n int) []session.Session {
	t.Helper()
	codes := make([]session.Session, n)
	var makers errgroup.Group
	makers.SetLimit(8)
	for i := range codes {
		makers.Go(func() (err error) {
			codes[i], err = st.Create(t.Context(), newCode(st))
			return err
		})
	}
	if err := makers.Wait(); err != nil {
		t.Fatal(err)
	}
	return codes
}

func newCode(st *redisstore.Store) session.Session { return sessiontest.New(st, time.Hour) }

// by returns a change of a code by Alice.
func by(a session.Action, code session.Session) session.Change {
	c := sessiontest.ChangeOf(code, a, sessiontest.Alice)
	c.TTL = time.Hour
	return c
}

// apply applies a change by Alice, and retries while Redis is away.
func apply(t testing.TB, st *redisstore.Store, from session.Session, a session.Action) session.Session {
	t.Helper()
	const patience = 150 * time.Second
	c := by(a, from)
	c.Op = session.NewOpID() // so that a retry recognizes what an attempt without an answer wrote
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		done, err := sessiontest.Step(t.Context(), st, from, c)
		if err == nil {
			return done
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", patience, err)
		}
	}
}

// listener records what a bus delivers.
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

func (l *listener) received(id session.ID, match func(delivery) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.got[id], match)
}

func (l *listener) await(within time.Duration, id session.ID, version int64) {
	l.t.Helper()
	redistest.Eventually(l.t, within, "the version is delivered", func() bool {
		return l.received(id, func(d delivery) bool { return d.err == nil && d.Version == version })
	})
}

// forget drops all deliveries and returns the number of codes that had any.
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

// slack is the factor by which a call may take longer than on an idle machine.
const slack = 10
