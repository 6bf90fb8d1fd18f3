package login

import (
	"errors"
	"fmt"
	"testing"

	"github.com/scanlogin/scanlogin/session"
)

// TestEachChangeIsCountedOnce sees how many requests an address may make that fail before
// they are counted, and that are counted by the use case.
func TestEachChangeIsCountedOnce(t *testing.T) {
	requests := map[string]func(*fixture, *Caller) error{
		"fails": func(*fixture, *Caller) error { return errors.New("the body is not JSON") },
		"succeeds": func(f *fixture, by *Caller) error {
			_, err := f.Create(f.Context(), by, CreateRequest{Pool: f.pool, CustomData: "{}", Count: 1})
			return err
		},
	}
	for name, request := range requests {
		f := newService(t, func(o *Options) { o.Limits.AddressRate = 1 })
		allowed := 0
		for ; allowed < 100; allowed++ {
			by := stranger()
			err := f.BeginChange(t.Context(), by)
			if err == nil {
				err = f.EndChange(t.Context(), by, request(f, by))
			}
			if errors.As(err, new(TooMany)) {
				break
			}
		}
		if allowed < burst || allowed == 100 { // the limit is refilled while the test runs
			t.Errorf("%s: %d requests were allowed", name, allowed)
		}
		if err := f.BeginChange(t.Context(), site()); err != nil {
			t.Errorf("%s: a site: %v", name, err)
		}
	}
}

// TestOnlyGuessesCountAsGuesses has an address beyond its limit after failures of one kind,
// or not.
func TestOnlyGuessesCountAsGuesses(t *testing.T) {
	for _, test := range []struct {
		err             error
		lookup, secrets bool
	}{
		{session.ErrNotFound, true, false}, {ErrInvalidCode, true, false}, {ErrTicket, true, false}, {ErrVerifier, true, false},
		{ErrVerifierRequired, true, false}, {fmt.Errorf("%w: %w", ErrTicket, session.ErrOver), true, false},
		{ErrCredentials, false, true},
		{fmt.Errorf("%w: store: %w", ErrUnavailable, errors.New("away")), false, false}, {ErrNotLoggedIn, false, false}, {ErrOrigin, false, false},
		{session.ErrOver, false, false}, {FieldError{"ticket", Required}, false, false},
	} {
		f := newService(t, func(o *Options) { o.Limits.MissRate = 1 })
		code := f.create()
		for range 5 * burst {
			_ = f.countFailure(t.Context(), stranger(), test.err)
		}
		if err := f.checkGuesses(stranger(), code); (err != nil) != test.lookup {
			t.Errorf("%v: may look up codes: %v", test.err, err)
		}
		if err := f.checkWrongSecrets(t.Context(), stranger()); (err != nil) != test.secrets {
			t.Errorf("%v: may show secrets: %v", test.err, err)
		}
		if err := f.checkGuesses(&Caller{IP: code.Client.IP}, code); err != nil {
			t.Errorf("%v: the address that requested the code: %v", test.err, err)
		}
	}
}

func TestASiteGuessesNothing(t *testing.T) {
	f := newService(t, func(o *Options) { o.Limits.MissRate = 1 })
	for range 5 * burst {
		if _, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: "made up"}); !errors.Is(err, ErrTicket) {
			t.Fatal(err)
		}
	}
	if _, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: "made up", Pool: PoolName{ID: "p2"}}); !errors.Is(err, ErrCredentials) {
		t.Errorf("credentials of another pool than the named one: %v", err)
	}
}

func TestConnectionsAndWatchersAreGivenBack(t *testing.T) {
	f := newService(t, func(o *Options) { o.Limits.Sockets, o.Limits.SocketsPerAddress, o.Limits.WatchersPerCode = 3, 2, 1 })
	const home, same, other = "2001:db8::1", "2001:db8::2", "192.0.2.1"
	for range 3 {
		for _, ip := range []string{home, same, other} {
			if err := f.AcquireConnection(ip); err != nil {
				t.Fatalf("%s: %v", ip, err)
			}
		}
		if err := f.AcquireConnection(other); !errors.As(err, new(TooMany)) {
			t.Errorf("a fourth connection: %v", err)
		}
		f.ReleaseConnection(other)
		if err := f.AcquireConnection(home); !errors.As(err, new(TooMany)) {
			t.Errorf("a third connection of an address: %v", err)
		}
		if n := f.Usage().Connections; n != 2 {
			t.Errorf("%d connections", n)
		}
		f.ReleaseConnection(same)
		f.ReleaseConnection(home)
	}
	id, proven := session.NewID(), Rights{IsBrowser: true}
	for range 3 {
		if err := f.AcquireWatcher(id, Rights{}); err != nil {
			t.Fatal(err)
		}
		if err := f.AcquireWatcher(id, Rights{}); !errors.As(err, new(TooMany)) {
			t.Errorf("a second watcher: %v", err)
		}
		if err := f.AcquireWatcher(id, proven); err != nil {
			t.Errorf("the browser: %v", err)
		}
		f.ReleaseWatcher(id, proven)
		f.ReleaseWatcher(id, Rights{})
	}
}

// TestAGuesserIsNotShownACodeThatExists unless it proves to be its browser.
func TestAGuesserIsNotShownACodeThatExists(t *testing.T) {
	f := newService(t, func(o *Options) { o.Limits.MissRate = 1 })
	code := f.create()
	view := func(proof Proof, id session.ID) error {
		_, err := f.View(t.Context(), &Caller{Proof: proof, IP: stranger().IP}, ViewRequest{Random: string(id)})
		return err
	}
	if err := view(Proof{}, code.ID); err != nil {
		t.Errorf("before the guesses: %v", err)
	}
	for range 5 * burst {
		_ = view(Proof{}, session.NewID())
	}
	if err := view(Proof{}, code.ID); !errors.As(err, new(TooMany)) {
		t.Errorf("after the guesses: %v", err)
	}
	if err := view(browser().Proof, code.ID); err != nil {
		t.Errorf("with proof: %v", err)
	}
}

// TestASecretForAnotherPoolCountsAsWrong because it could be tried for all pools.
func TestASecretForAnotherPoolCountsAsWrong(t *testing.T) {
	f := newService(t, func(o *Options) { o.Limits.MissRate = 1 })
	for range 5 * burst {
		_, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: "made up", Pool: PoolName{ID: "p2"}})
		if errors.As(err, new(TooMany)) {
			return
		}
		if !errors.Is(err, ErrCredentials) {
			t.Fatal(err)
		}
	}
	t.Error("it was never refused")
}
