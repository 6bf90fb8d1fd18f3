package oidc

import (
	"maps"
	"net/http"
	"slices"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// cacheControl lets caches keep what is the same for everybody, as long as the key set.
const cacheControl = "public, max-age=300"

// DiscoveryPath is where the metadata of an issuer is (OIDC Discovery 4).
const DiscoveryPath = "/.well-known/openid-configuration"

// discovery answers with the metadata of an issuer (OIDC Discovery 3, RFC 8414).
func (p *Provider) discovery(c *call) error {
	of, err := p.poolOf(c, c.form["client_id"])
	if err != nil {
		return err
	}
	if c.pool == "" {
		c.w.Header().Add("Vary", "X-Authing-App-Id")
	}
	c.w.Header().Set("Cache-Control", cacheControl)
	return c.writeJSON(http.StatusOK, p.metadata(of))
}

func (p *Provider) metadata(of *pool.Pool) map[string]any {
	issuer, grants := p.login.Issuer(of.ID), slices.Sorted(maps.Keys(p.grants()))
	if !of.OffersDevices() {
		grants = slices.DeleteFunc(grants, func(name string) bool { return name == deviceGrantType })
	}
	metadata := map[string]any{
		"issuer":                                         issuer,
		"scopes_supported":                               pool.Scopes(),
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query", "form_post"},
		"grant_types_supported":                          grants,
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"ES256"},
		"token_endpoint_auth_methods_supported":          authMethods,
		"introspection_endpoint_auth_methods_supported":  authMethods[:2], // with a secret
		"revocation_endpoint_auth_methods_supported":     authMethods,
		"code_challenge_methods_supported":               []string{"S256"},
		"claims_supported":                               claims,
		"ui_locales_supported":                           []string{"en", "zh-CN"},
		"claims_parameter_supported":                     false,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false, // true if it were absent
		"authorization_response_iss_parameter_supported": true,  // RFC 9207
	}
	if values := of.StepUp.ACRValues; len(values) > 0 {
		metadata["acr_values_supported"] = values // RFC 9470, 7
	}
	for _, e := range p.Endpoints() {
		if e.metadata != "" && (e.Path != devicePath || of.OffersDevices()) {
			metadata[e.metadata] = issuer + e.Path
		}
	}
	return metadata
}

// claims are the claims that are always or, by scope and user, sometimes there.
var claims = []string{
	"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "amr", "acr", "at_hash", "sid",
	"name", "nickname", "preferred_username", "picture", "email", "email_verified", "phone_number",
}
