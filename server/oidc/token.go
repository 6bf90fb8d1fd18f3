package oidc

import (
	"github.com/scanlogin/scanlogin/internal/pool"
)

// grant answers a token request of an authenticated client.
type grant func(*call, *pool.Pool, *pool.Client) error

// grants returns the grants of the token endpoint, by grant_type.
func (p *Provider) grants() map[string]grant {
	return map[string]grant{"authorization_code": p.codeGrant, "refresh_token": p.refreshGrant, deviceGrantType: p.deviceGrant}
}

// token answers the token endpoint (RFC 6749, 3.2).
func (p *Provider) token(c *call) error {
	c.w.Header().Set("Pragma", "no-cache") // RFC 6749, 5.1
	of, client, err := p.authenticate(c)
	if err != nil {
		return err
	}
	answer, known := p.grants()[c.form["grant_type"]]
	switch {
	case c.form["grant_type"] == "":
		return errInvalidRequest.because("grant_type is required")
	case !known:
		return errGrantType
	}
	return answer(c, of, client)
}
