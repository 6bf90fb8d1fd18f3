package server_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestUserInfoHasTheClaimsOfTheScope(t *testing.T) {
	n := tokenNode(t)
	for scope, want := range map[string]map[string]any{
		"openid":       {"sub": "alice"},
		"openid email": {"sub": "alice", "email": "alice@example.com", "email_verified": true},
		"openid profile": {
			"sub": "alice", "name": "ALICE", "nickname": "ALICE", "picture": "https://example.com/alice.png", "department": "R&D",
		},
	} {
		if got := n.userinfo(n.loggedIn(scope)).object(t); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", scope, got, want)
		}
	}
}

func TestUserInfoAcceptsTheTokenInEachPlace(t *testing.T) {
	n := tokenNode(t)
	access := text(n.loggedIn("openid email"), "access_token")
	b, in := n.browser(), url.Values{"access_token": {access}}
	for name, answer := range map[string]webAnswer{
		"header":                           b.do("GET", "/oidc/p1/me", nil, "Authorization", "Bearer "+access),
		"lower case":                       b.do("GET", "/oidc/p1/me", nil, "Authorization", "bearer "+access),
		"query, as the SDKs of Authing":    b.do("GET", "/oidc/p1/me", in),
		"body":                             b.do("POST", "/oidc/p1/me", in),
		"header of a POST":                 b.do("POST", "/oidc/p1/me", nil, "Authorization", "Bearer "+access),
		"shared path":                      b.do("GET", "/oidc/me", in),
		"shared path with an app id":       b.do("GET", "/oidc/me", in, "X-Authing-App-Id", "app1"),
		"shared path with the client's id": b.do("GET", "/oidc/me", in, "X-Authing-App-Id", "grafana"),
	} {
		if got := answer.object(t); got["email"] != "alice@example.com" || answer.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, answer.status, answer.body)
		}
	}
}

func TestUserInfoRefusesOtherTokens(t *testing.T) {
	n := tokenNode(t)
	tokens := n.loggedIn(allScopes)
	b, access := n.browser(), text(tokens, "access_token")
	for name, token := range map[string]string{
		"an ID token": text(tokens, "id_token"), "a refresh token": text(tokens, "refresh_token"), "the phone's token": userToken(t, "alice"),
		"another signature": access[:len(access)-4] + "AAAA", "nothing useful": "x", "no signature": access[:strings.LastIndex(access, ".")+1],
	} {
		for place, answer := range map[string]webAnswer{
			"header": b.do("GET", "/oidc/p1/me", nil, "Authorization", "Bearer "+token),
			"body":   b.do("POST", "/oidc/p1/me", url.Values{"access_token": {token}}),
		} {
			answer.fails(t, 401, "invalid_token")
			if h := answer.Get("WWW-Authenticate"); !strings.HasPrefix(h, `Bearer realm="scanlogin", error="invalid_token"`) {
				t.Errorf("%s in the %s: WWW-Authenticate: %s", name, place, h)
			}
		}
	}
	none := b.do("GET", "/oidc/p1/me", nil)
	none.fails(t, 401, "invalid_token")
	if h := none.Get("WWW-Authenticate"); h != `Bearer realm="scanlogin"` {
		t.Errorf("without a token: WWW-Authenticate: %s", h)
	}
	b.do("GET", "/oidc/me", url.Values{"access_token": {"x"}}).fails(t, 401, "invalid_token")
	narrow := text(n.loggedIn("email"), "access_token")
	for _, method := range []string{"GET", "POST"} {
		b.do(method, "/oidc/p1/me", url.Values{"access_token": {access}}, "Authorization", "Bearer "+access).fails(t, 400, "invalid_request")
		answer := b.do(method, "/oidc/p1/me", nil, "Authorization", "Bearer "+narrow)
		answer.fails(t, 403, "insufficient_scope")
		if h := answer.Get("WWW-Authenticate"); !strings.Contains(h, `error="insufficient_scope", scope="openid"`) {
			t.Errorf("%s without openid: WWW-Authenticate: %s", method, h)
		}
	}
}

// TestTokensOfARemovedClientAreInvalid reloads the configuration without the client.
func TestTokensOfARemovedClientAreInvalid(t *testing.T) {
	n := tokenNode(t)
	tokens := n.loggedIn(allScopes)
	p := offlinePool(t)
	p.Clients = p.Clients[1:]
	n.pools.Replace(p, secondPool(t))
	n.userinfo(tokens).fails(t, 401, "invalid_token")
	n.token(refreshForm(tokens)).fails(t, 401, "invalid_client")
}

func TestIntrospectionTellsClientsOfThePoolAboutTokens(t *testing.T) {
	n := tokenNode(t)
	tokens := n.loggedIn("openid email offline_access")
	access, refresh := url.Values{"token": {text(tokens, "access_token")}}, url.Values{"token": {text(tokens, "refresh_token")}}
	as := func(id, secret string, form url.Values) map[string]any {
		t.Helper()
		return n.browser().do("POST", "/oidc/p1/token/introspection", form, "Authorization", basic(url.QueryEscape(id), url.QueryEscape(secret))).object(t)
	}
	for _, got := range []map[string]any{as("grafana", clientSecret, access), as("gitea", otherClientSecret, access)} {
		issuer := n.url + "/oidc/p1"
		if got["active"] != true || got["client_id"] != "grafana" || got["sub"] != "alice" || got["token_type"] != "Bearer" || got["scope"] != tokens["scope"] ||
			got["iss"] != issuer || got["aud"] != issuer || got["exp"].(float64)-got["iat"].(float64) != 600 || got["jti"] == nil || got["sid"] == nil {
			t.Errorf("access token: %v", got)
		}
	}
	if got := as("grafana", clientSecret, refresh); got["active"] != true || got["client_id"] != "grafana" || got["sub"] != "alice" || got["token_type"] != nil {
		t.Errorf("refresh token: %v", got)
	}
	inactive := map[string]any{"active": false}
	for name, got := range map[string]map[string]any{
		"refresh token of another client": as("gitea", otherClientSecret, refresh),
		"ID token":                        as("grafana", clientSecret, url.Values{"token": {text(tokens, "id_token")}}),
		"invented":                        as("grafana", clientSecret, url.Values{"token": {"x"}}),
	} {
		if !reflect.DeepEqual(got, inactive) {
			t.Errorf("%s: %v", name, got)
		}
	}
	n.browser().do("POST", "/oidc/p1/token/introspection", url.Values{"token": access["token"], "client_id": {"spa"}}).fails(t, 401, "invalid_client")
	n.browser().do("POST", "/oidc/p1/token/introspection", access).fails(t, 401, "invalid_client")
	n.post("token/introspection", nil).fails(t, 400, "invalid_request")
}

func TestClientsRevokeTheirTokens(t *testing.T) {
	var events kinds
	a, b := tokenPair(t, events.observe)
	tokens := a.loggedIn(allScopes)
	revoke := func(name string, h ...string) {
		t.Helper()
		answer := a.browser().do("POST", "/oidc/p1/token/revocation", url.Values{"token": {text(tokens, name)}, "token_type_hint": {"ignored"}}, h...)
		if answer.status != 200 || answer.body != "" {
			t.Errorf("answer %d %s", answer.status, answer.body)
		}
	}
	for _, name := range []string{"access_token", "refresh_token", "id_token", "none of them"} {
		if text(tokens, name) == "" {
			tokens[name] = "x"
		}
		revoke(name, "Authorization", basic("gitea", otherClientSecret))
	}
	isActive(t, true, tokens, a, b)
	events.are(t)
	revoke("access_token", "Authorization", basicClient())
	b.userinfo(tokens).fails(t, 401, "invalid_token")
	tokens = b.token(refreshForm(tokens)).tokens(t) // an access token is revoked alone
	isActive(t, true, tokens, a, b)
	revoke("refresh_token", "Authorization", basicClient())
	isActive(t, false, tokens, a, b)
	revoke("refresh_token", "Authorization", basicClient())
	events.are(t, "tokens_revoked p1 grafana alice", "tokens_revoked p1 grafana alice")
	a.browser().do("POST", "/oidc/p1/token/revocation", url.Values{"token": {"x"}}).fails(t, 401, "invalid_client")
	a.post("token/revocation", nil).fails(t, 400, "invalid_request")
}
