package server_test

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// These tests are for requirements of docs/oidc-conformance.md that no other test shows.

func TestDiscoveryHasTheMetadataOfTheStandards(t *testing.T) {
	n := provider(t, withDevices)
	a := n.browser().do("GET", "/oidc/p1/.well-known/openid-configuration", nil)
	got := a.object(t)
	if a.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type: %s", a.Get("Content-Type"))
	}
	for name, want := range map[string][]any{
		"response_types_supported":              {"code"},
		"response_modes_supported":              {"query", "form_post"},
		"grant_types_supported":                 {"authorization_code", "refresh_token", deviceGrantType},
		"subject_types_supported":               {"public"},
		"id_token_signing_alg_values_supported": {"ES256"},
		"token_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post", "none"},
		"code_challenge_methods_supported":      {"S256"},
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	for name, want := range map[string]any{
		"authorization_response_iss_parameter_supported": true, "claims_parameter_supported": false, "request_parameter_supported": false, "request_uri_parameter_supported": false,
	} {
		if got[name] != want {
			t.Errorf("%s: %v", name, got[name])
		}
	}
	for _, name := range []string{
		"authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "introspection_endpoint", "revocation_endpoint", "end_session_endpoint", "device_authorization_endpoint",
	} {
		if address, _ := got[name].(string); !strings.HasPrefix(address, n.url+"/oidc/p1/") {
			t.Errorf("%s: %v", name, got[name])
		}
	}
	if scopes, _ := json.Marshal(got["scopes_supported"]); !strings.Contains(string(scopes), `"openid"`) {
		t.Errorf("scopes_supported: %s", scopes)
	}
	if values, _ := json.Marshal(got["introspection_endpoint_auth_methods_supported"]); strings.Contains(string(values), "none") {
		t.Errorf("introspection without a secret: %s", values)
	}
	for name, value := range got {
		if list, ok := value.([]any); ok && len(list) == 0 || value == nil {
			t.Errorf("%s is empty: it must be omitted (RFC 8414, 3.2)", name)
		}
	}
}

func TestPublishedKeysAreForSignaturesAndPublic(t *testing.T) {
	n := provider(t, nil)
	keys, _ := n.browser().do("GET", "/oidc/p1/.well-known/jwks.json", nil).object(t)["keys"].([]any)
	if len(keys) != 1 {
		t.Fatalf("keys: %v", keys)
	}
	key, _ := keys[0].(map[string]any)
	if key["kty"] != "EC" || key["use"] != "sig" || key["alg"] != "ES256" || key["kid"] == "" || key["d"] != nil || key["k"] != nil {
		t.Errorf("key: %v", key)
	}
}

// TestARefreshedIDTokenIsOfTheSameLogin is OIDC Core 12.2.
func TestARefreshedIDTokenIsOfTheSameLogin(t *testing.T) {
	n := tokenNode(t)
	tokens := n.loggedIn(allScopes)
	first := claimsOf(t, tokens, "id_token")
	next := claimsOf(t, n.token(refreshForm(tokens)).tokens(t), "id_token")
	for _, name := range []string{"iss", "sub", "aud", "auth_time", "sid", "amr"} {
		if first[name] == nil || !reflect.DeepEqual(next[name], first[name]) {
			t.Errorf("%s: %v, then %v", name, first[name], next[name])
		}
	}
	if first["nonce"] != "a nonce" || next["nonce"] != nil || next["azp"] != nil {
		t.Errorf("nonce %v, then %v; azp %v", first["nonce"], next["nonce"], next["azp"])
	}
	if next["iat"].(float64) < first["iat"].(float64) || next["exp"].(float64) < next["iat"].(float64) {
		t.Errorf("issued at %v, then at %v until %v", first["iat"], next["iat"], next["exp"])
	}
}

// TestParametersWithoutAValueAreAbsent is RFC 6749, 3.1 and 3.2.
func TestParametersWithoutAValueAreAbsent(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	for _, name := range []string{"request", "request_uri", "registration", "prompt", "max_age", "response_mode", "state", "nonce", "id_token_hint", "acr_values"} {
		if page := b.do("GET", "/oidc/p1/auth", request(name, "")); page.status != 200 {
			t.Errorf("%s: %d to %s", name, page.status, page.Get("Location"))
		}
	}
	if a := b.do("GET", "/oidc/p1/auth", request("response_type", "")); queryOf(t, a.Get("Location")).Get("error") != "invalid_request" {
		t.Errorf("response_type: %d to %s", a.status, a.Get("Location"))
	}
	code := n.authorizationCode()
	n.token(tokenForm(code, "grant_type", "")).fails(t, 400, "invalid_request")
	n.token(tokenForm(code, "client_id", "", "client_secret", "", "foo", "bar")).tokens(t) // what is unknown is ignored
}

// TestOnlyPostsHaveCredentials is RFC 6749, 3.2, RFC 7009, 2.1, RFC 7662, 2.1 and RFC 8628, 3.1: a
// query is logged by servers and proxies.
func TestOnlyPostsHaveCredentials(t *testing.T) {
	n := provider(t, withDevices)
	for _, endpoint := range []string{"token", "token/introspection", "token/revocation", "device"} {
		in := url.Values{"token": {"x"}, "client_id": {"grafana"}, "client_secret": {clientSecret}}
		if a := n.browser().do("GET", "/oidc/p1/"+endpoint, in); a.status != 405 {
			t.Errorf("GET %s: %d %s", endpoint, a.status, a.body)
		}
		a := n.browser().do("POST", "/oidc/p1/"+endpoint+"?"+in.Encode(), nil)
		a.fails(t, 401, "invalid_client")
	}
}

// TestAnswersWithSecretsAreJSONThatNobodyStores is RFC 6749, 5.1, RFC 7662, 2.2 and RFC 8628, 3.2.
func TestAnswersWithSecretsAreJSONThatNobodyStores(t *testing.T) {
	n := start(t, memNode(), providing(t), devicePool(t))
	tokens := n.token(tokenForm(n.authorizationCode()))
	access := text(tokens.tokens(t), "access_token")
	for name, a := range map[string]webAnswer{
		"token": tokens, "device": n.askDevice(url.Values{"client_id": {"spa"}}), "introspection": n.post("token/introspection", url.Values{"token": {access}}),
		"UserInfo": n.browser().do("GET", "/oidc/p1/me", nil, "Authorization", "Bearer "+access), "an error": n.token(tokenForm("x")),
	} {
		if a.Get("Content-Type") != "application/json" || a.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Content-Type %q, Cache-Control %q: %d %s", name, a.Get("Content-Type"), a.Get("Cache-Control"), a.status, a.body)
		}
	}
}

// TestAccessTokensAreForTheIssuerOnly is RFC 9068, 2.2 and 3: a resource that nobody knows here
// widens nothing.
func TestAccessTokensAreForTheIssuerOnly(t *testing.T) {
	n := tokenNode(t)
	code := n.authorizationCode("resource", "https://api.example.com", "scope", "openid email admin")
	tokens := n.token(tokenForm(code, "resource", "https://api.example.com")).tokens(t)
	claims := claimsOf(t, tokens, "access_token")
	if issuer := n.url + "/oidc/p1"; claims["iss"] != issuer || claims["aud"] != issuer || claims["client_id"] != "grafana" || claims["sub"] != "alice" || claims["jti"] == "" || claims["scope"] != "openid email" || tokens["scope"] != claims["scope"] {
		t.Errorf("access token: %v", claims)
	}
	if id := claimsOf(t, tokens, "id_token"); id["aud"] != "grafana" || id["sub"] != claims["sub"] {
		t.Errorf("ID token: %v", id)
	}
}
