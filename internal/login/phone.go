package login

import (
	"cmp"
	"context"
	"net/netip"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/risk"
	"github.com/scanlogin/scanlogin/session"
)

// PhoneRequest is a step of the phone's user. The caller is the phone, or the app's back end
// with the pool's credentials.
type PhoneRequest struct {
	Pool      PoolName      // of the phone; if it names none, the code's pool
	Code      string        // the code's id, or the whole text of its picture; Scan: or its typed code
	Token     string        // of the user; "" if there is none
	User      *session.User // whom the app's back end names, instead of a token; nil: nobody
	PhoneIP   string        // address of the user's phone, likewise
	MatchCode string        // Confirm: the number that the page shows, if the pool requires it

	maxAge time.Duration // how old the identity's answer may be; 0: as old as it allows
}

// PhoneResult is the code after a step.
type PhoneResult struct {
	Pool    *pool.Pool
	Code    session.Session
	Consent *Consent // Scan: what the user should know before they confirm; otherwise nil
	// StepUp is what the user's login does not meet after a Scan: a Confirm would be refused
	// with StepUpRequired. nil: it meets everything.
	StepUp *session.StepUp
	Device *Device      // that the code is for, after a Scan; nil: it is for none
	Client *pool.Client // OAuth client that the code is for, after a Scan; nil: it is for none
}

// Consent is the assessment of a login.
type Consent struct {
	Verdict pool.Verdict
	Reasons []risk.Reason
	Signals risk.Signals
}

// Scan records that the phone's user scanned a code. Errors: ErrNoPool, FieldError,
// ErrInvalidCode, ErrOrigin, ErrCredentials, ErrNotLoggedIn, ErrOtherPool, TooMany,
// ErrUnavailable, and those of session.Transition and identity.
func (s *Service) Scan(ctx context.Context, by *Caller, req PhoneRequest) (PhoneResult, error) {
	return s.step(ctx, by, req, session.Scan)
}

// Confirm records that the phone's user agrees. Errors: those of Scan, and in this order
// StepUpRequired, Blocked, ErrMatchCode or WrongNumber.
func (s *Service) Confirm(ctx context.Context, by *Caller, req PhoneRequest) (PhoneResult, error) {
	req.maxAge = freshEnough
	return s.step(ctx, by, req, session.Confirm)
}

// Cancel records that the phone's user declines. Errors: those of Scan.
func (s *Service) Cancel(ctx context.Context, by *Caller, req PhoneRequest) (PhoneResult, error) {
	return s.step(ctx, by, req, session.Cancel)
}

// step finds pool and user, then decides. It loads the code only if it must know it before.
func (s *Service) step(ctx context.Context, by *Caller, req PhoneRequest, action session.Action) (PhoneResult, error) {
	own, named, err := s.ownPool(req)
	if err != nil {
		return PhoneResult{}, err
	}
	if req.Code == "" {
		return PhoneResult{}, FieldError{"random", Required}
	}
	if typed, ok := pool.ParseTypedCode(req.Code); ok && action == session.Scan {
		return s.scanTyped(ctx, by, req, typed)
	}
	name, err := s.readCode(req.Code)
	if err != nil {
		return PhoneResult{}, s.countFailure(ctx, by, ErrInvalidCode)
	}
	d := decision{pool: own, id: name.id, matchCode: req.MatchCode}
	if !named || !name.isIn(own) || action == session.Confirm && decidesOnTheCode(own) {
		if d, err = s.load(ctx, by, d, name); err != nil {
			return PhoneResult{}, s.countFailure(ctx, by, phoneError(err))
		}
		if !named {
			own = d.pool
		}
	} else {
		by.SetSubject(d.pool, session.Session{})
	}
	if d.user, err = s.identifyFor(ctx, by, req, own, d); err != nil {
		return PhoneResult{}, err
	}
	if err := s.countUser(ctx, by, d.pool, d.user.ID); err != nil {
		return PhoneResult{}, err
	}
	if d.phone, err = phoneAddress(by, req); err != nil {
		return PhoneResult{}, err
	}
	result, err := s.decide(ctx, by, d, action)
	return result, s.countFailure(ctx, by, err)
}

// ownPool returns the pool that the phone names, or the only one, which spares loading the code
// to learn its pool.
func (s *Service) ownPool(req PhoneRequest) (own *pool.Pool, named bool, err error) {
	if all := s.pools.All(); req.Pool == (PoolName{}) && len(all) == 1 {
		return all[0], true, nil
	}
	return s.FindPool(req.Pool)
}

// decidesOnTheCode reports whether a confirm for p depends on the code.
func decidesOnTheCode(p *pool.Pool) bool {
	return p.Consent.CanBlock() || p.Match != session.MatchNone || !p.StepUp.IsZero()
}

// load loads the code of a decision, which must be of the pool that its name has, if any. It
// makes the code the subject of the request.
func (s *Service) load(ctx context.Context, by *Caller, d decision, name codeName) (decision, error) {
	code, p, err := s.Code(ctx, d.id)
	if err == nil && !name.isIn(p) {
		err = session.ErrNotFound
	}
	if err != nil {
		return d, err
	}
	by.SetSubject(p, code)
	d.pool, d.code, d.isLoaded = p, code, true
	return d, nil
}

// identifyFor returns the phone's user, who acts from now on. If the code was loaded, a
// caller that guesses must not learn from a refusal that it exists.
func (s *Service) identifyFor(ctx context.Context, by *Caller, req PhoneRequest, own *pool.Pool, d decision) (session.User, error) {
	guess := func() error {
		if d.isLoaded {
			return s.checkGuesses(by, d.code)
		}
		return nil
	}
	if err := s.CheckOrigin(by, d.pool); err != nil {
		return session.User{}, cmp.Or(guess(), err)
	}
	user, err := s.phoneUser(ctx, by, req, own, d.pool)
	if err != nil {
		return session.User{}, s.countFailure(ctx, by, cmp.Or(guess(), err))
	}
	user.Auth = user.Auth.At(s.store.Now())
	by.user, by.subject.User = user.ID, user.ID
	return user, nil
}

// phoneAddress returns the phone's address; zero if it is unknown. A back end that calls for
// a phone has to pass it.
func phoneAddress(by *Caller, req PhoneRequest) (netip.Addr, error) {
	text := by.IP
	if by.Credentials != nil {
		if text = req.PhoneIP; text == "" {
			return netip.Addr{}, nil
		}
		if _, err := netip.ParseAddr(text); err != nil {
			return netip.Addr{}, FieldError{"phoneIp", NotAddress}
		}
	}
	addr, _ := netip.ParseAddr(text)
	return addr, nil
}
