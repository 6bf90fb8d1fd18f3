package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/server"
)

const (
	clientSecret = "test secret of the client, long + with % signs"
	callback     = "https://grafana.example.com/login/generic_oauth"
	spaCallback  = "https://spa.example.com/cb?tenant=1"
)

// clientPool returns pool p1 with a confidential client "grafana" and a public client "spa".
func clientPool(t testing.TB) *pool.Pool {
	return newPool(t, func(p *pool.Pool) {
		shared := pool.Client{
			Scopes: []string{"openid", "profile", "email", "phone"}, RequirePKCE: true,
			CodeTTL: time.Minute, AccessTokenTTL: 10 * time.Minute, IDTokenTTL: 10 * time.Minute, RefreshTokenTTL: 720 * time.Hour,
		}
		grafana, spa := shared, shared
		grafana.ID, grafana.Name, grafana.Secret, grafana.RedirectURIs = "grafana", "Grafana <&>", pool.NewSecret(clientSecret), []string{callback}
		spa.ID, spa.Name, spa.RedirectURIs = "spa", "SPA", []string{spaCallback, "http://127.0.0.1/cb", "com.example.app:/cb"}
		p.Clients = []*pool.Client{&grafana, &spa}
	})
}

// providing returns an option that makes nodes issue tokens with one key.
func providing(t testing.TB) func(*server.Options) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *server.Options) {
		if o.Signer, err = token.NewSigner(key, o.PublicURL, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

// provider runs one node with the clients of clientPool.
func provider(t testing.TB, change func(*pool.Pool)) *node {
	p := clientPool(t)
	if change != nil {
		change(p)
	}
	return start(t, memNode(), providing(t), p, secondPool(t))
}

// request returns the parameters of a valid authorization request of grafana, changed by pairs
// of name and value; a value "-" removes a parameter.
func request(pairs ...string) url.Values {
	q := url.Values{
		"client_id": {"grafana"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile email"},
		"state": {"a state & more"}, "nonce": {"a nonce"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			q.Del(pairs[i])
		}
	}
	return q
}

// browser is a browser with its cookies.
type browser struct {
	*node
	http *http.Client
}

func (n *node) browser() *browser {
	n.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		n.Fatal(err)
	}
	return &browser{n, &http.Client{Timeout: client.Timeout, Transport: client.Transport, Jar: jar, CheckRedirect: doNotRedirect}}
}

// webAnswer is a response to a browser or to a client.
type webAnswer struct {
	http.Header
	status int
	body   string
}

func (b *browser) do(method, path string, form url.Values, h ...string) webAnswer {
	b.Helper()
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		path += "?" + form.Encode()
	}
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+path, body)
	if err != nil {
		b.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(h); i += 2 {
		req.Header.Set(h[i], h[i+1])
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return webAnswer{res.Header, res.StatusCode, string(text)}
}

// cookies returns the browser's cookies as a header.
func (b *browser) cookies() http.Header {
	at, err := url.Parse(b.url)
	if err != nil {
		b.Fatal(err)
	}
	var list []string
	for _, c := range b.http.Jar.Cookies(at) {
		list = append(list, c.Name+"="+c.Value)
	}
	return http.Header{"Cookie": {strings.Join(list, "; ")}}
}

var requestAttribute = regexp.MustCompile(` request="([^"]*)"`)

// open opens the authorization page, and returns the id of its request.
func (b *browser) open(q url.Values) string {
	b.Helper()
	page := b.do("GET", "/oidc/p1/auth", q)
	found := requestAttribute.FindStringSubmatch(page.body)
	if page.status != 200 || found == nil {
		b.Fatalf("answer %d, %s %s", page.status, page.Get("Location"), page.body)
	}
	return html.UnescapeString(found[1])
}

// show connects the authorization page, and returns its socket and its code.
func (b *browser) show(request string) (*page, code) {
	b.Helper()
	p := b.dial("userPoolId=p1&request="+request, b.cookies())
	m := p.event("code")
	return p, code{random: m["random"].(string), key: m["browserKey"].(string)}
}

// confirm has alice confirm the code of the page, and returns the redirect.
func (b *browser) confirm(p *page, c code) any {
	b.Helper()
	b.phone("scanned", c.random, "alice").ok()
	p.event("scanned")
	b.phone("confirm", c.random, "alice").ok()
	m := p.event("confirmed")
	if m["ticket"] != nil {
		b.Errorf("a code for a client has the ticket %v", m["ticket"])
	}
	return m["redirect"]
}

// authorizationCode has alice log in, and returns the authorization code.
func (n *node) authorizationCode(pairs ...string) string {
	n.Helper()
	b := n.browser()
	p, c := b.show(b.open(request(pairs...)))
	to, _ := b.confirm(p, c).(string)
	return queryOf(n, to).Get("code")
}

func queryOf(t testing.TB, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// tokenForm returns the parameters of a valid token request of grafana, changed as those of
// request.
func tokenForm(code string, pairs ...string) url.Values {
	q := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			q.Del(pairs[i])
		}
	}
	return q
}

func basicClient() string {
	return basic(url.QueryEscape("grafana"), url.QueryEscape(clientSecret))
}

// token makes a token request as grafana.
func (n *node) token(form url.Values, h ...string) webAnswer {
	n.Helper()
	return n.tokenAs(append([]string{"Authorization", basicClient()}, h...), form)
}

func (n *node) tokenAs(h []string, form url.Values) webAnswer {
	n.Helper()
	return n.browser().do("POST", "/oidc/p1/token", form, h...)
}

// fails fails the test unless the answer is that error of RFC 6749.
func (a webAnswer) fails(t testing.TB, status int, name string) {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != status || body["error"] != name || body["error_description"] == "" || len(body) != 2 {
		t.Errorf("answer %d %s, want %d %s", a.status, a.body, status, name)
	}
	if a.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control of an error: %q", a.Get("Cache-Control"))
	}
}

// tokens fails the test unless the answer has tokens, and returns it.
func (a webAnswer) tokens(t testing.TB) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != 200 || body["access_token"] == nil {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	if a.Get("Cache-Control") != "no-store" || a.Get("Pragma") != "no-cache" {
		t.Errorf("tokens with Cache-Control %q, Pragma %q", a.Get("Cache-Control"), a.Get("Pragma"))
	}
	return maps.Clone(body)
}
