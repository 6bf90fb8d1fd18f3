package oidc

import (
	"errors"
	"net/http"
	"strings"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
)

// userinfo answers UserInfo (OIDC Core 5.3) with the claims that the scope of the access token
// grants.
func (p *Provider) userinfo(c *call) error {
	text, err := bearerToken(c)
	if err != nil {
		return err
	}
	of, t, err := p.readAccess(c, text)
	if err != nil {
		return err
	}
	if !authorization.Scope(t.Scope).Has("openid") {
		return errInsufficientScope
	}
	l, err := p.login.LoginOfAccess(c.r.Context(), of, t)
	if errors.Is(err, authorization.ErrInvalid) {
		return errInvalidToken
	}
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, token.UserClaims(l.User, strings.Fields(t.Scope)))
}

// bearerToken returns the access token of a request: in the header, or in the body or, as the
// SDKs of Authing send it, in the query; never in two places (RFC 6750, 2).
func bearerToken(c *call) (string, error) {
	scheme, inHeader, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		inHeader = ""
	}
	text := c.form["access_token"]
	switch {
	case inHeader != "" && text != "":
		return "", errInvalidRequest.because("the access token is in the header Authorization and in a parameter; use one")
	case inHeader == "" && text == "":
		return "", errNoToken
	case inHeader != "":
		return strings.TrimSpace(inHeader), nil
	}
	return text, nil
}

// readAccess returns the access token with its pool: that of the path, of the client, or, below
// the shared path, of the token's issuer.
func (p *Provider) readAccess(c *call, text string) (*pool.Pool, token.AccessToken, error) {
	of, err := p.poolOf(c, c.form["client_id"])
	if err != nil && c.pool == "" {
		id, ours := strings.CutPrefix(token.ClaimedIssuer(text), p.login.Issuer(""))
		if of, err = p.login.Pool(id); !ours {
			err = errNoIssuer
		}
	}
	if err != nil {
		return nil, token.AccessToken{}, errInvalidToken
	}
	t, err := p.signer.ReadAccess(text, p.login.Issuer(of.ID), p.login.Now())
	if err != nil {
		return nil, t, errInvalidToken
	}
	return of, t, nil
}
