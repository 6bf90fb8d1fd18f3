package server

import (
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/authing"
)

// v3ExchangeRequest is the body of exchange-tokenset-with-qrcode-ticket.
type v3ExchangeRequest struct {
	Ticket       string `json:"ticket"`
	ClientID     string `json:"client_id"` // instead of Basic authentication
	ClientSecret string `json:"client_secret"`
	CodeVerifier string `json:"codeVerifier"` // as in the v2 interface
}

// v3Exchange exchanges a ticket for the tokens of an OpenID Connect client. A token in the header
// Authorization is ignored: authing-node-sdk sends the one that it was given last.
func (s *Server) v3Exchange(c *call) error {
	var in v3ExchangeRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	shown := login.Credentials{ID: in.ClientID, Secret: in.ClientSecret}
	if basic := c.by.Credentials; basic != nil {
		shown = *basic
	}
	tokens, err := s.oidc.ExchangeTicket(c.Request().Context(), c.by, shown, login.RedeemTicketRequest{
		Pool: c.poolName(""), Ticket: in.Ticket, Verifier: in.CodeVerifier,
	})
	if err != nil {
		return err
	}
	return v3Success(c, authing.TokenSet{
		AccessToken: tokens.AccessToken, IDToken: tokens.IDToken, RefreshToken: tokens.RefreshToken,
		TokenType: tokens.TokenType, ExpireIn: tokens.ExpiresIn, Scope: tokens.Scope,
	})
}

// v3Profile returns the user of an access token.
func (s *Server) v3Profile(c *call) error {
	user, scopes, err := s.oidc.ReadUser(c.Request(), c.by, bearerToken(c.Request().Header.Get("Authorization")))
	if err != nil {
		return err
	}
	return v3Success(c, authing.NewProfile(user, scopes))
}
