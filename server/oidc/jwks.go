package oidc

import (
	"net/http"

	"github.com/scanlogin/scanlogin/internal/token"
)

// JWKSPath is where the public keys are.
const JWKSPath = "/.well-known/jwks.json"

// jwks answers with the public keys, which all issuers share (RFC 7517).
func (p *Provider) jwks(c *call) error {
	c.w.Header().Set("Cache-Control", cacheControl)
	return c.writeJSON(http.StatusOK, map[string]any{"keys": append([]token.JWK{}, p.signer.Keys()...)})
}
