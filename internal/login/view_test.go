package login

import (
	"errors"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// TestTicketAndUserAreForThoseWithProof shows a confirmed code to several callers.
func TestTicketAndUserAreForThoseWithProof(t *testing.T) {
	for _, binds := range []bool{true, false} {
		f := newService(t, nil, newPool(func(p *pool.Pool) { p.BindBrowser, p.ReturnFullUserInfo = binds, true }), secondPool())
		code := f.create()
		f.confirm(code)
		key := f.pool.BrowserKey(code)
		for name, test := range map[string]struct {
			by      *Caller
			isProof bool
		}{
			"cookie":             {browser(), true},
			"another cookie":     {&Caller{Proof: Proof{Cookie: "another"}, IP: "192.0.2.1"}, false},
			"key":                {&Caller{Proof: Proof{BrowserKey: key}, IP: "192.0.2.9"}, true},
			"another key":        {&Caller{Proof: Proof{BrowserKey: key + "x"}, IP: "192.0.2.9"}, false},
			"secret":             {site(), true},
			"wrong secret":       {&Caller{IP: "203.0.113.1", Credentials: &Credentials{"p1", otherSecret}}, false},
			"another pool's":     {&Caller{IP: "203.0.113.1", Credentials: &Credentials{"p2", otherSecret}}, false},
			"nothing":            {stranger(), false},
			"nothing, same home": {&Caller{IP: "192.0.2.1"}, false},
		} {
			st := f.state(test.by, code)
			if st.IsBrowser != test.isProof {
				t.Errorf("%s: is the browser: %v", name, st.IsBrowser)
			}
			entitled := test.isProof || !binds
			if (st.Ticket != "") != entitled || (st.ScannedUserID != "") != entitled || (st.User != nil) != entitled || st.TicketWithheld == entitled {
				t.Errorf("%s, binding %v: %+v", name, binds, st)
			}
		}
	}
}

func TestAChallengeKeepsTheFullUserForTheVerifier(t *testing.T) {
	p := newPool(func(p *pool.Pool) { p.ReturnFullUserInfo = true })
	code := session.Session{Pool: "p1", Salt: []byte("0123456789abcdef"), SecretID: p.Secret.ID(), Challenge: "x"}
	if r := NewRights(p, code, Proof{site: true}); r.full || r.secrets.ticket() == "" {
		t.Errorf("%+v", r)
	}
	code.Challenge = ""
	if r := NewRights(p, code, Proof{site: true}); !r.full {
		t.Errorf("%+v", r)
	}
}

// TestAStateShowsWhatItsStatusHas goes through all statuses for a caller with all rights.
func TestAStateShowsWhatItsStatusHas(t *testing.T) {
	p := newPool(func(p *pool.Pool) { p.ReturnFullUserInfo = true })
	r := BrowserRights(p, session.Session{
		ID: session.NewID(), Pool: "p1", Salt: []byte("0123456789abcdef"), SecretID: p.Secret.ID(), Match: session.MatchDigits,
	}, nil)
	now := time.Unix(1_800_000_000, 0)
	for status := session.Expired; status <= session.Redeemed; status++ {
		st := stateOf(session.Snapshot{Status: status, UserID: "alice"}, r, now)
		if st.Time != now || st.ScannedUserID != "alice" || st.TicketWithheld ||
			(st.Ticket != "") != (status == session.Confirmed) || (st.MatchCode != "") != (status == session.Scanned) {
			t.Errorf("status %d: %+v", status, st)
		}
		if r.needsUser(status) != (status == session.Confirmed || status == session.Redeemed) {
			t.Errorf("status %d needs the user: %v", status, r.needsUser(status))
		}
	}
}

// TestASnapshotIsShownWithTheUserOnlyIfThatIsNeeded counts store operations.
func TestASnapshotIsShownWithTheUserOnlyIfThatIsNeeded(t *testing.T) {
	f := newService(t, nil, newPool(func(p *pool.Pool) { p.ReturnFullUserInfo = true }))
	code := f.create()
	f.confirm(code)
	stored, p, err := f.Code(t.Context(), code.ID)
	if err != nil {
		t.Fatal(err)
	}
	snap := stored.Snapshot()
	all, none := NewRights(p, stored, browser().Proof), NewRights(p, stored, Proof{})
	if st, err := f.ShowSnapshot(t.Context(), snap, all); err != nil || st.User == nil || st.User.Email != "alice@example.com" || st.Snapshot != snap {
		t.Errorf("%+v, %v", st, err)
	}
	f.store.Fail(errors.New("away"))
	if _, err := f.ShowSnapshot(t.Context(), snap, all); !errors.Is(err, ErrUnavailable) {
		t.Errorf("the user without store: %v", err)
	}
	if st, err := f.ShowSnapshot(t.Context(), snap, none); err != nil || st.User != nil || st.Snapshot != snap {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestAViewIsOfTheNamedPoolOnly(t *testing.T) {
	f := newService(t, nil)
	code := f.create()
	view := func(name PoolName, random string) error {
		_, err := f.View(t.Context(), browser(), ViewRequest{Pool: name, Random: random})
		return err
	}
	if err := view(PoolName{App: "app1"}, string(code.ID)); err != nil {
		t.Error(err)
	}
	if err := view(PoolName{ID: "p2"}, string(code.ID)); !errors.Is(err, session.ErrNotFound) {
		t.Error(err)
	}
	if err := view(PoolName{ID: "p3"}, ""); !errors.Is(err, ErrNoPool) {
		t.Error(err)
	}
	if err := view(PoolName{}, ""); !errors.Is(err, FieldError{"random", Required}) {
		t.Error(err)
	}
}

// TestChecksOfOthersDoNotUseUpTheBrowsers also counts each kind of look by itself.
func TestChecksOfOthersDoNotUseUpTheBrowsers(t *testing.T) {
	f := newService(t, func(o *Options) { o.Limits.CheckRate = 1 })
	code := f.create()
	use := func(count func() error) (allowed int) {
		for ; allowed < 100; allowed++ {
			if err := count(); err != nil {
				if _, ok := errors.AsType[TooMany](err); !ok {
					t.Fatal(err)
				}
				break
			}
		}
		return allowed
	}
	look := func(what Look) func() error {
		return func() error {
			_, _, err := f.Look(t.Context(), stranger(), code.ID, what)
			return err
		}
	}
	for name, count := range map[string]func() error{
		"others":  func() error { return f.CountCheck(View{Code: code}) },
		"browser": func() error { return f.CountCheck(View{Code: code, Rights: Rights{IsBrowser: true}}) },
		"picture": look(LookPicture), "link": look(LookLink),
	} {
		if n := use(count); n < burst || n == 100 {
			t.Errorf("%s: %d allowed", name, n)
		}
	}
}
