package login

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// counted is a store that counts its calls. before is called before a step, unless it is nil.
type counted struct {
	session.Store
	loads, steps int
	before       func()
}

func (c *counted) Load(ctx context.Context, id session.ID) (session.Session, error) {
	c.loads++
	return c.Store.Load(ctx, id)
}

func (c *counted) Apply(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	if c.before != nil {
		c.before()
	}
	c.steps++
	return c.Store.Apply(ctx, id, t)
}

// newCounted returns a service whose store counts, for phones of p1 with the token "good".
func newCounted(t *testing.T, change func(*pool.Pool)) (*fixture, *counted) {
	st := new(counted)
	f := newService(t, func(o *Options) { st.Store, o.Store = o.Store, st }, newPool(func(p *pool.Pool) {
		p.Identity = &oneUser{token: "good"}
		if change != nil {
			change(p)
		}
	}), secondPool())
	return f, st
}

// TestACodeIsLoadedOnlyIfItMustBeKnown counts the calls of each step.
func TestACodeIsLoadedOnlyIfItMustBeKnown(t *testing.T) {
	digits := func(p *pool.Pool) { p.Match = session.MatchDigits }
	blocks := func(p *pool.Pool) { p.Consent.OtherCountry = pool.Block }
	stepUp := func(p *pool.Pool) { p.StepUp.AMR = []string{"otp"} }
	for name, test := range map[string]struct {
		change                                  func(*pool.Pool)
		pool                                    PoolName
		scan, confirm, cancel, redeem, withdraw string // "loads steps"
	}{
		"named":           {nil, PoolName{ID: "p1"}, "0 1", "0 1", "0 1", "0 1", "0 1"},
		"named by app":    {nil, PoolName{App: "app1"}, "0 1", "0 1", "0 1", "0 1", "0 1"},
		"not named":       {nil, PoolName{}, "1 1", "1 1", "1 1", "0 1", "0 1"},
		"digits":          {digits, PoolName{ID: "p1"}, "0 1", "1 1", "0 1", "0 1", "0 1"},
		"step-up":         {stepUp, PoolName{ID: "p1"}, "0 1", "1 1", "0 1", "0 1", "0 1"},
		"blocked by rule": {blocks, PoolName{ID: "p1"}, "0 1", "1 1", "0 1", "0 1", "0 1"},
	} {
		f, st := newCounted(t, test.change)
		step := func(what, want string, do func() error) {
			t.Helper()
			st.loads, st.steps = 0, 0
			if err := do(); err != nil {
				t.Errorf("%s: %s: %v", name, what, err)
			}
			if got := fmt.Sprint(st.loads, st.steps); got != want {
				t.Errorf("%s: %s: %s loads and steps, want %s", name, what, got, want)
			}
		}
		code, canceled, withdrawn := f.create(), f.create(), f.create()
		req := PhoneRequest{Pool: test.pool, Code: string(code.ID), Token: "good", MatchCode: f.pool.MatchCode(code)}
		cancel := PhoneRequest{Pool: test.pool, Code: string(canceled.ID), Token: "good"}
		step("scan", test.scan, func() error { _, err := f.asPhone(f.Scan, req); return err })
		step("scan again", test.scan, func() error { _, err := f.asPhone(f.Scan, req); return err })
		step("confirm", test.confirm, func() error { _, err := f.asPhone(f.Confirm, req); return err })
		step("redeem", test.redeem, func() error {
			_, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: f.pool.Ticket(code)})
			return err
		})
		step("another scan", test.scan, func() error { _, err := f.asPhone(f.Scan, cancel); return err })
		step("cancel", test.cancel, func() error { _, err := f.asPhone(f.Cancel, cancel); return err })
		step("withdraw", test.withdraw, func() error { return f.Withdraw(t.Context(), browser(), f.pool, withdrawn.ID) })
	}
}

// TestRefusalsAreTheSameWithAndWithoutALoad names the pool, or not.
func TestRefusalsAreTheSameWithAndWithoutALoad(t *testing.T) {
	for _, name := range []PoolName{{}, {ID: "p1"}} {
		f, _ := newCounted(t, nil)
		scanned, ended := f.create(), f.create()
		f.confirmAs("bob", scanned, session.Scan)
		f.confirmAs("alice", ended, session.Scan, session.Cancel)
		for what, test := range map[string]struct {
			code session.ID
			step func(context.Context, *Caller, PhoneRequest) (PhoneResult, error)
			want error
		}{
			"unknown code":       {session.NewID(), f.Scan, ErrInvalidCode},
			"no code":            {"x", f.Scan, ErrInvalidCode},
			"not scanned":        {f.create().ID, f.Confirm, session.ErrNotScanned},
			"another user scans": {scanned.ID, f.Scan, session.ErrOtherUser},
			"another user":       {scanned.ID, f.Confirm, session.ErrOtherUser},
			"canceled":           {ended.ID, f.Confirm, session.ErrUsed},
		} {
			if _, err := f.asPhone(test.step, PhoneRequest{Pool: name, Code: string(test.code), Token: "good"}); !errors.Is(err, test.want) {
				t.Errorf("%+v: %s: %v, want %v", name, what, err, test.want)
			}
		}
	}
	f, _ := newCounted(t, nil)
	other, _, _ := f.FindPool(PoolName{ID: "p2"})
	code, err := f.Create(t.Context(), browser(), CreateRequest{Pool: other, CustomData: "{}", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	req := PhoneRequest{Pool: PoolName{ID: "p1"}, Code: string(code.ID), Token: "good"}
	if _, err := f.asPhone(f.Scan, req); !errors.Is(err, ErrOtherPool) {
		t.Errorf("a code of another pool: %v", err)
	}
	f.pools.Replace(f.pool)
	if _, err := f.asPhone(f.Scan, req); !errors.Is(err, ErrInvalidCode) {
		t.Errorf("a code of a removed pool: %v", err)
	}
}

// confirmAs stores steps of a user.
func (f *fixture) confirmAs(user string, code session.Session, steps ...session.Action) {
	f.Helper()
	for _, a := range steps {
		c := session.Change{Action: a, User: session.User{ID: user}, TTL: f.pool.ConfirmTTL, Pool: f.pool.ID}
		if _, _, err := f.apply(f.Context(), &Caller{}, code.ID, c); err != nil {
			f.Fatal(err)
		}
	}
}

// TestAStepIsDecidedAgainOnce has other steps be stored between load and step.
func TestAStepIsDecidedAgainOnce(t *testing.T) {
	f, st := newCounted(t, func(p *pool.Pool) { p.Match = session.MatchDigits })
	code := f.create()
	f.confirmAs("alice", code, session.Scan)
	others := 0
	st.before = func() {
		if others > 0 {
			others--
			c := session.Change{Action: session.Mismatch, User: session.User{ID: "alice"}, Pool: "p1"}
			if _, _, err := st.Store.Apply(t.Context(), code.ID, c.Transition()); err != nil {
				t.Error(err)
			}
		}
	}
	req := PhoneRequest{Pool: PoolName{ID: "p1"}, Code: string(code.ID), Token: "good", MatchCode: f.pool.MatchCode(code)}
	others = 2 // both of two attempts are too late
	st.loads, st.steps = 0, 0
	if _, err := f.asPhone(f.Confirm, req); !errors.Is(err, ErrUnavailable) || st.loads != 1 || st.steps != 2 {
		t.Errorf("%v, after %d loads and %d steps", err, st.loads, st.steps)
	}

	code = f.create()
	f.confirmAs("alice", code, session.Scan)
	req.Code, req.MatchCode, others = string(code.ID), f.pool.MatchCode(code), 1
	st.loads, st.steps = 0, 0
	if result, err := f.asPhone(f.Confirm, req); err != nil || result.Code.Status != session.Confirmed || st.loads != 1 || st.steps != 2 {
		t.Errorf("%v, after %d loads and %d steps", err, st.loads, st.steps)
	}
}

// TestACodeThatNeedsItsNumberIsConfirmedWithIt although its pool does not match digits any more.
func TestACodeThatNeedsItsNumberIsConfirmedWithIt(t *testing.T) {
	f, st := newCounted(t, func(p *pool.Pool) { p.Match = session.MatchDigits })
	code := f.create()
	f.confirmAs("alice", code, session.Scan)
	now := *f.pool
	now.Match = session.MatchNone
	f.pools.Replace(&now)
	req := PhoneRequest{Pool: PoolName{ID: "p1"}, Code: string(code.ID), Token: "good"}
	if _, err := f.asPhone(f.Confirm, req); !errors.Is(err, ErrMatchCode) {
		t.Errorf("without number: %v", err)
	}
	if req.MatchCode = "10"; f.pool.MatchCode(code) == "10" {
		req.MatchCode = "11"
	}
	if _, err := f.asPhone(f.Confirm, req); !errors.Is(err, WrongNumber{Left: session.MaxMismatches - 1}) {
		t.Errorf("with another number: %v", err)
	}
	req.MatchCode = f.pool.MatchCode(code)
	if result, err := f.asPhone(f.Confirm, req); err != nil || result.Code.Status != session.Confirmed || st.loads > 0 {
		t.Errorf("with the number: %v, %d loads", err, st.loads)
	}
}

// TestAnExchangeIsRefusedForTicketStatusAndVerifierInThisOrder tries combinations of mistakes.
func TestAnExchangeIsRefusedForTicketStatusAndVerifierInThisOrder(t *testing.T) {
	f, _ := newCounted(t, nil)
	withChallenge := func(challenge string) session.Session {
		code, err := f.Create(t.Context(), browser(), CreateRequest{Pool: f.pool, CustomData: "{}", Count: 1, Challenge: challenge})
		if err != nil {
			t.Fatal(err)
		}
		return code.Session
	}
	redeem := func(code session.Session, ticket, verifier string, want error) {
		t.Helper()
		_, err := f.Redeem(t.Context(), site(), RedeemRequest{Ticket: ticket, Verifier: verifier})
		if !errors.Is(err, want) {
			t.Errorf("verifier %q: %v, want %v", verifier, err, want)
		}
	}
	code, plain := withChallenge(challenge), withChallenge("")
	ticket := f.pool.Ticket(code)
	redeem(code, ticket, "", ErrTicket) // not confirmed
	for _, c := range []session.Session{code, plain} {
		f.confirmAs("alice", c, session.Scan, session.Confirm)
	}
	redeem(code, ticket[:len(ticket)-4]+"AAAA", "", ErrTicket)
	redeem(code, ticket, "", ErrVerifierRequired)
	redeem(code, ticket, challenge, ErrVerifier)
	redeem(code, ticket, "short", FieldError{"codeVerifier", NotVerifier})
	redeem(plain, f.pool.Ticket(plain), verifier, ErrVerifierUnexpected)
	redeem(code, ticket, verifier, nil)
	redeem(code, ticket, "", ErrTicket)
	redeem(code, strings.Repeat("x", len(ticket)), "", ErrTicket)
}
