package login

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
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
	Code      string        // the code's id, or the whole text of its picture
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
}

// Consent is the assessment of a login.
type Consent struct {
	Verdict pool.Verdict
	Reasons []risk.Reason
	Signals risk.Signals
}

// Scan records that the phone's user scanned a code. Errors: ErrNoPool, FieldError,
// ErrInvalidCode, ErrOrigin, ErrCredentials, ErrNotLoggedIn, ErrOtherPool, TooMany,
// ErrUnavailable, and those of session.Step and identity.
func (s *Service) Scan(ctx context.Context, by *Caller, req PhoneRequest) (PhoneResult, error) {
	return s.step(ctx, by, req, session.Scan)
}

// Confirm records that the phone's user agrees. Errors: those of Scan, Blocked, ErrMatchCode
// and WrongNumber.
func (s *Service) Confirm(ctx context.Context, by *Caller, req PhoneRequest) (PhoneResult, error) {
	req.maxAge = freshEnough
	return s.step(ctx, by, req, session.Confirm)
}

// Cancel records that the phone's user declines. Errors: those of Scan.
func (s *Service) Cancel(ctx context.Context, by *Caller, req PhoneRequest) (PhoneResult, error) {
	return s.step(ctx, by, req, session.Cancel)
}

// step finds the code and identifies the user, then decides.
func (s *Service) step(ctx context.Context, by *Caller, req PhoneRequest, action session.Action) (PhoneResult, error) {
	own, named, err := s.FindPool(req.Pool)
	if err != nil {
		return PhoneResult{}, err
	}
	if req.Code == "" {
		return PhoneResult{}, FieldError{"random", Required}
	}
	code, p, err := s.codeForPhone(ctx, req.Code)
	if err != nil {
		return PhoneResult{}, s.countFailure(ctx, by, err)
	}
	by.SetSubject(p, code)
	if err := s.CheckOrigin(by, p); err != nil {
		return PhoneResult{}, cmp.Or(s.checkGuesses(by, code), err)
	}
	if !named {
		own = p
	}
	user, err := s.phoneUser(ctx, by, req, own, p)
	if err != nil {
		return PhoneResult{}, s.countFailure(ctx, by, cmp.Or(s.checkGuesses(by, code), err))
	}
	by.user, by.subject.User = user.ID, user.ID
	if err := s.countUser(ctx, by, p, user.ID); err != nil {
		return PhoneResult{}, err
	}
	address, err := phoneAddress(by, req)
	if err != nil {
		return PhoneResult{}, err
	}
	d := decision{pool: p, code: code, user: user, phone: address, matchCode: req.MatchCode}
	if action == session.Scan {
		return s.scan(ctx, by, d)
	}
	return s.decide(ctx, by, d, action)
}

func (s *Service) codeForPhone(ctx context.Context, text string) (session.Session, *pool.Pool, error) {
	name, err := s.readCode(text)
	if err != nil {
		return session.Session{}, nil, ErrInvalidCode
	}
	code, p, err := s.Code(ctx, name.id)
	if errors.Is(err, session.ErrNotFound) || err == nil && !name.isIn(p) {
		return session.Session{}, nil, ErrInvalidCode
	}
	return code, p, err
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

// decision is a step of a known user on a loaded code.
type decision struct {
	pool      *pool.Pool
	code      session.Session
	user      session.User
	phone     netip.Addr // of the phone; zero: unknown
	matchCode string
}

// scan stores a scan, unless the user is in a cool-down.
func (s *Service) scan(ctx context.Context, by *Caller, d decision) (PhoneResult, error) {
	known := s.known(ctx, d)
	if known.CoolDown > 0 {
		return PhoneResult{}, TooMany{RetryAfter: known.CoolDown, CoolDown: true}
	}
	change := session.Change{Action: session.Scan, User: d.user, TTL: d.pool.ConfirmTTL}
	code, _, err := s.transition(ctx, by, d.code, change)
	if err != nil {
		return PhoneResult{}, phoneError(err)
	}
	d.code = code
	signals := s.signals(d, known)
	verdict, reasons := risk.Verdict(signals, d.pool.Consent)
	return PhoneResult{Pool: d.pool, Code: code, Consent: &Consent{verdict, reasons, signals}}, nil
}

// decide stores a confirm or a cancel.
func (s *Service) decide(ctx context.Context, by *Caller, d decision, action session.Action) (PhoneResult, error) {
	change := session.Change{Action: action, User: d.user}
	if action == session.Confirm {
		change.TTL = d.pool.TicketTTL
		if session.Advances(d.code, change) {
			var err error
			if change, err = s.checkConfirm(ctx, d, change); err != nil {
				return PhoneResult{}, err
			}
		}
	}
	code, stored, err := s.transition(ctx, by, d.code, change)
	if err != nil {
		return PhoneResult{}, phoneError(err)
	}
	if change.Action == session.Mismatch {
		return PhoneResult{}, WrongNumber{Left: max(0, session.MaxMismatches-code.Mismatches)}
	}
	if stored { // not a phone that repeats its request
		s.recordDecision(ctx, d.pool, code)
	}
	return PhoneResult{Pool: d.pool, Code: code}, nil
}

func phoneError(err error) error {
	if errors.Is(err, session.ErrNotFound) {
		return ErrInvalidCode
	}
	return err
}

// checkConfirm refuses a confirm that the pool's rules block, by the signals of this moment,
// and checks its number. It returns the change to make. Signals are determined only if a rule
// can block.
func (s *Service) checkConfirm(ctx context.Context, d decision, change session.Change) (session.Change, error) {
	if d.pool.Consent.CanBlock() {
		signals := s.signals(d, s.known(ctx, d))
		if verdict, reasons := risk.Verdict(signals, d.pool.Consent); verdict == pool.Block {
			return change, Blocked{reasons}
		}
	}
	return matched(d.pool, d.code, change, d.matchCode)
}

// known returns what the history has about a login; nothing if it does not answer.
func (s *Service) known(ctx context.Context, d decision) risk.Known {
	known, err := s.history.Of(ctx, d.pool, d.code, d.user.ID)
	if err != nil {
		s.log.Log(ctx, slog.LevelWarn, "history "+ErrorKind(err), "risk signals are unknown: the counts did not answer", "error", err)
	}
	return known
}

func (s *Service) signals(d decision, known risk.Known) risk.Signals {
	country := func(addr netip.Addr) string {
		code, _ := s.place(addr, "en")
		return code
	}
	return risk.SignalsOf(d.code, known, d.phone, s.store.Now(), country)
}

// recordDecision records what a user decided, for later logins. The decision is stored
// already, so errors are only logged.
func (s *Service) recordDecision(ctx context.Context, p *pool.Pool, code session.Session) {
	switch code.Status {
	case session.Confirmed:
		s.history.Confirmed(ctx, p, code)
	case session.Canceled:
		if err := s.history.Canceled(ctx, p, code.User.ID); err != nil {
			s.log.Log(ctx, slog.LevelWarn, "cancel "+ErrorKind(err), "cancel not recorded for the cool-down", "pool", p.ID, "error", err)
		}
	}
}
