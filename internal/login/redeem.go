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
	code, p, err := s.codeOfTicket(ctx, req.Ticket)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return FullUser{}, s.unknownTicket(by, req.Pool)
	case err != nil:
		return FullUser{}, err
	}
	by.SetSubject(p, code)
	if !by.isSite {
		if err := s.checkBrowserExchange(ctx, by, p, code); err != nil {
			return FullUser{}, err
		}
	}
	if by.isSite && by.site.ID != p.ID || !p.IsTicket(code, req.Ticket) {
		return FullUser{}, ErrTicket
	}
	if err := checkVerifier(code, req.Verifier); err != nil {
		return FullUser{}, err
	}
	code, _, err = s.transition(ctx, by, code, session.Change{Action: session.Redeem})
	switch {
	case errors.Is(err, ErrUnavailable):
		return FullUser{}, err
	case err != nil:
		return FullUser{}, fmt.Errorf("%w: %w", ErrTicket, err)
	}
	return s.fullUser(p, code)
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
		return ErrWrongCredentials
	}
	if own, named, err := s.FindPool(name); err != nil || named && own.ID != by.site.ID {
		by.isSite = false
		return ErrWrongCredentials
	}
	if err := s.CheckOrigin(by, by.site); err != nil {
		return err
	}
	by.SetSubject(by.site, session.Session{})
	return nil
}

func (s *Service) codeOfTicket(ctx context.Context, ticket string) (session.Session, *pool.Pool, error) {
	id, err := pool.TicketID(ticket)
	if err != nil {
		return session.Session{}, nil, err
	}
	return s.Code(ctx, id)
}

// checkBrowserExchange refuses the exchange without the pool's secret, unless the pool lets
// its browsers exchange tickets and the caller is the code's browser.
func (s *Service) checkBrowserExchange(ctx context.Context, by *Caller, p *pool.Pool, code session.Session) error {
	if err := s.checkGuessesWithProof(by, p, code); err != nil {
		return err
	}
	if !p.AllowBrowserExchange {
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
