package oidc

import (
	"errors"
	"net/http"
	"time"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/pool"
)

// introspection is what a client learns about a token (RFC 7662, 2.2).
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	TokenType string `json:"token_type,omitempty"` // of an access token
	Expires   int64  `json:"exp,omitempty"`        // Unix time, s
	Issued    int64  `json:"iat,omitempty"`        // Unix time, s
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
	SID       string `json:"sid,omitempty"`
	ACR       string `json:"acr,omitempty"`       // RFC 9470, 6.2
	AuthTime  int64  `json:"auth_time,omitempty"` // Unix time, s; RFC 9470, 6.2
}

// introspect answers token introspection. It is for clients with a secret, so that nobody can test
// tokens that were found. A client learns about all access tokens of its pool, because an API
// gets those of other clients, but only about its own refresh tokens. Whatever else it asks about
// is inactive, without a reason.
func (p *Provider) introspect(c *call) error {
	of, client, err := p.authenticate(c)
	if err != nil {
		return err
	}
	if client.IsPublic() {
		return errInvalidClient.because("introspection is for clients with a secret")
	}
	if c.form["token"] == "" {
		return errInvalidRequest.because("token is required")
	}
	found, err := p.introspected(c, of, client)
	if errors.Is(err, authorization.ErrInvalid) {
		found, err = introspection{}, nil
	}
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, found)
}

func (p *Provider) introspected(c *call, of *pool.Pool, client *pool.Client) (introspection, error) {
	issuer := p.login.Issuer(of.ID)
	if t, err := p.signer.ReadAccess(c.form["token"], issuer, p.login.Now()); err == nil {
		l, err := p.login.LoginOfAccess(c.r.Context(), of, t)
		return introspection{
			Active: true, Scope: t.Scope, ClientID: t.Client, TokenType: "Bearer",
			Expires: t.Expires.Unix(), Issued: t.Issued.Unix(), Subject: t.Subject, Audience: issuer, Issuer: issuer, ID: t.ID, SID: t.SID,
			ACR: l.ACR, AuthTime: l.AuthTime.Unix(),
		}, err
	}
	l, ends, err := p.login.LoginOfRefresh(c.r.Context(), of, client, c.form["token"])
	return introspection{
		Active: true, Scope: string(l.Scope), ClientID: l.Client,
		Expires: ends.Truncate(time.Second).Unix(), Subject: l.User.ID, Issuer: issuer, ACR: l.ACR, AuthTime: l.AuthTime.Unix(),
	}, err
}
