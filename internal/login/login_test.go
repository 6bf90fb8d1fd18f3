package login

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// TestALoginWithoutHTTP has each use case once, and its events.
func TestALoginWithoutHTTP(t *testing.T) {
	f := newService(t, nil)
	code := f.create()
	f.confirm(code)
	again := PhoneRequest{Code: string(code.ID), User: &session.User{ID: "alice"}}
	if result, err := f.Confirm(t.Context(), f.begun(site()), again); err != nil || result.Code.Status != session.Confirmed { // emits nothing
		t.Errorf("a confirm that is repeated: %v", err)
	}
	st := f.state(browser(), code)
	if st.Ticket == "" || st.ScannedUserID != "alice" || !st.IsBrowser {
		t.Fatalf("the browser sees %+v", st)
	}
	user, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: st.Ticket})
	if err != nil || user.ID != "alice" || user.Email != "alice@example.com" || user.Token != "" {
		t.Errorf("user %+v, error %v", user, err)
	}
	if _, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: st.Ticket}); !errors.Is(err, ErrTicket) {
		t.Errorf("a second exchange: %v", err)
	}
	withdrawn := f.create()
	if err := f.Withdraw(t.Context(), browser(), f.pool, withdrawn.ID); err != nil {
		t.Error(err)
	}
	if err := f.Withdraw(t.Context(), browser(), f.pool, code.ID); !errors.Is(err, session.ErrUsed) {
		t.Errorf("a code that was redeemed is withdrawn: %v", err)
	}
	want := []session.EventKind{
		session.EventMade, session.EventScanned, session.EventConfirmed, session.EventExchanged, session.EventMade, session.EventWithdrawn,
	}
	if got := f.kinds(); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if e := f.events[2]; e.User != "alice" || e.IP != "203.0.113.1" || e.Pool != "p1" {
		t.Errorf("the confirm's event is %+v", e)
	}
}

func TestARefusalNamesWhatItIsAbout(t *testing.T) {
	f := newService(t, nil)
	code := f.create()
	by := f.begun(site())
	_, err := f.Confirm(t.Context(), by, PhoneRequest{Code: string(code.ID), User: &session.User{ID: "alice"}})
	if !errors.Is(err, session.ErrNotScanned) {
		t.Fatal(err)
	}
	f.EmitRefused(by, "confirm", "not_scanned")
	e := f.events[len(f.events)-1]
	if e.Kind != session.EventRefused || e.Pool != "p1" || e.Code.ID != code.ID || e.User != "alice" || e.Call != "confirm" || e.Reason != "not_scanned" {
		t.Errorf("event %+v", e)
	}
}

// TestACodeIsRefusedBeforeTheStoreIsAsked also distinguishes such an error from one of the
// store.
func TestACodeIsRefusedBeforeTheStoreIsAsked(t *testing.T) {
	f := newService(t, func(o *Options) { o.Limits.CodesPerAddress = 2 })
	create := func(p *pool.Pool, by *Caller) error {
		_, err := f.Create(t.Context(), by, CreateRequest{Pool: p, CustomData: "{}", Count: 1})
		return err
	}
	if err := create(newPool(func(p *pool.Pool) { p.RequirePKCE = true }), browser()); !errors.Is(err, ErrChallengeRequired) || IsAdmission(err) {
		t.Errorf("without challenge: %v", err)
	}
	f.create()
	f.create()
	failed := f.store.Fail(errors.New("away"))
	err := create(f.pool, browser())
	tooMany, ok := errors.AsType[TooMany](err)
	if !ok || tooMany.RetryAfter <= 0 || !IsAdmission(err) || failed() > 0 {
		t.Errorf("a third code: %v, with %d store operations", err, failed())
	}
	err = create(f.pool, stranger())
	if !errors.Is(err, ErrUnavailable) || IsAdmission(err) {
		t.Errorf("another address, without store: %v", err)
	}
	if IsAdmission(nil) {
		t.Error("no error is one")
	}
}

func TestASitesCodesAreNotCountedByItsAddress(t *testing.T) {
	f := newService(t, func(o *Options) { o.Limits.CodesPerAddress = 1 })
	for range 5 {
		if _, err := f.Create(t.Context(), f.begun(site()), CreateRequest{Pool: f.pool, CustomData: "{}", Count: 1}); err != nil {
			t.Fatal(err)
		}
	}
	other, _, _ := f.FindPool(PoolName{ID: "p2"})
	var refused int
	for range 5 { // for another pool's codes it is an address like all others
		if _, err := f.Create(t.Context(), f.begun(site()), CreateRequest{Pool: other, CustomData: "{}", Count: 1}); IsAdmission(err) {
			refused++
		}
	}
	if refused == 0 {
		t.Error("a site makes any number of codes for another pool")
	}
}

func TestThePoolIsFoundByItsNames(t *testing.T) {
	f := newService(t, nil)
	for _, test := range []struct {
		name  PoolName
		want  string
		named bool
		err   error
	}{
		{PoolName{}, "", false, nil},
		{PoolName{ID: "p2"}, "p2", true, nil},
		{PoolName{App: "app1"}, "p1", true, nil},
		{PoolName{ID: "p2", App: "app1"}, "p2", true, nil},
		{PoolName{ID: "p3"}, "", true, ErrNoPool},
		{PoolName{App: "p1"}, "", true, ErrNoPool},
	} {
		p, named, err := f.FindPool(test.name)
		if named != test.named || !errors.Is(err, test.err) || (test.want != "") != (p != nil) || p != nil && p.ID != test.want {
			t.Errorf("%+v: %v, %v, %v", test.name, p, named, err)
		}
	}
	if p, err := f.Pool("p2"); err != nil || p.ID != "p2" {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := f.Pool("p3"); !errors.Is(err, ErrNoPool) {
		t.Error(err)
	}
}

func TestOriginsAreThoseOfThePoolAndOurOwn(t *testing.T) {
	f := newService(t, nil)
	for _, test := range []struct {
		origin             string
		pool, any, isKnown bool
	}{
		{"", true, true, false}, {publicURL, true, true, true}, {siteOrigin, true, true, true},
		{"https://other.example.com", false, true, true}, {"https://evil.example.com", false, false, false},
		{publicURL + "/", false, false, false}, {"null", false, false, false},
	} {
		by := &Caller{Origin: test.origin}
		if err := f.CheckOrigin(by, f.pool); (err == nil) != test.pool || err != nil && !errors.Is(err, ErrOrigin) || by.OriginRefused() == test.pool {
			t.Errorf("%q, for the pool: %v, recorded %v", test.origin, err, by.OriginRefused())
		}
		by = &Caller{Origin: test.origin}
		if err := f.CheckAnyOrigin(by); (err == nil) != test.any || err != nil && !errors.Is(err, ErrOrigin) || by.OriginRefused() == test.any {
			t.Errorf("%q, for any pool: %v, recorded %v", test.origin, err, by.OriginRefused())
		}
		if f.KnowsOrigin(test.origin) != test.isKnown {
			t.Errorf("%q is known: %v", test.origin, !test.isKnown)
		}
	}
}

// TestACodeOfARemovedPoolIsGone also shows that a malformed id never reaches the store.
func TestACodeOfARemovedPoolIsGone(t *testing.T) {
	f := newService(t, nil)
	code := f.create()
	f.pools.Replace(secondPool())
	if _, _, err := f.Code(t.Context(), code.ID); !errors.Is(err, session.ErrNotFound) {
		t.Error(err)
	}
	failed := f.store.Fail(errors.New("away"))
	if _, err := f.View(t.Context(), stranger(), ViewRequest{Random: strings.Repeat("!", session.IDLength)}); !errors.Is(err, session.ErrNotFound) || failed() > 0 {
		t.Errorf("%v, after %d store operations", err, failed())
	}
}
