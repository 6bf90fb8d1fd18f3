package login

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
)

const (
	callback     = "https://app.example.com/cb"
	clientSecret = "test secret of an OAuth client, long"
)

// withClients gives a pool the clients app and other.
func withClients(p *pool.Pool) {
	p.MaxCodes = 6
	for _, id := range []string{"app", "other"} {
		p.Clients = append(p.Clients, &pool.Client{ID: id, Secret: pool.NewSecret(clientSecret), RedirectURIs: []string{callback}})
	}
}

// TestWrongSecretsOfAClientDoNotLockOutOthers at the same address, nor does an unknown client.
func TestWrongSecretsOfAClientDoNotLockOutOthers(t *testing.T) {
	f := newService(t, nil, newPool(withClients))
	authenticate := func(id, secret string) error {
		_, _, err := f.AuthenticateClient(t.Context(), site(), Credentials{id, secret})
		return err
	}
	for _, id := range []string{"app", "unknown"} {
		refused := false
		for i := 0; i < 1000 && !refused; i++ {
			err := authenticate(id, "wrong")
			if refused = errors.As(err, new(TooMany)); !refused && !errors.Is(err, ErrClient) {
				t.Fatalf("a wrong secret of %s: %v", id, err)
			}
		}
		if !refused {
			t.Errorf("guesses of the secret of %s are not limited", id)
		}
	}
	if err := authenticate("other", clientSecret); err != nil {
		t.Errorf("another client: %v", err)
	}
}

// TestTheSubjectOfARequestHasThePoolOfItsClient, for the audit trail.
func TestTheSubjectOfARequestHasThePoolOfItsClient(t *testing.T) {
	f := newService(t, nil, newPool(withClients))
	by := site()
	if _, _, err := f.AuthenticateClient(t.Context(), by, Credentials{"app", clientSecret}); err != nil || by.Subject().Pool != "p1" {
		t.Errorf("pool %q, %v", by.Subject().Pool, err)
	}
}

// TestTicketsOfClientsAreBusyWhileTheStoreIsAway, and not spent.
func TestTicketsOfClientsAreBusyWhileTheStoreIsAway(t *testing.T) {
	f := newService(t, nil, newPool(func(p *pool.Pool) {
		withClients(p)
		p.Vouching = true
	}))
	code := f.create()
	f.confirm(code)
	redeem := func() error {
		_, err := f.RedeemTicket(t.Context(), site(), f.pool, RedeemTicketRequest{Client: f.pool.Clients[0], Ticket: f.pool.Ticket(code)})
		return err
	}
	f.store.Fail(errors.New("the store is away"))
	if err := redeem(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("while the store is away: %v", err)
	}
	f.store.Fail(nil)
	if err := redeem(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestATicketOfAClientIsExchangedByWhoIsThatClient, in a pool that lets browsers exchange tickets: a
// public client is the page in the browser that requested the code. No attempt uses the ticket but
// the last.
func TestATicketOfAClientIsExchangedByWhoIsThatClient(t *testing.T) {
	const public, secret, removed = "spa", "app", "removed"
	for _, test := range []struct {
		of      string // client that the code was created for; "": none
		browser error
		app     error // the client app
	}{
		{"", nil, nil}, {public, nil, ErrClient}, {secret, ErrCredentials, nil}, {"other", ErrCredentials, ErrClient}, {removed, ErrCredentials, ErrClient},
	} {
		for _, by := range []string{"browser", "app"} {
			f := newService(t, nil, newPool(func(p *pool.Pool) {
				withClients(p)
				p.Vouching, p.AllowBrowserExchange = true, true
				p.Clients = append(p.Clients, &pool.Client{ID: public, RedirectURIs: []string{callback}})
			}))
			created, err := f.Create(t.Context(), browser(), CreateRequest{Pool: f.pool, CustomData: "{}", Count: 1, Client: test.of})
			if err != nil {
				t.Fatal(err)
			}
			f.confirm(created.Session)
			ticket := f.pool.Ticket(created.Session)
			byTicket := func(c *pool.Client) error {
				_, err := f.RedeemTicket(t.Context(), site(), f.pool, RedeemTicketRequest{Client: c, Ticket: ticket})
				return err
			}
			if err := byTicket(f.pool.Clients[2]); !errors.Is(err, ErrClient) {
				t.Errorf("a code of %q for tokens of a public client: %v", test.of, err)
			}
			if _, err := f.Redeem(t.Context(), stranger(), RedeemRequest{Ticket: ticket}); !errors.Is(err, ErrCredentials) {
				t.Errorf("a code of %q for a stranger: %v", test.of, err)
			}
			want := test.browser
			if by == "app" {
				err, want = byTicket(f.pool.Clients[0]), test.app
			} else {
				_, err = f.Redeem(t.Context(), browser(), RedeemRequest{Ticket: ticket})
			}
			if !errors.Is(err, want) {
				t.Errorf("a code of %q for %s: %v, want %v", test.of, by, err, want)
			}
			if _, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: ticket}); (err == nil) != (want != nil) {
				t.Errorf("a code of %q for the site after %s: %v", test.of, by, err)
			}
		}
	}
}

// TestAnExchangeIsALoginAtTheClientThatGetsTokens, also if the code was created for none.
func TestAnExchangeIsALoginAtTheClientThatGetsTokens(t *testing.T) {
	f := newService(t, nil, newPool(func(p *pool.Pool) {
		withClients(p)
		p.Vouching = true
	}))
	code := f.create()
	f.confirm(code)
	if _, err := f.RedeemTicket(t.Context(), site(), f.pool, RedeemTicketRequest{Client: f.pool.Clients[0], Ticket: f.pool.Ticket(code)}); err != nil {
		t.Fatal(err)
	}
	var clients []string
	for _, e := range f.events {
		clients = append(clients, string(e.Kind)+" "+e.Client)
	}
	if got := strings.Join(clients, ", "); got != "made , scanned , confirmed , exchanged app" {
		t.Errorf("events %s", got)
	}
}

// TestAnAuthorizationRequestNeedsItsClient, which may have changed since the request began.
func TestAnAuthorizationRequestNeedsItsClient(t *testing.T) {
	const cookie = "the cookie of the request"
	for name, test := range map[string]struct {
		change func(*pool.Pool)
		want   error
	}{
		"nothing changed":           {func(*pool.Pool) {}, nil},
		"the client was removed":    {func(p *pool.Pool) { p.Clients = p.Clients[1:] }, ErrNoRequest},
		"it has another address":    {func(p *pool.Pool) { p.Clients[0].RedirectURIs = []string{callback + "2"} }, ErrNoRequest},
		"it belongs to another one": {func(p *pool.Pool) { p.ID = "p3" }, ErrNoRequest},
	} {
		pools := pool.NewRegistry(newPool(withClients))
		f := newService(t, func(o *Options) { o.Records, o.Pools = kv.NewMemory(), pools }, pools.ByID("p1"))
		p := pools.ByID("p1")
		id, err := f.BeginAuthorization(t.Context(), browser(), p, AuthorizationRequest{Pool: "p1", ClientID: "app", RedirectURI: callback, Scope: "openid"}, cookie)
		if err != nil {
			t.Fatal(err)
		}
		changed := newPool(withClients)
		test.change(changed)
		pools.Replace(changed)
		if _, err := f.Authorization(t.Context(), id, cookie); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// TestAnAuthorizationRequestLastsForAllItsCodes, and for the decision about the last one.
func TestAnAuthorizationRequestLastsForAllItsCodes(t *testing.T) {
	f := newService(t, func(o *Options) { o.Records = kv.NewMemory() }, newPool(func(p *pool.Pool) {
		p.MaxCodes, p.CodeTTL, p.ConfirmTTL = 6, 2*time.Minute, time.Minute
	}))
	if lasts := time.Until(f.requestExpiry(f.pool)).Round(time.Minute); lasts != 13*time.Minute {
		t.Errorf("it lasts %v", lasts)
	}
}
