package server_test

import (
	"net/url"
	"strings"
	"testing"
)

const loggedOut = "https://grafana.example.com/logged-out"

func (n *node) endSession(method string, pairs ...string) webAnswer {
	n.Helper()
	q := make(url.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return n.browser().do(method, "/oidc/p1/session/end", q)
}

func TestALogoutEndsTheLoginOfItsHint(t *testing.T) {
	var events kinds
	a, b := tokenPair(t, events.observe)
	for method, request := range map[string][]string{
		"GET":  {"post_logout_redirect_uri", loggedOut, "state", "a & b"},
		"POST": {"post_logout_redirect_uri", loggedOut + "?x=1", "state", "a & b", "client_id", "grafana"},
	} {
		tokens, other := a.loggedIn(allScopes), a.loggedIn(allScopes)
		answer := a.endSession(method, append(request, "id_token_hint", text(tokens, "id_token"))...)
		want := map[string]string{"GET": loggedOut + "?state=a+%26+b", "POST": loggedOut + "?x=1&state=a+%26+b"}[method]
		if answer.status != 303 || answer.Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", method, answer.status, answer.Get("Location"), want)
		}
		isActive(t, false, tokens, a, b)
		isActive(t, true, other, a, b)
		// Again, as a user does who goes back: the login has ended, which is what they want.
		if again := a.endSession(method, append(request, "id_token_hint", text(tokens, "id_token"))...); again.status != 303 {
			t.Errorf("again: %d %s", again.status, again.body)
		}
	}
	events.are(t, "tokens_revoked p1 grafana alice", "tokens_revoked p1 grafana alice")
}

func TestALogoutWithoutARedirectShowsAPage(t *testing.T) {
	n := tokenNode(t)
	tokens := n.loggedIn(allScopes)
	page := n.endSession("GET", "id_token_hint", text(tokens, "id_token"), "ui_locales", "en")
	if page.status != 200 || !strings.Contains(page.body, "Your login at Grafana &lt;&amp;&gt; has ended") || page.Get("Location") != "" {
		t.Errorf("%d %s", page.status, page.body)
	}
	isActive(t, false, tokens, n)
	page = n.endSession("GET", "ui_locales", "zh-CN")
	if page.status != 200 || !strings.Contains(page.body, "此处没有需要退出的登录") {
		t.Errorf("%d %s", page.status, page.body)
	}
	if h := page.Get("Content-Security-Policy"); !strings.Contains(h, "frame-ancestors 'none'") || !strings.Contains(h, "default-src 'none'") {
		t.Errorf("Content-Security-Policy: %s", h)
	}
}

// TestNobodyIsLoggedOutWithoutAHint is a request that another site makes.
func TestNobodyIsLoggedOutWithoutAHint(t *testing.T) {
	n := tokenNode(t)
	tokens := n.loggedIn(allScopes)
	for _, method := range []string{"GET", "POST"} {
		page := n.endSession(method, "client_id", "grafana", "post_logout_redirect_uri", loggedOut, "state", "s", "ui_locales", "en")
		if page.status != 200 || page.Get("Location") != "" || !strings.Contains(page.body, `<a href="`+loggedOut+`?state=s">Continue to Grafana`) {
			t.Errorf("%s: %d %q %s", method, page.status, page.Get("Location"), page.body)
		}
	}
	isActive(t, true, tokens, n)
}

func TestALogoutNeverRedirectsToAnotherAddress(t *testing.T) {
	n := tokenNode(t)
	tokens := n.loggedIn(allScopes)
	hint := text(tokens, "id_token")
	for name, request := range map[string][]string{
		"another address":         {"id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example.com/"},
		"a longer address":        {"id_token_hint", hint, "post_logout_redirect_uri", loggedOut + "/"},
		"another parameter":       {"id_token_hint", hint, "post_logout_redirect_uri", loggedOut + "?x=2"},
		"a redirect URI":          {"id_token_hint", hint, "post_logout_redirect_uri", callback},
		"no client":               {"post_logout_redirect_uri", loggedOut},
		"an unknown client":       {"client_id", "x", "post_logout_redirect_uri", loggedOut},
		"another client":          {"id_token_hint", hint, "client_id", "gitea", "post_logout_redirect_uri", loggedOut},
		"an access token":         {"id_token_hint", text(tokens, "access_token"), "post_logout_redirect_uri", loggedOut},
		"an invented hint":        {"id_token_hint", "x", "client_id", "grafana", "post_logout_redirect_uri", loggedOut},
		"a hint with a new claim": {"id_token_hint", hint[:len(hint)-4] + "AAAA", "post_logout_redirect_uri", loggedOut},
		"a script":                {"id_token_hint", hint, "post_logout_redirect_uri", "javascript:alert(1)"},
		"a long state":            {"id_token_hint", hint, "post_logout_redirect_uri", loggedOut, "state", strings.Repeat("s", 3000)},
	} {
		for _, method := range []string{"GET", "POST"} {
			answer := n.endSession(method, request...)
			if answer.status != 400 || answer.Get("Location") != "" || !strings.Contains(answer.body, "invalid_request") || strings.Contains(answer.body, "evil") {
				t.Errorf("%s by %s: %d %q %s", name, method, answer.status, answer.Get("Location"), answer.body)
			}
		}
	}
	isActive(t, true, tokens, n)
}
