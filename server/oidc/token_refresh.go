package oidc

import (
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
)

// refreshGrant answers the grant refresh_token (RFC 6749, 6): each refresh token works once and
// is replaced. A repetition within ten seconds gets the same response.
func (p *Provider) refreshGrant(c *call, of *pool.Pool, client *pool.Client) error {
	if c.form["refresh_token"] == "" {
		return errInvalidRequest.because("refresh_token is required")
	}
	g, err := p.login.RefreshTokens(c.r.Context(), c.by, of, client, login.RefreshToken{Token: c.form["refresh_token"], Scope: c.form["scope"]})
	if err != nil {
		return err
	}
	return p.writeTokens(c, g, "")
}
