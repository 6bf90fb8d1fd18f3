package push

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/server/wire"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline is how long a test waits for what takes some milliseconds.
const deadline = time.Minute

// node is a Server over a memory store, behind net/http.
type node struct {
	*Server
	t     testing.TB
	url   string
	pool  *pool.Pool
	store *sessiontest.Faulty

	mu     sync.Mutex
	pushed []time.Duration // by Options.Pushed
}

// start runs a node until the test ends. change alters its limits and its pool.
func start(t testing.TB, change func(*login.Limits, *pool.Pool)) *node {
	t.Helper()
	st := memstore.New()
	bus := startedBus{st.Bus(), make(chan struct{})}
	n := &node{t: t, store: sessiontest.NewFaulty(sessiontest.Node{Store: st, Bus: bus}), pool: &pool.Pool{
		ID: "p1", Name: "Example", Secret: pool.NewSecret("test secret of the first pool, long"), Origins: []string{"https://www.example.com"},
		CodeTTL: pool.DefaultCodeTTL, ConfirmTTL: pool.DefaultConfirmTTL, TicketTTL: pool.DefaultTicketTTL,
		MaxCodes: pool.DefaultMaxCodes, PayloadFormat: pool.PayloadJSON, BindBrowser: true,
	}}
	var limits login.Limits
	if change != nil {
		change(&limits, n.pool)
	}
	log := slog.New(slog.DiscardHandler)
	h := hub.New(n.store, n.store.Now)
	n.Server = New(Options{
		Login: login.New(login.Options{PublicURL: "https://scan.example.com", Pools: pool.NewRegistry(n.pool), Store: n.store, Limits: limits, Log: log}),
		Hub:   h, Log: log, Pushed: n.notePushed,
		PictureURL: func(id session.ID) string { return "https://scan.example.com/" + string(id) },
		ErrorName:  func(err error) string { return err.Error() },
		Describe:   func(lang Lang, err error) (int, string) { return int(lang), err.Error() },
	})
	server := httptest.NewServer(http.HandlerFunc(n.serve))
	n.url = server.URL
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = h.Run(ctx) })
	running.Go(func() { n.Run(ctx) })
	<-bus.started
	t.Cleanup(func() {
		n.shutdown()
		server.Close()
		cancel()
		running.Wait()
	})
	return n
}

// startedBus closes a channel when it runs: from then on a Faulty can deliver.
type startedBus struct {
	session.Bus
	started chan struct{}
}

func (b startedBus) Run(ctx context.Context, deliver func(session.Snapshot, error)) error {
	close(b.started)
	return b.Bus.Run(ctx, deliver)
}

func (n *node) notePushed(_ string, delay time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pushed = append(n.pushed, delay)
}

func (n *node) pushes() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.pushed)
}

// shutdown ends a node in order.
func (n *node) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	n.Stop()
	n.Shutdown(ctx)
	if !n.Close() {
		n.t.Error("some sockets have not ended")
	}
}

// serve answers /ws, /events and /check. Errors are answered in their own words.
func (n *node) serve(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	q := r.URL.Query()
	by := &login.Caller{Proof: login.Proof{BrowserKey: r.Header.Get("X-Browser-Key")}, IP: host, Origin: r.Header.Get("Origin")}
	var err error
	switch r.URL.Path {
	case "/ws":
		err = n.Socket(w, r, by, SocketRequest{
			Pool: login.PoolName{ID: q.Get("pool")}, Random: q.Get("random"), Watch: q.Get("pool") == "" && q.Get("random") != "",
			Challenge: q.Get("challenge"), ChallengeMethod: q.Get("method"),
		})
	case "/events":
		var v login.View
		if v, err = n.view(by, q.Get("random")); err == nil {
			err = n.Events(w, r, by, v)
		}
	case "/check":
		err = n.check(w, r, by)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
	}
}

func (n *node) check(w http.ResponseWriter, r *http.Request, by *login.Caller) error {
	v, err := n.view(by, r.URL.Query().Get("random"))
	if err != nil {
		return err
	}
	version, _ := strconv.ParseInt(r.URL.Query().Get("version"), 10, 64)
	seconds, _ := strconv.ParseFloat(r.URL.Query().Get("wait"), 64)
	if v, err = n.Wait(w, r, by, v, WaitRequest{For: time.Duration(seconds * float64(time.Second)), Known: version}); err != nil {
		return err
	}
	state, err := n.login.Show(v)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(wire.NewStatus(state))
}

func (n *node) view(by *login.Caller, random string) (login.View, error) {
	return n.login.View(n.t.Context(), by, login.ViewRequest{Random: random})
}

// create makes a code.
func (n *node) create() session.Session {
	n.t.Helper()
	code, err := n.login.Create(n.t.Context(), &login.Caller{IP: "192.0.2.1"}, login.CreateRequest{Pool: n.pool, CustomData: "{}", Count: 1})
	if err != nil {
		n.t.Fatal(err)
	}
	return code.Session
}

// step makes alice do something with a code.
func (n *node) step(id session.ID, action session.Action) {
	n.t.Helper()
	code, err := n.store.Load(n.t.Context(), id)
	if err == nil {
		_, err = sessiontest.Step(n.t.Context(), n.store, code, sessiontest.ChangeOf(code, action, session.User{ID: "alice"}))
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// subscribed subscribes to a code as its browser. A token is in the channel if there may be a
// newer state.
func (n *node) subscribed(code session.Session) (*subscription, <-chan struct{}) {
	n.t.Helper()
	woken := wakeup.New()
	rights := login.NewRights(n.pool, code, login.Proof{BrowserKey: n.pool.BrowserKey(code)})
	f, err := n.subscribe(login.View{Pool: n.pool, Code: code, Rights: rights}, woken.Set)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(f.close)
	return f, woken
}

// await returns the next state, which must come.
func await(t testing.TB, f *subscription, woken <-chan struct{}) (login.State, error) {
	t.Helper()
	for late := time.After(deadline); ; {
		select {
		case <-woken:
		case <-late:
			t.Fatal("no newer state")
		}
		if state, err := f.next(); !errors.Is(err, errNothingNew) {
			return state, err
		}
	}
}

// awaitStatus fails the test unless the next state has that status and version.
func awaitStatus(t testing.TB, f *subscription, woken <-chan struct{}, status session.Status, version int64) login.State {
	t.Helper()
	state, err := await(t, f, woken)
	if err != nil || state.Snapshot.Status != status || state.Snapshot.Version != version {
		t.Fatalf("%v, version %d, %v; want %v, version %d", state.Snapshot.Status, state.Snapshot.Version, err, status, version)
	}
	return state
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(deadline); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("never: %s", what)
		}
	}
}
