package login

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// RedeemTicketRequest exchanges a ticket for the tokens of an OAuth client, which has authenticated.
type RedeemTicketRequest struct {
	Pool     PoolName // as the request names it; empty: that of the client
	Client   *pool.Client
	Ticket   string
	Verifier string // of the code's challenge (RFC 7636); "" if there is none
}

// RedeemTicket exchanges a ticket, once, for a client of pool p with a secret. A code that was
// created for a client is only exchanged by that client. The code that it returns is authorized
// for all scopes of the client, see [Service.BeginTokens]. Errors: ErrClient, if the client is
// public, of another pool than the request, or not the code's; and those of Redeem. Only a
// success spends the ticket.
func (s *Service) RedeemTicket(ctx context.Context, by *Caller, p *pool.Pool, req RedeemTicketRequest) (session.Session, error) {
	code, err := s.redeemTicket(ctx, by, p, req)
	if err != nil {
		return session.Session{}, s.countFailure(ctx, by, err)
	}
	code.Authorization = session.Authorization{ClientID: req.Client.ID, Scope: strings.Join(req.Client.Scopes, " ")}
	return code, nil
}

func (s *Service) redeemTicket(ctx context.Context, by *Caller, p *pool.Pool, req RedeemTicketRequest) (session.Session, error) {
	named, isNamed, err := s.FindPool(req.Pool)
	switch {
	case req.Client.IsPublic(), err != nil, isNamed && named.ID != p.ID:
		return session.Session{}, ErrClient
	case req.Ticket == "":
		return session.Session{}, FieldError{"ticket", Required}
	}
	id, err := pool.TicketID(req.Ticket)
	if err != nil {
		return session.Session{}, fmt.Errorf("%w: %w", ErrTicket, err)
	}
	code, of, err := s.Code(ctx, id) // what is compared with it never changes
	switch {
	case errors.Is(err, session.ErrNotFound), err == nil && of.ID != p.ID:
		return session.Session{}, ErrTicket
	case err != nil:
		return session.Session{}, err
	case !mayExchange(req.Client, code):
		return session.Session{}, ErrClient
	}
	by.SetSubject(p, code)
	by.client = req.Client.ID
	code, _, err = s.apply(ctx, by, id, session.Change{
		Action: session.Redeem, Pool: p.ID, Credential: p.Credential(req.Ticket, challengeOf(req.Verifier)),
	})
	switch {
	case errors.Is(err, session.ErrVerifier):
		return session.Session{}, wrongVerifier(code, req.Verifier)
	case errors.Is(err, session.ErrNotFound), isRefusal(err):
		return session.Session{}, fmt.Errorf("%w: %w", ErrTicket, err)
	}
	return code, err
}
