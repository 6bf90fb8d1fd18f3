package login

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/risk"
	"github.com/scanlogin/scanlogin/session"
)

// oneUser accepts one token, for one user. It records how old its answer might be.
type oneUser struct {
	token  string
	maxAge []time.Duration
}

func (o *oneUser) Identify(_ context.Context, token string, _ time.Time, maxAge time.Duration) (session.User, error) {
	o.maxAge = append(o.maxAge, maxAge)
	if token != o.token {
		return session.User{}, identity.ErrRefused
	}
	return session.User{ID: "alice", Auth: session.Auth{AMR: []string{"otp"}}}, nil
}

func phone() *Caller { return &Caller{IP: "198.51.100.1"} }

// asPhone makes a step as a phone, with a token.
func (f *fixture) asPhone(step func(context.Context, *Caller, PhoneRequest) (PhoneResult, error), req PhoneRequest) (PhoneResult, error) {
	f.Helper()
	return step(f.Context(), f.begun(phone()), req)
}

func TestAPhoneIsItsTokensUser(t *testing.T) {
	own := &oneUser{token: "good"}
	f := newService(t, nil, newPool(func(p *pool.Pool) { p.Identity = own }), secondPool())
	req := func(token string) PhoneRequest { return PhoneRequest{Code: string(f.create().ID), Token: token} }
	for token, want := range map[string]error{"": ErrNotLoggedIn, "bad": identity.ErrRefused, "good": nil} {
		result, err := f.asPhone(f.Scan, req(token))
		if !errors.Is(err, want) || (result.Code.User.ID == "alice") != (want == nil) {
			t.Errorf("%q: %q, %v", token, result.Code.User.ID, err)
		}
	}
	foreign := req("good")
	foreign.Pool = PoolName{ID: "p2"} // whose back end names the users
	if _, err := f.asPhone(f.Scan, foreign); !errors.Is(err, identity.ErrRefused) {
		t.Error(err)
	}
	confirm := req("good")
	if _, err := f.asPhone(f.Scan, confirm); err != nil {
		t.Fatal(err)
	}
	if _, err := f.asPhone(f.Confirm, confirm); err != nil {
		t.Fatal(err)
	}
	if last := own.maxAge[len(own.maxAge)-2:]; last[0] != 0 || last[1] != freshEnough {
		t.Errorf("a scan and a confirm accept answers that are %v old", last)
	}
}

// TestAUserOfTheNamedPoolDecidesOnNoOtherPoolsCode has the code be loaded, because the named pool
// matches digits. A user of the other pool with the same id has scanned it.
func TestAUserOfTheNamedPoolDecidesOnNoOtherPoolsCode(t *testing.T) {
	f, _ := newCounted(t, func(p *pool.Pool) { p.Match = session.MatchDigits })
	other, err := f.Pool("p2")
	if err != nil {
		t.Fatal(err)
	}
	code, err := f.Create(t.Context(), browser(), CreateRequest{Pool: other, CustomData: "{}", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	scan := session.Change{Action: session.Scan, User: session.User{ID: "alice"}, TTL: other.ConfirmTTL, Pool: "p2"}
	if _, _, err := f.apply(t.Context(), &Caller{}, code.ID, scan); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]error{"good": ErrOtherPool, "bad": identity.ErrRefused} {
		_, err := f.asPhone(f.Confirm, PhoneRequest{Pool: PoolName{ID: "p1"}, Code: string(code.ID), Token: token})
		if !errors.Is(err, want) || errors.Is(err, ErrOtherPool) != (token == "good") {
			t.Errorf("token %q: %v, want %v", token, err, want)
		}
	}
	if code, _, err := f.Code(t.Context(), code.ID); err != nil || code.Status != session.Scanned {
		t.Errorf("the code is %v, %v", code.Status, err)
	}
}

func TestABackEndNamesUsersOnlyForItsPoolAndIfItMay(t *testing.T) {
	f := newService(t, nil, newPool(nil), secondPool(), newPool(func(p *pool.Pool) {
		p.ID, p.AppIDs, p.Identity = "p3", nil, &oneUser{token: "good"}
	}))
	code := f.create()
	third, err := f.Pool("p3")
	if err != nil {
		t.Fatal(err)
	}
	vouchedFor, err := f.Create(t.Context(), browser(), CreateRequest{Pool: third, CustomData: "{}", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	alice := &session.User{ID: "alice"}
	for name, test := range map[string]struct {
		id, secret string
		code       session.ID
		user       *session.User
		want       error
	}{
		"right":                 {"p1", poolSecret, code.ID, alice, nil},
		"no user":               {"p1", poolSecret, code.ID, nil, FieldError{"user.id", Required}},
		"no id":                 {"p1", poolSecret, code.ID, &session.User{}, FieldError{"user.id", Required}},
		"id that is no text":    {"p1", poolSecret, code.ID, &session.User{ID: "\xff"}, FieldError{"user.id", NotUserID}},
		"name that is no text":  {"p1", poolSecret, code.ID, &session.User{ID: "alice", Username: "\xff"}, FieldError{"user.username", NotUsername}},
		"wrong secret":          {"p1", otherSecret, code.ID, alice, ErrCredentials},
		"another pool":          {"p2", otherSecret, code.ID, alice, ErrOtherPool},
		"a pool with tokens":    {"p3", poolSecret, vouchedFor.ID, alice, ErrNotLoggedIn},
		"a code that is no one": {"p1", poolSecret, session.NewID(), alice, ErrInvalidCode},
	} {
		by := f.begun(&Caller{IP: "203.0.113.1", Credentials: &Credentials{test.id, test.secret}})
		_, err := f.Scan(t.Context(), by, PhoneRequest{Code: string(test.code), User: test.user})
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestABlockedConfirmNamesItsReasons(t *testing.T) {
	places := map[string]string{"192.0.2.1": "DE", "198.51.100.1": "FR", "203.0.113.1": "DE"}
	f := newService(t, func(o *Options) {
		o.Place = func(addr netip.Addr, _ string) (country, name string) { return places[addr.String()], "" }
	}, newPool(func(p *pool.Pool) {
		p.Identity = &oneUser{token: "good"}
		p.Consent = pool.Consent{OtherCountry: pool.Block, NewBrowser: pool.Careful, OldAfter: time.Hour, ManyCodesFrom: 100}
	}))
	req := PhoneRequest{Code: string(f.create().ID), Token: "good"}
	result, err := f.asPhone(f.Scan, req)
	want := []risk.Reason{risk.OtherCountry, risk.NewBrowser}
	if err != nil || result.Consent == nil || result.Consent.Verdict != pool.Block || !slices.Equal(result.Consent.Reasons, want) {
		t.Fatalf("%+v, %v", result.Consent, err)
	}
	_, err = f.asPhone(f.Confirm, req)
	if blocked, ok := errors.AsType[Blocked](err); !ok || !slices.Equal(blocked.Reasons, want) {
		t.Errorf("confirm: %v", err)
	}
	home := f.begun(&Caller{IP: "203.0.113.1"})
	if result, err := f.Confirm(t.Context(), home, req); err != nil || result.Consent != nil {
		t.Errorf("from the same country: %+v, %v", result, err)
	}
	if _, err := f.asPhone(f.Confirm, req); err != nil {
		t.Errorf("a confirm that is repeated: %v", err)
	}
}

func TestWrongNumbersAreCountedDown(t *testing.T) {
	f := newService(t, nil, newPool(func(p *pool.Pool) { p.Identity, p.Match = &oneUser{token: "good"}, session.MatchDigits }))
	code := f.create()
	req := PhoneRequest{Code: string(code.ID), Token: "good"}
	if _, err := f.asPhone(f.Scan, req); err != nil {
		t.Fatal(err)
	}
	if _, err := f.asPhone(f.Confirm, req); !errors.Is(err, ErrMatchCode) {
		t.Errorf("without number: %v", err)
	}
	if req.MatchCode = "10"; f.pool.MatchCode(code) == "10" {
		req.MatchCode = "11"
	}
	for left := session.MaxMismatches - 1; left >= 0; left-- {
		if _, err := f.asPhone(f.Confirm, req); !errors.Is(err, WrongNumber{Left: left}) {
			t.Errorf("with %d tries left: %v", left, err)
		}
	}
	if _, err := f.asPhone(f.Confirm, req); !errors.Is(err, session.ErrUsed) {
		t.Errorf("after the last try: %v", err)
	}
}

func TestCancelsInARowRefuseTheNextScan(t *testing.T) {
	f := newService(t, nil, newPool(func(p *pool.Pool) { p.Identity, p.Limits.UserRate = &oneUser{token: "good"}, 1000 }))
	cancel := func() error {
		req := PhoneRequest{Code: string(f.create().ID), Token: "good"}
		_, err := f.asPhone(f.Scan, req)
		if err == nil {
			_, err = f.asPhone(f.Cancel, req)
		}
		return err
	}
	var refused TooMany
	cancels := 0
	for ; cancels < 20; cancels++ { // on a slow machine the first pauses may be over
		if err := cancel(); errors.As(err, &refused) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if cancels < 3 || !refused.CoolDown || refused.RetryAfter <= 0 || refused.RetryAfter > 5*time.Minute {
		t.Errorf("after %d cancels: %+v", cancels, refused)
	}
}

func TestABackEndTellsWhereThePhoneIs(t *testing.T) {
	withSite := &Caller{IP: "203.0.113.1", Credentials: &Credentials{}}
	for _, test := range []struct {
		by   *Caller
		text string
		want string
		err  error
	}{
		{phone(), "", "198.51.100.1", nil}, {phone(), "192.0.2.9", "198.51.100.1", nil},
		{withSite, "192.0.2.9", "192.0.2.9", nil}, {withSite, "", "invalid IP", nil}, {withSite, "home", "invalid IP", FieldError{"phoneIp", NotAddress}},
	} {
		addr, err := phoneAddress(test.by, PhoneRequest{PhoneIP: test.text})
		if addr.String() != test.want || !errors.Is(err, test.err) {
			t.Errorf("%q: %v, %v", test.text, addr, err)
		}
	}
}
