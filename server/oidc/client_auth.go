package oidc

import (
	"net/url"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
)

// Methods of client authentication (OIDC Core 9).
var authMethods = []string{"client_secret_basic", "client_secret_post", "none"}

// authenticate returns the authenticated client and its pool, which is that of the path if it
// has one. A public client only names itself.
func (p *Provider) authenticate(c *call) (*pool.Pool, *pool.Client, error) {
	shown, err := shownCredentials(c)
	if err != nil {
		return nil, nil, err
	}
	if c.pool != "" {
		// Of another issuer: the client does not exist here, whatever its secret is.
		if own, _ := p.login.Client(shown.ID); own != nil && own.ID != c.pool {
			shown.Secret, shown.ID = "", ""
		}
	}
	return p.login.AuthenticateClient(c.r.Context(), c.by, shown)
}

// shownCredentials reads the id and the secret of a client from the header or the body: not from
// both, so that no other reader of the request sees another client (RFC 6749, 2.3).
func shownCredentials(c *call) (login.Credentials, error) {
	inBody := login.Credentials{ID: c.form["client_id"], Secret: c.form["client_secret"]}
	if c.form["client_assertion"] != "" || c.form["client_assertion_type"] != "" {
		return inBody, errInvalidClient.because("client_assertion is not supported; use client_secret_basic, client_secret_post or none")
	}
	id, secret, isBasic := c.r.BasicAuth()
	switch {
	case !isBasic && inBody.ID == "":
		return inBody, errInvalidClient.because("client_id is required, in the header Authorization (Basic) or in the body")
	case !isBasic:
		return inBody, nil
	case inBody.Secret != "":
		return inBody, errInvalidRequest.because("the client authenticates in the header Authorization and in the body; use one")
	}
	shown := login.Credentials{ID: unescaped(id), Secret: unescaped(secret)}
	if inBody.ID != "" && inBody.ID != shown.ID {
		return shown, errInvalidRequest.because("client_id differs between the header Authorization and the body")
	}
	return shown, nil
}

// unescaped decodes a part of HTTP Basic, which RFC 6749, 2.3.1 has encoded as a form. Clients
// that do not encode send a text that often cannot be decoded; it is taken as it is.
func unescaped(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil {
		return decoded
	}
	return text
}
