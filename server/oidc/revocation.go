package oidc

import (
	"errors"
	"net/http"

	"github.com/scanlogin/scanlogin/internal/authorization"
)

// revoke answers token revocation (RFC 7009). A refresh token ends the login with all its tokens,
// an access token only itself. Tokens that are invalid, or of another client, are no error: the
// answer tells nothing about them.
func (p *Provider) revoke(c *call) error {
	of, client, err := p.authenticate(c)
	if err != nil {
		return err
	}
	text := c.form["token"]
	if text == "" {
		return errInvalidRequest.because("token is required")
	}
	t, err := p.signer.ReadAccess(text, p.login.Issuer(of.ID), p.login.Now())
	switch {
	case err != nil:
		err = p.login.RevokeRefresh(c.r.Context(), c.by, of, client, text)
	case t.Client == client.ID:
		err = p.login.RevokeAccess(c.r.Context(), c.by, of, t)
	}
	if err != nil && !errors.Is(err, authorization.ErrInvalid) {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}
