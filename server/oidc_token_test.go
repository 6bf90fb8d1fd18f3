package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

func TestClientsAuthenticateInTheHeaderOrTheBody(t *testing.T) {
	n := provider(t, nil)
	n.token(tokenForm(n.authorizationCode())).tokens(t)
	n.tokenAs(nil, tokenForm(n.authorizationCode(), "client_id", "grafana", "client_secret", clientSecret)).tokens(t)
	n.token(tokenForm(n.authorizationCode(), "client_id", "grafana")).tokens(t)
	n.tokenAs([]string{"Authorization", basicClient()}, tokenForm(n.authorizationCode(), "resource", "https://a.example.com")).tokens(t)
	spa := n.authorizationCode("client_id", "spa", "redirect_uri", spaCallback)
	n.tokenAs(nil, tokenForm(spa, "client_id", "spa", "redirect_uri", spaCallback)).tokens(t)
	spa = n.authorizationCode("client_id", "spa", "redirect_uri", spaCallback)
	n.tokenAs([]string{"Authorization", basic("spa", "")}, tokenForm(spa, "redirect_uri", spaCallback)).tokens(t)
	shared := n.browser().do("POST", "/oidc/token", tokenForm(n.authorizationCode()), "Authorization", basicClient())
	shared.tokens(t)
}

func TestAClientThatDoesNotAuthenticateGetsNothing(t *testing.T) {
	n := provider(t, nil)
	code := n.authorizationCode()
	for name, test := range map[string]struct {
		header string
		pairs  []string
	}{
		"nobody":                   {},
		"without secret":           {pairs: []string{"client_id", "grafana"}},
		"a wrong secret":           {pairs: []string{"client_id", "grafana", "client_secret", clientSecret + "x"}},
		"a wrong secret, Basic":    {header: basic("grafana", "x")},
		"the secret of the pool":   {header: basic("grafana", poolSecret)},
		"the pool":                 {header: basic("p1", poolSecret)},
		"an unknown client":        {header: basic("unknown", clientSecret)},
		"a public client's secret": {header: basic("spa", clientSecret)},
		"an assertion":             {pairs: []string{"client_id", "grafana", "client_assertion", "x"}},
	} {
		var h []string
		if test.header != "" {
			h = []string{"Authorization", test.header}
		}
		a := n.tokenAs(h, tokenForm(code, test.pairs...))
		a.fails(t, 401, "invalid_client")
		if got := a.Get("WWW-Authenticate"); (got != "") != (test.header != "") {
			t.Errorf("%s: WWW-Authenticate %q", name, got)
		}
	}
	n.token(tokenForm(code, "client_secret", clientSecret)).fails(t, 400, "invalid_request")
	n.token(tokenForm(code, "client_id", "spa")).fails(t, 400, "invalid_request")
	n.browser().do("POST", "/oidc/p2/token", tokenForm(code), "Authorization", basicClient()).fails(t, 404, "invalid_request")
	n.token(tokenForm(code)).tokens(t) // nothing was spent
	if lines := n.warnings("client refused"); len(lines) != 1 {
		t.Errorf("logged: %v", lines)
	}
}

// TestAClientOfAnotherIssuerIsUnknown uses the right secret at the wrong issuer (mix-up).
func TestAClientOfAnotherIssuerIsUnknown(t *testing.T) {
	second := secondPool(t)
	second.Clients = []*pool.Client{{ID: "other", RedirectURIs: []string{"https://other.example.com"}, Scopes: []string{"openid"}}}
	n := start(t, memNode(), providing(t), clientPool(t), second)
	code := n.authorizationCode()
	n.browser().do("POST", "/oidc/p2/token", tokenForm(code), "Authorization", basicClient()).fails(t, 401, "invalid_client")
	n.token(tokenForm(code)).tokens(t)
}

func TestTokenRequestsOfTheWrongFormAreRefused(t *testing.T) {
	n := provider(t, nil)
	code := n.authorizationCode()
	n.token(tokenForm(code, "grant_type", "-")).fails(t, 400, "invalid_request")
	n.token(tokenForm(code, "grant_type", "password")).fails(t, 400, "unsupported_grant_type")
	b := n.browser()
	form := tokenForm(code)
	form.Add("code", "another")
	b.do("POST", "/oidc/p1/token", form, "Authorization", basicClient()).fails(t, 400, "invalid_request")
	b.do("POST", "/oidc/p1/token", tokenForm(code), "Authorization", basicClient(), "Content-Type", "application/json").fails(t, 400, "invalid_request")
	b.do("POST", "/oidc/p1/token", url.Values{"x": {strings.Repeat("x", 70_000)}}, "Authorization", basicClient()).fails(t, 400, "invalid_request")
	b.do("POST", "/oidc/p1/token?"+tokenForm(code).Encode(), nil, "Authorization", basicClient()).fails(t, 400, "invalid_request") // in the query
	if a := b.do("GET", "/oidc/p1/token", tokenForm(code), "Authorization", basicClient()); a.status != 405 {
		t.Errorf("GET: %d %s", a.status, a.body)
	}
	n.token(tokenForm(code)).tokens(t)
}

// TestSecretsOfClientsCannotBeGuessed guesses until the limit is reached; then the right secret
// is refused too, and a client that authenticated before is served.
func TestSecretsOfClientsCannotBeGuessed(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) {
		o.Limits = login.Limits{MissRate: 1}
		providing(t)(o)
	}, clientPool(t))
	code := n.authorizationCode()
	guess := func(secret string) webAnswer {
		return n.tokenAs([]string{"Authorization", basic("grafana", secret)}, tokenForm(code))
	}
	for range 10 {
		guess("x").fails(t, 401, "invalid_client")
	}
	for _, secret := range []string{"x", url.QueryEscape(clientSecret)} {
		a := guess(secret)
		if a.fails(t, 429, "temporarily_unavailable"); a.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}

// TestCodesOfAPublicClientCannotBeGuessed does the same with codes, which a client with a secret
// passes on for all of its users.
func TestCodesOfAPublicClientCannotBeGuessed(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) {
		o.Limits = login.Limits{MissRate: 1}
		providing(t)(o)
	}, clientPool(t))
	invented := string(session.NewID()) + "." + strings.Repeat("A", 43)
	for range 30 {
		n.token(tokenForm(invented)).fails(t, 400, "invalid_grant")
	}
	public := tokenForm(invented, "client_id", "spa")
	for range 10 {
		n.tokenAs(nil, public).fails(t, 400, "invalid_grant")
	}
	n.tokenAs(nil, public).fails(t, 429, "temporarily_unavailable")
}

func TestAStoreThatDoesNotAnswerIsNoInvalidGrant(t *testing.T) {
	n := provider(t, nil)
	code := n.authorizationCode()
	n.store.Fail(errBroken)
	a := n.token(tokenForm(code))
	if a.fails(t, 503, "temporarily_unavailable"); a.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	n.store.Fail(nil)
	n.token(tokenForm(code)).tokens(t)
}

func TestDiscoveryDescribesTheIssuer(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	first := b.do("GET", "/oidc/p1/.well-known/openid-configuration", nil)
	var metadata map[string]any
	if err := json.Unmarshal([]byte(first.body), &metadata); err != nil || first.status != 200 {
		t.Fatalf("%d %s", first.status, first.body)
	}
	issuer := n.url + "/oidc/p1"
	for name, want := range map[string]string{"issuer": "", "authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/.well-known/jwks.json"} {
		if metadata[name] != issuer+want {
			t.Errorf("%s is %v", name, metadata[name])
		}
	}
	for name, a := range map[string]webAnswer{
		"RFC 8414":  b.do("GET", "/.well-known/oauth-authorization-server/oidc/p1", nil),
		"client_id": b.do("GET", "/oidc/.well-known/openid-configuration", url.Values{"client_id": {"grafana"}}),
		"header":    b.do("GET", "/oidc/.well-known/openid-configuration", nil, "X-Authing-App-Id", "app1"),
	} {
		if a.status != 200 || a.body != first.body {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for _, path := range []string{"/oidc/p2/.well-known/openid-configuration", "/oidc/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/oidc/unknown", "/oidc/unknown/.well-known/jwks.json"} {
		b.do("GET", path, nil).notFound(t, path)
	}
	keys := b.do("GET", "/.well-known/jwks.json", nil).body
	for _, path := range []string{"/oidc/p1/.well-known/jwks.json", "/oidc/.well-known/jwks.json", "/app1/oidc/.well-known/jwks.json", "/grafana/oidc/.well-known/jwks.json"} {
		if a := b.do("GET", path, nil); a.status != 200 || strings.TrimSpace(a.body) != strings.TrimSpace(keys) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	b.do("GET", "/unknown/oidc/.well-known/jwks.json", nil).notFound(t, "unknown app")
}

func (a webAnswer) notFound(t *testing.T, name string) {
	t.Helper()
	if a.status != http.StatusNotFound {
		t.Errorf("%s: %d %s", name, a.status, a.body)
	}
}

// TestOnlyPagesOfClientsAndPoolsReadTokens checks CORS.
func TestOnlyPagesOfClientsAndPoolsReadTokens(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	for origin, allowed := range map[string]bool{
		"https://spa.example.com": true, "https://grafana.example.com": true, siteOrigin: true,
		otherOrigin: false, "https://evil.example": false, "null": false,
	} {
		want := map[bool]string{true: origin}[allowed]
		for _, path := range []string{"/oidc/p1/token", "/oidc/token", "/oidc/p1/.well-known/openid-configuration", "/oidc/p1/.well-known/jwks.json"} {
			a := b.do("OPTIONS", path, nil, "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")
			if a.status != 204 || a.Get("Access-Control-Allow-Origin") != want || (a.Get("Access-Control-Allow-Methods") != "") != allowed || a.Get("Access-Control-Allow-Credentials") != "" || !slices.Contains(a.Values("Vary"), "Origin") {
				t.Errorf("preflight of %s by %s: %d %v", path, origin, a.status, a.Header)
			}
		}
		if a := n.token(tokenForm("x"), "Origin", origin); a.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("token by %s: %v", origin, a.Header)
		}
	}
	if a := b.do("OPTIONS", "/oidc/p1/auth", nil, "Origin", "https://spa.example.com"); a.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the authorization page allows %v", a.Header)
	}
}
