package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
)

// TestAnInvalidClientOrRedirectURINeverRedirects sends what attackers send to have a code or an
// error delivered elsewhere (RFC 9700, 4.1 and 4.11).
func TestAnInvalidClientOrRedirectURINeverRedirects(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	for name, pairs := range map[string][]string{
		"no client":                {"client_id", "-"},
		"an unknown client":        {"client_id", "unknown"},
		"the pool as client":       {"client_id", "p1"},
		"no redirect URI":          {"redirect_uri", "-"},
		"another site":             {"redirect_uri", "https://evil.example/login/generic_oauth"},
		"a subdomain":              {"redirect_uri", "https://grafana.example.com.evil.example/login/generic_oauth"},
		"a user in front":          {"redirect_uri", "https://grafana.example.com@evil.example/login/generic_oauth"},
		"a longer path":            {"redirect_uri", callback + "/../../evil"},
		"a query":                  {"redirect_uri", callback + "?next=https://evil.example"},
		"a fragment":               {"redirect_uri", callback + "#x"},
		"another scheme":           {"redirect_uri", strings.Replace(callback, "https", "http", 1)},
		"upper case":               {"redirect_uri", strings.Replace(callback, "grafana", "Grafana", 1)},
		"a line end":               {"redirect_uri", callback + "\r\nLocation: https://evil.example"},
		"of another client":        {"redirect_uri", spaCallback},
		"a script":                 {"redirect_uri", "javascript:alert(1)"},
		"with an error to deliver": {"redirect_uri", "https://evil.example", "response_type", "-"},
	} {
		for _, method := range []string{"GET", "POST"} {
			page := b.do(method, "/oidc/p1/auth", request(pairs...))
			if page.status != 400 || page.Get("Location") != "" || page.Get("Set-Cookie") != "" || !strings.Contains(page.body, "<code>invalid_request</code>") || strings.Contains(page.body, "evil") {
				t.Errorf("%s by %s: %d to %q %s", name, method, page.status, page.Get("Location"), page.body)
			}
		}
	}
	twice := b.do("GET", "/oidc/p1/auth?"+request().Encode()+"&redirect_uri=https%3A%2F%2Fevil.example", nil)
	if twice.status != 400 || twice.Get("Location") != "" {
		t.Errorf("two redirect URIs: %d to %q", twice.status, twice.Get("Location"))
	}
	for _, issuer := range []string{"p2", "unknown"} {
		for _, method := range []string{"GET", "POST"} {
			if page := b.do(method, "/oidc/"+issuer+"/auth", request()); page.status != 404 || page.Get("Location") != "" {
				t.Errorf("issuer %s by %s: %d to %q", issuer, method, page.status, page.Get("Location"))
			}
		}
	}
}

// TestErrorsOfARequestGoToTheClient also covers PKCE downgrade: a request without challenge, or
// with a method that reveals the verifier.
func TestErrorsOfARequestGoToTheClient(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	for name, test := range map[string]struct {
		want  string
		pairs []string
	}{
		"no response type":      {"invalid_request", []string{"response_type", "-"}},
		"token":                 {"unsupported_response_type", []string{"response_type", "token"}},
		"hybrid":                {"unsupported_response_type", []string{"response_type", "code id_token"}},
		"fragment":              {"invalid_request", []string{"response_mode", "fragment"}},
		"no challenge":          {"invalid_request", []string{"code_challenge", "-", "code_challenge_method", "-"}},
		"plain":                 {"invalid_request", []string{"code_challenge_method", "plain", "code_challenge", verifier}},
		"plain by omission":     {"invalid_request", []string{"code_challenge_method", "-"}},
		"a malformed challenge": {"invalid_request", []string{"code_challenge", "x"}},
		"no known scope":        {"invalid_scope", []string{"scope", "admin"}},
		"no scope":              {"invalid_scope", []string{"scope", "-"}},
		"a long nonce":          {"invalid_request", []string{"nonce", strings.Repeat("n", 513)}},
		"none":                  {"login_required", []string{"prompt", "none"}},
		"none and login":        {"invalid_request", []string{"prompt", "none login"}},
		"max_age":               {"invalid_request", []string{"max_age", "-1"}},
		"a huge max_age":        {"invalid_request", []string{"max_age", "2147483648"}},
		"request":               {"request_not_supported", []string{"request", "x.y.z"}},
		"request_uri":           {"request_uri_not_supported", []string{"request_uri", "https://grafana.example.com/r"}},
		"registration":          {"registration_not_supported", []string{"registration", "{}"}},
	} {
		for _, method := range []string{"GET", "POST"} {
			a := b.do(method, "/oidc/p1/auth", request(test.pairs...))
			back := queryOf(t, a.Get("Location"))
			if a.status != 303 || !strings.HasPrefix(a.Get("Location"), callback+"?") || back.Get("error") != test.want || back.Get("error_description") == "" ||
				back.Get("state") != "a state & more" || back.Get("iss") != n.url+"/oidc/p1" || back.Get("code") != "" || a.Get("Cache-Control") != "no-store" || a.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s by %s: %d to %s", name, method, a.status, a.Get("Location"))
			}
		}
	}
	long := b.do("GET", "/oidc/p1/auth", request("state", strings.Repeat("s", 2049)))
	if back := queryOf(t, long.Get("Location")); back.Get("error") != "invalid_request" || back.Has("state") {
		t.Errorf("a long state: %d to %s", long.status, long.Get("Location"))
	}
}

func TestARequestMayHaveWhatOthersWouldNeed(t *testing.T) {
	n := provider(t, func(p *pool.Pool) { p.Clients[0].RequirePKCE = false })
	b := n.browser()
	for name, pairs := range map[string][]string{
		"login":             {"prompt", "login"},
		"login and consent": {"prompt", "login consent"},
		"hints":             {"login_hint", "alice", "max_age", "0", "acr_values", "gold", "display", "popup"},
		"unknown":           {"foo", "bar", "scope", "openid groups"},
		"no PKCE":           {"code_challenge", "-", "code_challenge_method", "-"},
		"no nonce or state": {"nonce", "-", "state", "-"},
	} {
		if page := b.do("GET", "/oidc/p1/auth", request(pairs...)); page.status != 200 {
			t.Errorf("%s: %d %s", name, page.status, page.Get("Location"))
		}
	}
	posted := b.do("POST", "/oidc/p1/auth", request())
	if posted.status != 200 || !requestAttribute.MatchString(posted.body) {
		t.Errorf("POST: %d %s", posted.status, posted.body)
	}
	if shared := b.do("GET", "/oidc/auth", request()); shared.status != 200 || !strings.Contains(shared.body, n.url+"/oidc/p1/auth/cancel") {
		t.Errorf("the shared form: %d %s", shared.status, shared.body)
	}
}

// TestARequestWithoutPKCEHasACodeWithoutVerifier also checks that a verifier is refused then: it
// was removed from the request on its way (RFC 9700, 4.8.2).
func TestARequestWithoutPKCEHasACodeWithoutVerifier(t *testing.T) {
	n := provider(t, func(p *pool.Pool) { p.Clients[0].RequirePKCE = false })
	code := n.authorizationCode("code_challenge", "-", "code_challenge_method", "-")
	n.token(tokenForm(code)).fails(t, 400, "invalid_grant")
	n.token(tokenForm(code, "code_verifier", "-")).tokens(t)
}

func TestAPoolThatRequiresPKCERequiresItOfItsClients(t *testing.T) {
	n := provider(t, func(p *pool.Pool) { p.Clients[0].RequirePKCE, p.RequirePKCE = false, true })
	a := n.browser().do("GET", "/oidc/p1/auth", request("code_challenge", "-", "code_challenge_method", "-"))
	if queryOf(t, a.Get("Location")).Get("error") != "invalid_request" {
		t.Errorf("%d to %s", a.status, a.Get("Location"))
	}
}

// TestTheAuthorizationPageCannotBeFramedOrInjected checks its policy, and that names are text.
func TestTheAuthorizationPageCannotBeFramedOrInjected(t *testing.T) {
	n := provider(t, nil)
	page := n.browser().do("GET", "/oidc/p1/auth", request())
	policy := page.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' https:"} {
		if !strings.Contains(policy+";", part+";") {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
	if page.Get("X-Frame-Options") != "DENY" || page.Get("Referrer-Policy") != "same-origin" || page.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", page.Header)
	}
	if !strings.Contains(page.body, "Grafana &lt;&amp;&gt;") || strings.Contains(page.body, "<&>") || !strings.Contains(page.body, "with your Example account") || !strings.Contains(page.body, "<noscript>") {
		t.Errorf("page: %s", page.body)
	}
	cookie := page.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "scanlogin_authorize=") || !strings.HasSuffix(cookie, "; Path=/; HttpOnly; SameSite=Lax") {
		t.Errorf("cookie: %s", cookie)
	}
}

func TestTheCookieOverHTTPSBelongsToTheHost(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) {
		o.PublicURL = "https://scan.example.com"
		providing(t)(o)
	}, clientPool(t))
	cookie := n.browser().do("GET", "/oidc/p1/auth", request()).Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "__Host-scanlogin_authorize=") || !strings.HasSuffix(cookie, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("cookie: %s", cookie)
	}
}

func TestThePageIsInTheLanguageOfTheRequest(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	for _, test := range []struct{ locales, accept, want string }{
		{"-", "zh-CN,zh;q=0.9", "zh-CN"}, {"-", "de", "en"}, {"en", "zh-CN", "en"}, {"fr-CA zh-Hans en", "en", "zh-CN"}, {"fr", "zh", "zh-CN"},
	} {
		page := b.do("GET", "/oidc/p1/auth", request("ui_locales", test.locales), "Accept-Language", test.accept)
		if !strings.Contains(page.body, `<html lang="`+test.want+`">`) || strings.Contains(page.body, "返回 Grafana") != (test.want == "zh-CN") {
			t.Errorf("ui_locales %s, Accept-Language %s: %.80s", test.locales, test.accept, page.body)
		}
	}
}

func TestFormPostHasTheFieldsOfTheResponse(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	id := b.open(request("response_mode", "form_post"))
	p, c := b.show(id)
	to, _ := b.confirm(p, c).(map[string]any)
	fields, _ := to["fields"].(map[string]any)
	if to["action"] != callback || fields["state"] != "a state & more" || fields["iss"] != n.url+"/oidc/p1" || len(fields) != 3 {
		t.Fatalf("redirect: %v", to)
	}
	n.token(tokenForm(fields["code"].(string))).tokens(t)
	failed := b.do("GET", "/oidc/p1/auth", request("response_mode", "form_post", "prompt", "none"))
	for _, part := range []string{`action="` + callback + `"`, `name="error" value="login_required"`, `name="state" value="a state &amp; more"`} {
		if failed.status != 200 || !strings.Contains(failed.body, part) {
			t.Errorf("the error lacks %s: %d %s", part, failed.status, failed.body)
		}
	}
	if policy := failed.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https:;") {
		t.Errorf("policy: %s", policy)
	}
}

func TestParametersOfTheRedirectURIStay(t *testing.T) {
	n := provider(t, nil)
	for uri, want := range map[string]string{spaCallback: spaCallback + "&error=", "http://127.0.0.1:40123/cb": "http://127.0.0.1:40123/cb?error=", "com.example.app:/cb": "com.example.app:/cb?error="} {
		a := n.browser().do("GET", "/oidc/p1/auth", request("client_id", "spa", "redirect_uri", uri, "prompt", "none"))
		if !strings.HasPrefix(a.Get("Location"), want) {
			t.Errorf("%s: redirect to %s", uri, a.Get("Location"))
		}
	}
}

func TestGoingBackReturnsAccessDeniedAndEndsTheRequest(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	id := b.open(request())
	a := b.do("POST", "/oidc/p1/auth/cancel", url.Values{"request": {id}, "ui_locales": {"en"}}, "Origin", n.url)
	if back := queryOf(t, a.Get("Location")); a.status != 303 || back.Get("error") != "access_denied" || back.Get("state") != "a state & more" {
		t.Errorf("%d to %s", a.status, a.Get("Location"))
	}
	b.dial("userPoolId=p1&request="+id, b.cookies()).closed(1008)
	if again := b.do("POST", "/oidc/p1/auth/cancel", url.Values{"request": {id}}); again.status != 400 || again.Get("Location") != "" {
		t.Errorf("a second time: %d to %s", again.status, again.Get("Location"))
	}
	posted := b.do("POST", "/oidc/p1/auth/cancel", url.Values{"request": {b.open(request("response_mode", "form_post"))}})
	if posted.status != 200 || !strings.Contains(posted.body, `value="access_denied"`) {
		t.Errorf("form_post: %d %s", posted.status, posted.body)
	}
}

// TestNobodyElseCancelsALogin tries without the cookie, with that of another browser, from
// another site, and with an invented id (CSRF).
func TestNobodyElseCancelsALogin(t *testing.T) {
	n := provider(t, nil)
	b, other := n.browser(), n.browser()
	id := b.open(request())
	other.open(request())
	form := url.Values{"request": {id}}
	for name, a := range map[string]webAnswer{
		"without cookie":      n.browser().do("POST", "/oidc/p1/auth/cancel", form),
		"another browser":     other.do("POST", "/oidc/p1/auth/cancel", form),
		"an invented request": b.do("POST", "/oidc/p1/auth/cancel", url.Values{"request": {strings.Repeat("A", 43)}}),
		"another site":        b.do("POST", "/oidc/p1/auth/cancel", form, "Origin", "https://evil.example"),
		"an opaque origin":    b.do("POST", "/oidc/p1/auth/cancel", form, "Origin", "null"),
		"another issuer":      b.do("POST", "/oidc/p2/auth/cancel", form),
	} {
		if a.status < 400 || a.status > 404 || a.Get("Location") != "" {
			t.Errorf("%s: %d to %s", name, a.status, a.Get("Location"))
		}
	}
	p, c := b.show(id)
	if b.confirm(p, c) == nil {
		t.Error("the login was canceled")
	}
}

func TestARequestOfAnotherPoolShowsNoCodes(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	id := b.open(request())
	b.dial("userPoolId=p2&request="+id, b.cookies()).closed(1008)
	n.callWith(b.http, "POST", "/gene", map[string]any{"userPoolId": "p2", "request": id}).refused(400, 2231)
}

func TestAuthorizationRequestsAreLimitedByAddressAndPool(t *testing.T) {
	for name, limits := range map[string]pool.Limits{"address": {CodesPerAddress: 3}, "pool": {CodesPerPool: 3}} {
		n := provider(t, func(p *pool.Pool) { p.Limits = limits })
		b := n.browser()
		for range 3 {
			b.open(request())
		}
		a := b.do("GET", "/oidc/p1/auth", request())
		if queryOf(t, a.Get("Location")).Get("error") != "temporarily_unavailable" {
			t.Errorf("%s: %d to %s", name, a.status, a.Get("Location"))
		}
	}
}

// brokenRecords is a storage of records that does not answer.
type brokenRecords struct{ kv.Store }

var errBroken = errors.New("broken on purpose")

func (brokenRecords) Put(context.Context, string, string, string, time.Time) error { return errBroken }

func (brokenRecords) Get(context.Context, ...string) ([]map[string]string, error) {
	return nil, errBroken
}

func TestAStorageThatDoesNotAnswerIsNoRefusal(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) {
		o.Records = brokenRecords{kv.NewMemory()}
		providing(t)(o)
	}, clientPool(t))
	b := n.browser()
	a := b.do("GET", "/oidc/p1/auth", request())
	if queryOf(t, a.Get("Location")).Get("error") != "temporarily_unavailable" {
		t.Errorf("auth: %d to %s", a.status, a.Get("Location"))
	}
	cookie := "scanlogin_authorize=AAAAAAAAAAAAAAAAAAAAAA"
	form := url.Values{"request": {strings.Repeat("A", 43)}}
	if a := b.do("POST", "/oidc/p1/auth/cancel", form, "Cookie", cookie); a.status != 503 || a.Get("Retry-After") == "" {
		t.Errorf("cancel: %d %s", a.status, a.body)
	}
	b.dial("userPoolId=p1&request="+form.Get("request"), http.Header{"Cookie": {cookie}}).closed(1013)
}
