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
	site, proven, err := s.site(c, in)
	if err != nil {
		return err
	}
	about(c, site, session.Session{}, "")
	code, p, err := s.loadByTicket(c.Request().Context(), in.Ticket)
	switch {
	case isGone(err):
		if !proven {
			return cmp.Or(s.mayLearn(c, code), s.unknownTicket(c, in.UserPoolID))
		}
		return errTicket
	case err != nil:
		return err
	}
	about(c, p, code, "")
	if !proven {
		if err := cmp.Or(s.mayLook(c, p, code), s.browserExchanges(c, code, p)); err != nil {
			return err
		}
	}
	if proven && site.ID != p.ID || !p.IsTicket(code, in.Ticket) {
		return errTicket
	}
	if err := checkVerifier(code, in.CodeVerifier); err != nil {
		return err
	}
	return s.redeem(c, p, code)
}

// redeem spends the ticket of a code.
func (s *Server) redeem(c echo.Context, p *pool.Pool, code session.Session) error {
	code, _, err := s.transition(c.Request().Context(), code, session.Change{Action: session.Redeem}, callerOf(c))
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

// site returns the pool whose secret the request shows, by HTTP Basic or in the body.
// If the request shows no secret, proven is false and there is no error.
func (s *Server) site(c echo.Context, in userinfoRequest) (site *pool.Pool, proven bool, err error) {
	id, secret, ok := c.Request().BasicAuth()
	if !ok {
		id, secret = in.ClientID, in.ClientSecret
	}
	if id == "" && secret == "" {
		return nil, false, nil
	}
	c.Set(claimedPool, id)
	if err := s.mayProve(c); err != nil {
		return nil, false, err
	}
	p := s.pools.ByID(id)
	if p == nil || !p.Secret.Matches(secret) {
		return nil, false, errCredentials
	}
	s.proven(c)
	if own, named, err := s.namedPool(c, in.UserPoolID); err != nil || named && own.ID != p.ID {
		return nil, false, errCredentials
	}
	c.Set(siteKey, p)
	return p, true, s.checkOrigin(c, p)
}

// browserExchanges refuses the exchange of a code's ticket without the pool's secret, unless
// the pool lets its browsers exchange tickets and the caller is the code's browser.
func (s *Server) browserExchanges(c echo.Context, code session.Session, p *pool.Pool) error {
	if !p.AllowBrowserExchange {
		return errCredentials
	}
	if err := s.checkOrigin(c, p); err != nil {
		return err
	}
	if p.BindBrowser && !s.proofOf(c, p).isBrowser(p, code) {
		return errCredentials
	}
	return nil
}

// unknownTicket is the answer to a caller without secret whose ticket belongs to no code.
// The pool that the request names decides what it is told.
func (s *Server) unknownTicket(c echo.Context, userPoolID string) error {
	p, named, err := s.namedPool(c, userPoolID)
	if err != nil {
		return err
	}
	if !named || !p.AllowBrowserExchange {
		return errCredentials
	}
	return cmp.Or(s.checkOrigin(c, p), error(errTicket))
}

func (s *Server) loadByTicket(ctx context.Context, ticket string) (session.Session, *pool.Pool, error) {
	id, err := pool.TicketID(ticket)
	if err != nil {
		return session.Session{}, nil, err
	}
	return s.load(ctx, id)
}
