package login

import (
	"context"
	"fmt"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// ErrClient is an ErrCredentials: there is no such OAuth client, or it did not authenticate.
var ErrClient = fmt.Errorf("%w: of an OAuth client", ErrCredentials)

// Client returns an OAuth client and its pool, with their current settings; nil if there is none.
func (s *Service) Client(id string) (*pool.Pool, *pool.Client) { return s.pools.Client(id) }

// mayExchange reports whether a client with a secret may exchange the ticket of a code: one that was
// created for a client is for that client only.
func mayExchange(c *pool.Client, code session.Session) bool {
	return code.Authorization.ClientID == "" || code.Authorization.ClientID == c.ID
}

// browserMayExchange reports whether the browser itself may exchange the ticket of a code, if its pool
// allows that. A public client is the page in this browser. One that no longer exists may have had a
// secret.
func browserMayExchange(p *pool.Pool, code session.Session) bool {
	if code.Authorization.ClientID == "" {
		return true
	}
	c := clientOf(p, code)
	return c != nil && c.IsPublic()
}

// clientOf returns the client of p that a code was created for; nil if it was created for none, or
// the client no longer exists.
func clientOf(p *pool.Pool, code session.Session) *pool.Client {
	for _, c := range p.Clients {
		if c.ID == code.Authorization.ClientID {
			return c
		}
	}
	return nil
}

// AuthenticateClient verifies the id and the secret of an OAuth client; the secret of a public
// client is "". Wrong ones are counted as those of pools are. Call it at most once per request.
// Errors: ErrClient, TooMany.
func (s *Service) AuthenticateClient(ctx context.Context, by *Caller, shown Credentials) (*pool.Pool, *pool.Client, error) {
	by.Credentials = &shown
	if err := s.checkWrongSecrets(ctx, by); err != nil {
		return nil, nil, err
	}
	p, c := s.pools.Client(shown.ID)
	switch {
	case c != nil && c.IsPublic() && shown.Secret == "":
	case c != nil && c.Secret.Matches(shown.Secret):
		s.rememberProof(ctx, by)
		by.isClient = true
	case c != nil:
		return nil, nil, s.countFailure(ctx, by, fmt.Errorf("%w: secret of %s", ErrClient, c.ID))
	default:
		return nil, nil, s.countFailure(ctx, by, ErrClient)
	}
	if by.subject.Pool == "" {
		by.subject.Pool = p.ID
	}
	return p, c, nil
}
