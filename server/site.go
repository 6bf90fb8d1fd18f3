package server

import (
	"cmp"
	"context"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// userinfoRequest is the body of the exchange (A.3).
type userinfoRequest struct {
	Ticket       string `json:"ticket"`
	CodeVerifier string `json:"codeVerifier"` // of the code's challenge (RFC 7636)
	UserPoolID   string `json:"userPoolId"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// userinfo gives the user for a ticket, once.
func (s *Server) userinfo(c echo.Context) error {
	if err := s.exchange(c); err != nil {
		return s.missed(c, err)
	}
	return nil
}

func (s *Server) exchange(c echo.Context) error {
	var in userinfoRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	if in.Ticket == "" {
		in.Ticket = c.QueryParam("ticket")
	}
	if in.Ticket == "" {
		return required("ticket")
	}
	site, err := s.site(c, in)
	if err != nil {
		return err
	}
	about(c, site, session.Session{}, "")
	code, p, err := s.loadByTicket(c.Request().Context(), in.Ticket)
	if err == nil {
		about(c, p, code, "")
	}
	switch {
	case err != nil && !isGone(err):
		return err
	case site == nil:
		if err := cmp.Or(s.mayLook(c, p, code), s.browserExchanges(c, in, code, p)); err != nil {
			return err
		}
	}
	if err != nil || site != nil && site.ID != p.ID || !p.IsTicket(code, in.Ticket) {
		return errTicket
	}
	if err = checkVerifier(code, in.CodeVerifier); err != nil {
		return err
	}
	return s.redeem(c, p, code)
}

// redeem spends the ticket of a code.
func (s *Server) redeem(c echo.Context, p *pool.Pool, code session.Session) error {
	code, _, err := s.apply(c.Request().Context(), code, session.Change{Action: session.Redeem}, callerOf(c))
	if err != nil {
		if p, _, _ := describe(err); p == errBusy {
			return err
		}
		return errTicket.because(err)
	}
	data, err := s.fullUser(p, code)
	if err != nil {
		return err
	}
	return success(c, data)
}

// site returns the pool whose secret the request shows, by Basic or in the
// body; nil if it shows none.
func (s *Server) site(c echo.Context, in userinfoRequest) (*pool.Pool, error) {
	id, secret, ok := c.Request().BasicAuth()
	if !ok {
		id, secret = in.ClientID, in.ClientSecret
	}
	if id == "" && secret == "" {
		return nil, nil
	}
	c.Set(claimedPool, id)
	if err := s.mayProve(c); err != nil {
		return nil, err
	}
	p := s.pools.ByID(id)
	if p == nil || !p.Secret.Matches(secret) {
		return nil, errCredentials
	}
	s.proven(c)
	if named, err := s.namedPool(c, in.UserPoolID); err != nil || named != nil && named.ID != p.ID {
		return nil, errCredentials
	}
	c.Set(siteKey, p)
	return p, s.checkOrigin(c, p)
}

// browserExchanges refuses an exchange without the pool's secret, unless the
// pool lets its browsers do it and this is the one. A code that is not there
// is nil p; then the pool that the request names decides what it learns.
func (s *Server) browserExchanges(c echo.Context, in userinfoRequest, code session.Session, p *pool.Pool) error {
	known := p != nil
	if !known {
		var err error
		if p, err = s.namedPool(c, in.UserPoolID); err != nil {
			return err
		}
	}
	if p == nil || !p.AllowBrowserExchange {
		return errCredentials
	}
	if err := s.checkOrigin(c, p); err != nil {
		return err
	}
	if known && p.BindBrowser && !s.proofOf(c, p).isBrowser(p, code) {
		return errCredentials
	}
	return nil
}

func (s *Server) loadByTicket(ctx context.Context, ticket string) (session.Session, *pool.Pool, error) {
	id, err := pool.TicketID(ticket)
	if err != nil {
		return session.Session{}, nil, err
	}
	return s.load(ctx, id)
}
