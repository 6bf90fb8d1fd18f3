package login

import (
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

const (
	publicURL   = "https://scan.example.com"
	siteOrigin  = "https://www.example.com"
	poolSecret  = "test secret of the first pool, long"
	otherSecret = "test secret of the second pool, long"
)

// newPool is pool `p1`, in which the app's back end names the users. change alters it.
func newPool(change func(*pool.Pool)) *pool.Pool {
	p := &pool.Pool{
		ID: "p1", Name: "Example", AppIDs: []string{"app1"}, Secret: pool.NewSecret(poolSecret), Origins: []string{siteOrigin},
		CodeTTL: pool.DefaultCodeTTL, ConfirmTTL: pool.DefaultConfirmTTL, TicketTTL: pool.DefaultTicketTTL,
		KnownBrowserTTL: time.Hour, PayloadFormat: pool.PayloadJSON, BindBrowser: true,
	}
	if change != nil {
		change(p)
	}
	return p
}

func secondPool() *pool.Pool {
	return newPool(func(p *pool.Pool) {
		p.ID, p.AppIDs, p.Secret, p.Origins = "p2", nil, pool.NewSecret(otherSecret), []string{"https://other.example.com"}
	})
}

// fixture is a service over a memory store, with what it emitted.
type fixture struct {
	*Service
	testing.TB
	pool  *pool.Pool
	store *sessiontest.Faulty

	mu     sync.Mutex
	events []session.Event
}

func newService(t testing.TB, change func(*Options), pools ...*pool.Pool) *fixture {
	t.Helper()
	if len(pools) == 0 {
		pools = []*pool.Pool{newPool(nil), secondPool()}
	}
	mem := memstore.New()
	f := &fixture{TB: t, pool: pools[0], store: sessiontest.NewFaulty(sessiontest.Node{Store: mem, Bus: mem.Bus()})}
	o := Options{PublicURL: publicURL, Pools: pool.NewRegistry(pools...), Store: f.store, Observers: session.Observers{f.observe}}
	if change != nil {
		change(&o)
	}
	f.Service = New(o)
	return f
}

func (f *fixture) observe(e session.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
}

// kinds are the kinds of the events so far.
func (f *fixture) kinds() (all []session.EventKind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		all = append(all, e.Kind)
	}
	return all
}

// browser is a page's browser with a cookie, and stranger somebody else.
func browser() *Caller {
	return &Caller{Proof: Proof{Cookie: "the cookie of the page's browser"}, IP: "192.0.2.1", Origin: siteOrigin}
}

func stranger() *Caller { return &Caller{IP: "198.51.100.1"} }

// site is the first pool's back end.
func site() *Caller {
	return &Caller{IP: "203.0.113.1", Credentials: &Credentials{"p1", poolSecret}}
}

// create makes a code for the browser.
func (f *fixture) create() session.Session {
	f.Helper()
	code, err := f.Create(f.Context(), browser(), CreateRequest{Pool: f.pool, CustomData: "{}", Count: 1})
	if err != nil {
		f.Fatal(err)
	}
	return code.Session
}

// begun is a caller whose change was begun.
func (f *fixture) begun(by *Caller) *Caller {
	f.Helper()
	if err := f.BeginChange(f.Context(), by); err != nil {
		f.Fatal(err)
	}
	return by
}

// confirm makes alice scan and confirm a code.
func (f *fixture) confirm(code session.Session) {
	f.Helper()
	req := PhoneRequest{Code: string(code.ID), User: &session.User{ID: "alice", Nickname: "Al", Email: "alice@example.com"}}
	if _, err := f.Scan(f.Context(), f.begun(site()), req); err != nil {
		f.Fatal(err)
	}
	if _, err := f.Confirm(f.Context(), f.begun(site()), req); err != nil {
		f.Fatal(err)
	}
}

// state is what a caller sees of a code.
func (f *fixture) state(by *Caller, code session.Session) State {
	f.Helper()
	v, err := f.View(f.Context(), by, ViewRequest{Random: string(code.ID)})
	if err != nil {
		f.Fatal(err)
	}
	st, err := f.Show(v)
	if err != nil {
		f.Fatal(err)
	}
	return st
}
