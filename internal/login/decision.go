package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/risk"
	"github.com/scanlogin/scanlogin/session"
)

// decision is a step of a known user.
type decision struct {
	pool      *pool.Pool
	id        session.ID
	code      session.Session // valid if isLoaded
	isLoaded  bool
	first     bool // only the code's first scan is wanted, and the cool-down was checked before it
	user      session.User
	phone     netip.Addr // of the phone; zero: unknown
	matchCode string
}

// decide makes the step. If it was decided on a session that is not the stored one any more,
// it decides once more, on the stored one.
func (s *Service) decide(ctx context.Context, by *Caller, d decision, action session.Action) (PhoneResult, error) {
	step := s.confirmOrCancel
	if action == session.Scan {
		step = s.scan
	}
	result, err := step(ctx, by, d, action)
	if errors.Is(err, session.ErrMatchRequired) { // the code was created while the pool matched digits
		d.code, d.isLoaded = result.Code, true
		result, err = step(ctx, by, d, action)
	}
	if errors.Is(err, session.ErrStale) {
		d.code, d.isLoaded = result.Code, true
		result, err = step(ctx, by, d, action)
	}
	if result.Code.ID != "" {
		user := by.subject.User
		s.setSubjectFound(by, result.Code)
		by.subject.User = user
	}
	switch {
	case err == nil:
		return result, nil
	case errors.Is(err, session.ErrStale):
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.Is(err, session.ErrOtherPool) && s.pools.ByID(result.Code.Pool) == nil:
		err = ErrInvalidCode // as any code of a removed pool
	case errors.Is(err, session.ErrOtherPool):
		err = fmt.Errorf("%w: %w", ErrOtherPool, err)
	}
	return PhoneResult{}, phoneError(err)
}

// change is what d asks the store for.
func (d decision) change(action session.Action) session.Change {
	c := session.Change{Action: action, User: d.user, Pool: d.pool.ID, First: d.first}
	if d.isLoaded {
		c.Loaded = d.code.Op
	}
	switch action {
	case session.Scan:
		c.TTL = d.pool.ConfirmTTL
	case session.Confirm:
		c.TTL = d.pool.TicketTTL
	}
	return c
}

// scan stores a scan, and returns what the user should know before they confirm. A user in a
// cool-down does not get that: they must not be asked. The scan is stored nevertheless, because
// what the consent screen needs depends on the browser, which the step returns, and a question
// about the cool-down alone would cost each scan another round trip. With a refusal, the result
// has the code.
func (s *Service) scan(ctx context.Context, by *Caller, d decision, _ session.Action) (PhoneResult, error) {
	code, _, err := s.apply(ctx, by, d.id, d.change(session.Scan))
	if err != nil {
		return PhoneResult{Code: code}, err
	}
	d.code = code
	known := s.known(ctx, d)
	if known.CoolDown > 0 && !d.first {
		return PhoneResult{Code: code}, TooMany{RetryAfter: known.CoolDown, CoolDown: true}
	}
	signals := s.signals(d, known)
	verdict, reasons := risk.Verdict(signals, d.pool.Consent)
	return PhoneResult{Pool: d.pool, Code: code, Consent: &Consent{verdict, reasons, signals}, StepUp: s.unmetBy(d), Device: deviceOf(d.pool, code), Client: clientOf(d.pool, code)}, nil
}

// confirmOrCancel stores a confirm or a cancel. With a refusal, the result has the code.
func (s *Service) confirmOrCancel(ctx context.Context, by *Caller, d decision, action session.Action) (PhoneResult, error) {
	change := d.change(action)
	if d.isLoaded {
		if d.code.Op == "" { // it has ended
			return PhoneResult{Code: d.code}, session.ErrOver
		}
		if action == session.Confirm && session.Advances(d.code, change) {
			var err error
			if change, err = s.checkConfirm(ctx, d, change); err != nil {
				return PhoneResult{Code: d.code}, err
			}
		}
	}
	code, stored, err := s.apply(ctx, by, d.id, change)
	if err != nil {
		return PhoneResult{Code: code}, err
	}
	if change.Action == session.Mismatch {
		return PhoneResult{Code: code}, WrongNumber{Left: max(0, session.MaxMismatches-code.Mismatches)}
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

// checkConfirm refuses a confirm of a user who must log in again, and one that the pool's rules
// block, by the signals of this moment, and checks its number. It returns the change to make.
// Signals are determined only if a rule can block.
func (s *Service) checkConfirm(ctx context.Context, d decision, change session.Change) (session.Change, error) {
	if needed := s.unmetBy(d); needed != nil {
		return change, StepUpRequired{*needed}
	}
	if d.pool.Consent.CanBlock() {
		signals := s.signals(d, s.known(ctx, d))
		if verdict, reasons := risk.Verdict(signals, d.pool.Consent); verdict == pool.Block {
			return change, Blocked{reasons}
		}
	}
	return matched(d.pool, d.code, change, d.matchCode)
}

// unmetBy returns what the login of the decision's user does not meet; nil if it meets all that
// pool and code require.
func (s *Service) unmetBy(d decision) *session.StepUp {
	needed, never := d.pool.StepUp.Tightened(d.code.StepUp)
	if !never && needed.IsMetBy(d.user.Auth, s.store.Now()) {
		return nil
	}
	return &needed
}

// known returns what the history has about a login; nothing if it does not answer.
func (s *Service) known(ctx context.Context, d decision) risk.Known {
	known, err := s.history.Of(ctx, d.pool, d.code, d.user.ID)
	if err != nil {
		s.logUnknownHistory(ctx, err)
	}
	return known
}

// coolDown returns the rest of the user's cool-down; none if the history does not answer.
func (s *Service) coolDown(ctx context.Context, d decision) time.Duration {
	rest, err := s.history.CoolDown(ctx, d.pool, d.user.ID)
	if err != nil {
		s.logUnknownHistory(ctx, err)
	}
	return rest
}

func (s *Service) logUnknownHistory(ctx context.Context, err error) {
	s.log.Log(ctx, slog.LevelWarn, "history "+ErrorKind(err), "risk signals are unknown: the counts did not answer", "error", err)
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
		s.history.Canceled(ctx, p, code.User.ID)
	}
}
