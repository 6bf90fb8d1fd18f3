package login

import (
	"errors"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// TestATicketIsExchangedOnlyByThoseWhoMay has no attempt use the ticket but the last.
func TestATicketIsExchangedOnlyByThoseWhoMay(t *testing.T) {
	credentials := func(id, secret string) *Caller {
		return &Caller{IP: "203.0.113.1", Credentials: &Credentials{id, secret}}
	}
	foreignPage := browser()
	foreignPage.Origin = "https://evil.example.com"
	siteInPage := site()
	siteInPage.Origin = foreignPage.Origin
	otherBrowser := browser()
	otherBrowser.Cookie = "another"
	for _, test := range []struct {
		name    string
		by      *Caller
		pool    PoolName
		browser bool // the pool lets browsers exchange
		want    error
	}{
		{"site", site(), PoolName{}, false, nil},
		{"site that names its pool", site(), PoolName{App: "app1"}, false, nil},
		{"site that names another pool", site(), PoolName{ID: "p2"}, false, ErrCredentials},
		{"site that names no pool of ours", site(), PoolName{ID: "p3"}, false, ErrCredentials},
		{"site of another pool", credentials("p2", otherSecret), PoolName{}, false, ErrTicket},
		{"a foreign page with the secret", siteInPage, PoolName{}, false, ErrOrigin},
		{"wrong secret", credentials("p1", otherSecret), PoolName{}, true, ErrCredentials},
		{"unknown pool", credentials("p3", poolSecret), PoolName{}, true, ErrCredentials},
		{"empty credentials", credentials("", ""), PoolName{}, false, ErrCredentials},
		{"browser, not allowed", browser(), PoolName{}, false, ErrCredentials},
		{"browser", browser(), PoolName{}, true, nil},
		{"another browser", otherBrowser, PoolName{}, true, ErrCredentials},
		{"the browser on another site", foreignPage, PoolName{}, true, ErrOrigin},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newService(t, nil, newPool(func(p *pool.Pool) { p.AllowBrowserExchange = test.browser }), secondPool())
			code := f.create()
			f.confirm(code)
			req := RedeemRequest{Ticket: f.pool.Ticket(code), Pool: test.pool}
			user, err := f.Redeem(t.Context(), test.by, req)
			if !errors.Is(err, test.want) || (user.ID == "alice") != (test.want == nil) {
				t.Errorf("%q, %v", user.ID, err)
			}
			req.Pool = PoolName{}
			if _, err := f.Redeem(t.Context(), site(), req); (err == nil) != (test.want != nil) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestAnUnknownTicketTellsWhatThePoolWould asks without credentials.
func TestAnUnknownTicketTellsWhatThePoolWould(t *testing.T) {
	for _, test := range []struct {
		pool    PoolName
		browser bool
		want    error
	}{
		{PoolName{}, true, ErrCredentials}, {PoolName{ID: "p3"}, true, ErrNoPool},
		{PoolName{ID: "p1"}, false, ErrCredentials}, {PoolName{ID: "p1"}, true, ErrTicket}, {PoolName{ID: "p2"}, true, ErrCredentials},
	} {
		f := newService(t, nil, newPool(func(p *pool.Pool) { p.AllowBrowserExchange = test.browser }), secondPool())
		if _, err := f.Redeem(t.Context(), browser(), RedeemRequest{Ticket: "made up", Pool: test.pool}); !errors.Is(err, test.want) {
			t.Errorf("%+v: %v, want %v", test.pool, err, test.want)
		}
	}
	f := newService(t, nil)
	if _, err := f.Redeem(t.Context(), site(), RedeemRequest{}); !errors.Is(err, FieldError{"ticket", Required}) {
		t.Error(err)
	}
}

func TestAStoreThatFailsDoesNotMakeATicketInvalid(t *testing.T) {
	f := newService(t, nil)
	code := f.create()
	f.confirm(code)
	f.store.Fail(errors.New("away"))
	if _, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: f.pool.Ticket(code)}); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrTicket) {
		t.Error(err)
	}
	f.store.Fail(nil)
	if _, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: f.pool.Ticket(code)}); err != nil {
		t.Error(err)
	}
}
