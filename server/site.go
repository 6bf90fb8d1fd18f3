package server

import (
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/wire"
)

// userinfoRequest is the body of the exchange.
type userinfoRequest struct {
	Ticket       string `json:"ticket"`
	CodeVerifier string `json:"codeVerifier"` // of the code's challenge (RFC 7636)
	UserPoolID   string `json:"userPoolId"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// userinfo exchanges a ticket for the user, once.
func (s *Server) userinfo(c *call) error {
	var in userinfoRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	if in.Ticket == "" {
		in.Ticket = c.QueryParam("ticket")
	}
	if c.by.Credentials == nil && (in.ClientID != "" || in.ClientSecret != "") {
		c.by.Credentials = &login.Credentials{ID: in.ClientID, Secret: in.ClientSecret}
	}
	user, err := s.login.Redeem(c.Request().Context(), c.by, login.RedeemRequest{
		Pool: c.poolName(in.UserPoolID), Ticket: in.Ticket, Verifier: in.CodeVerifier,
	})
	if err != nil {
		return err
	}
	return success(c, wire.User(user))
}
