package login

import (
	"context"
	"errors"
	"fmt"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// RedeemRequest exchanges a ticket for the user. The caller shows the pool's credentials, or
// is the code's browser if the pool allows that.
type RedeemRequest struct {
	Pool     PoolName
	Ticket   string
	Verifier string // of the code's challenge (RFC 7636); "" if there is none
}

// Redeem exchanges a ticket, once. Errors: FieldError, ErrNoPool, ErrCredentials, ErrOrigin,
// ErrTicket, ErrVerifier, TooMany, ErrUnavailable; after the last one the ticket may have been
// used. A wrong verifier does not use it.
func (s *Service) Redeem(ctx context.Context, by *Caller, req RedeemRequest) (FullUser, error) {
	user, err := s.redeem(ctx, by, req)
	if err != nil {
		return FullUser{}, s.countFailure(ctx, by, err)
	}
	return user, nil
}

func (s *Service) redeem(ctx context.Context, by *Caller, req RedeemRequest) (FullUser, error) {
	if req.Ticket == "" {
		return FullUser{}, FieldError{"ticket", Required}
	}
	if err := s.authenticateSite(ctx, by, req.Pool); err != nil {
		return FullUser{}, err
	}
	id, err := pool.TicketID(req.Ticket)
	var p *pool.Pool
	if err == nil {
		p, err = s.poolThatRedeems(ctx, by, id)
	}
	var code session.Session
	if err == nil {
		code, _, err = s.apply(ctx, by, id, session.Change{
			Action: session.Redeem, Pool: p.ID, Credential: p.Credential(req.Ticket, challengeOf(req.Verifier)),
		})
		s.setSubjectFound(by, code)
	}
	switch {
	case err == nil:
		return s.fullUser(p, code)
	case errors.Is(err, session.ErrNotFound):
		return FullUser{}, s.unknownTicket(by, req.Pool)
	case errors.Is(err, session.ErrVerifier):
		return FullUser{}, wrongVerifier(code, req.Verifier)
	case isRefusal(err):
		return FullUser{}, fmt.Errorf("%w: %w", ErrTicket, err)
	}
	return FullUser{}, err
}

// poolThatRedeems returns the pool whose code the caller may redeem, whether or not the
// ticket is right: the site's, or that of a code which its browser may exchange. Only
// the latter loads the code: its proof depends on what never changes.
func (s *Service) poolThatRedeems(ctx context.Context, by *Caller, id session.ID) (*pool.Pool, error) {
	if by.isSite {
		return by.site, nil
	}
	code, p, err := s.Code(ctx, id)
	if err != nil {
		return nil, err
	}
	by.SetSubject(p, code)
	return p, s.checkBrowserExchange(ctx, by, p, code)
}

// wrongCredentials returns ErrWrongCredentials for the log: with the id of the pool, unless
// there is none; what was sent instead may be a secret.
func (s *Service) wrongCredentials(by *Caller) error {
	if p := s.pools.ByID(by.Credentials.ID); p != nil {
		return fmt.Errorf("%w: pool %s", ErrWrongCredentials, p.ID)
	}
	return fmt.Errorf("%w: no such pool", ErrWrongCredentials)
}

// setSubjectFound makes a code the subject of a request, unless it is zero.
func (s *Service) setSubjectFound(by *Caller, code session.Session) {
	if p := s.pools.ByID(code.Pool); p != nil {
		by.SetSubject(p, code)
	}
}

// authenticateSite verifies the caller's credentials, if it shows any, and that the request
// names no other pool.
func (s *Service) authenticateSite(ctx context.Context, by *Caller, name PoolName) error {
	if by.Credentials == nil || *by.Credentials == (Credentials{}) {
		return nil
	}
	if err := s.checkWrongSecrets(ctx, by); err != nil {
		return err
	}
	if !s.authenticate(ctx, by) {
		return s.wrongCredentials(by)
	}
	if own, named, err := s.FindPool(name); err != nil || named && own.ID != by.site.ID {
		by.isSite = false
		return fmt.Errorf("%w: request names another pool than %s", ErrWrongCredentials, by.site.ID)
	}
	if err := s.CheckOrigin(by, by.site); err != nil {
		return err
	}
	by.SetSubject(by.site, session.Session{})
	return nil
}

// checkBrowserExchange refuses the exchange without the pool's secret, unless the pool lets
// its browsers exchange tickets and the caller is the code's browser. A code that was created for a
// client with a secret needs that: see RedeemTicket and browserMayExchange.
func (s *Service) checkBrowserExchange(ctx context.Context, by *Caller, p *pool.Pool, code session.Session) error {
	if err := s.checkGuessesWithProof(by, p, code); err != nil {
		return err
	}
	if !p.AllowBrowserExchange || !browserMayExchange(p, code) {
		return ErrCredentials
	}
	if err := s.CheckOrigin(by, p); err != nil {
		return err
	}
	if p.BindBrowser && !s.proofFor(ctx, by, p).IsBrowser(p, code) {
		return ErrCredentials
	}
	return nil
}

// unknownTicket returns the error for a ticket that belongs to no code. Without credentials,
// the pool that the request names decides what the caller is told.
func (s *Service) unknownTicket(by *Caller, name PoolName) error {
	if by.isSite {
		return ErrTicket
	}
	if err := s.checkGuesses(by, session.Session{}); err != nil {
		return err
	}
	p, named, err := s.FindPool(name)
	if err != nil {
		return err
	}
	if !named || !p.AllowBrowserExchange {
		return ErrCredentials
	}
	if err := s.CheckOrigin(by, p); err != nil {
		return err
	}
	return ErrTicket
}
