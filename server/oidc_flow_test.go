package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
)

// TestAStandardClientLogsIn uses the libraries that most clients in Go use.
func TestAStandardClientLogsIn(t *testing.T) {
	n := provider(t, nil)
	ctx := oidc.ClientContext(t.Context(), client)
	issuer, err := oidc.NewProvider(ctx, n.url+"/oidc/p1")
	if err != nil {
		t.Fatal(err)
	}
	config := oauth2.Config{ClientID: "grafana", ClientSecret: clientSecret, Endpoint: issuer.Endpoint(), RedirectURL: callback, Scopes: []string{"openid", "email"}}
	secret := oauth2.GenerateVerifier()
	address := config.AuthCodeURL("the state", oauth2.S256ChallengeOption(secret), oidc.Nonce("the nonce"))
	if !strings.HasPrefix(address, n.url+"/oidc/p1/auth?") {
		t.Fatalf("the authorization endpoint is %s", address)
	}
	b := n.browser()
	p, c := b.show(b.open(queryOf(t, address)))
	to, _ := b.confirm(p, c).(string)
	back := queryOf(t, to)
	if !strings.HasPrefix(to, callback+"?") || back.Get("state") != "the state" || back.Get("iss") != n.url+"/oidc/p1" || len(back) != 3 {
		t.Fatalf("redirect to %s", to)
	}
	tokens, err := config.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(secret))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := tokens.Extra("id_token").(string)
	id, err := issuer.Verifier(&oidc.Config{ClientID: "grafana"}).Verify(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Nonce    string   `json:"nonce"`
		SID      string   `json:"sid"`
		AMR      []string `json:"amr"`
		AuthTime int64    `json:"auth_time"`
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if id.Subject != "alice" || claims.Nonce != "the nonce" || claims.SID == "" || strings.Join(claims.AMR, " ") != "qr" || claims.AuthTime == 0 {
		t.Errorf("ID token: %+v, %+v", id, claims)
	}
	if err := id.VerifyAccessToken(tokens.AccessToken); err != nil {
		t.Errorf("at_hash: %v", err)
	}
	if tokens.TokenType != "Bearer" || tokens.ExpiresIn != 600 || tokens.Extra("scope") != "openid email" || tokens.RefreshToken != "" {
		t.Errorf("tokens: %+v", tokens)
	}
}

func TestAuthorizationCodesAreExchangedOnce(t *testing.T) {
	n := provider(t, nil)
	code := n.authorizationCode()
	n.token(tokenForm(code)).tokens(t)
	n.token(tokenForm(code)).fails(t, 400, "invalid_grant")
}

// TestOneOfManyExchangesSucceedsOnTwoNodes has two nodes on one Redis exchange one code at the
// same time.
func TestOneOfManyExchangesSucceedsOnTwoNodes(t *testing.T) {
	sign := providing(t)
	a, b, _ := pair(t, func(o *server.Options) {
		o.PublicURL = "http://scan.example.com"
		sign(o)
	}, clientPool(t))
	code := a.authorizationCode()
	var running sync.WaitGroup
	answers := make([]webAnswer, 20)
	for i := range answers {
		running.Go(func() { answers[i] = []*node{a, b}[i%2].token(tokenForm(code)) })
	}
	running.Wait()
	won := 0
	for _, answer := range answers {
		if answer.status == 200 {
			won++
		} else {
			answer.fails(t, 400, "invalid_grant")
		}
	}
	if won != 1 {
		t.Errorf("%d of %d exchanges succeeded", won, len(answers))
	}
	id, err := pool.TicketID(code)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := a.store.Load(t.Context(), id); err != nil || s.Version != 4 {
		t.Errorf("the code has version %d, %v: it was not redeemed once", s.Version, err)
	}
}

// TestAnExchangeNeedsAllThatTheRequestHad shows a code with one part wrong. Nothing is spent or
// revoked by that.
func TestAnExchangeNeedsAllThatTheRequestHad(t *testing.T) {
	n := provider(t, nil)
	code := n.authorizationCode()
	for name, wrong := range map[string][]string{
		"another redirect URI": {"redirect_uri", callback + "/"},
		"no redirect URI":      {"redirect_uri", "-"},
		"no verifier":          {"code_verifier", "-"},
		"another verifier":     {"code_verifier", strings.Repeat("a", 43)},
		"a malformed verifier": {"code_verifier", "a"},
		"the challenge":        {"code_verifier", challenge},
		"no code":              {"code", "-"},
		"a malformed code":     {"code", "x"},
		"another code":         {"code", code[:len(code)-2] + "AA"},
	} {
		answer := n.token(tokenForm(code, wrong...))
		if answer.status != 400 || !strings.Contains(answer.body, `"invalid_grant"`) && !strings.Contains(answer.body, `"invalid_request"`) {
			t.Errorf("%s: %d %s", name, answer.status, answer.body)
		}
	}
	n.tokenAs(nil, tokenForm(code, "client_id", "spa")).fails(t, 400, "invalid_grant") // another client
	n.token(tokenForm(code)).tokens(t)
}

func TestTicketsAndAuthorizationCodesAreNotEachOther(t *testing.T) {
	n := provider(t, nil)
	authorizationCode := n.authorizationCode()
	_, ticket := n.confirmed("p1")
	n.exchange(authorizationCode, verifier).refused(410, 2246)
	n.token(tokenForm(ticket)).fails(t, 400, "invalid_grant")
	n.token(tokenForm(authorizationCode)).tokens(t)
	n.exchange(ticket, "").ok()
}

func TestAnAuthorizationCodeExpiresAfterTheTimeOfItsClient(t *testing.T) {
	n := provider(t, func(p *pool.Pool) { p.Clients[0].CodeTTL = 1 })
	n.token(tokenForm(n.authorizationCode())).fails(t, 400, "invalid_grant")
}

func TestOnlyTheBrowserOfTheRequestGetsTheRedirect(t *testing.T) {
	n := provider(t, func(p *pool.Pool) { p.BindBrowser = false })
	b := n.browser()
	id := b.open(request())
	p, c := b.show(id)
	b.confirm(p, c)
	checkAs := func(query string, h ...string) map[string]any {
		return n.call("GET", "/check?random="+c.random+query, nil, h...).ok()
	}
	cookie := b.cookies().Get("Cookie")
	if d := checkAs("&request="+id, "X-Browser-Key", c.key, "Cookie", cookie); d["redirect"] == nil || d["ticket"] != nil {
		t.Errorf("the browser of the request got %v", d)
	}
	for name, d := range map[string]map[string]any{
		"without request": checkAs("", "X-Browser-Key", c.key, "Cookie", cookie),
		"without proof":   checkAs("&request="+id, "Cookie", cookie),
		"another request": checkAs("&request="+b.open(request()), "X-Browser-Key", c.key, "Cookie", cookie),
		"the site":        checkAs("", "Authorization", basic("p1", poolSecret)),
	} {
		if d["redirect"] != nil || d["ticket"] != nil {
			t.Errorf("%s: got %v", name, d)
		}
	}
	for _, cookie := range []string{"", "scanlogin_authorize=AAAAAAAAAAAAAAAAAAAAAA"} {
		n.call("GET", "/check?random="+c.random+"&request="+id, nil, "X-Browser-Key", c.key, "Cookie", cookie).refused(400, 2231)
		n.call("POST", "/gene", map[string]any{"userPoolId": "p1", "request": id}, "Cookie", cookie).refused(400, 2231)
		stranger := n.dial("userPoolId=p1&request="+id, http.Header{"Cookie": {cookie}})
		stranger.closedWith(1008, "the authorization request has ended, or belongs to another browser")
	}
}

func TestRotatedCodesBelongToTheSameRequest(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	id := b.open(request())
	p, first := b.show(id)
	n.phone("scanned", first.random, "alice").ok()
	p.event("scanned")
	n.phone("cancel", first.random, "alice").ok()
	p.event("canceled")
	m := p.event("code")
	second := code{random: m["random"].(string), key: m["browserKey"].(string)}
	_ = p.CloseNow()
	resumed := b.dial("userPoolId=p1&request="+id+"&random="+second.random, b.cookies(), "key."+second.key)
	resumed.event("waiting")
	to, _ := b.confirm(resumed, second).(string)
	n.token(tokenForm(queryOf(t, to).Get("code"))).tokens(t)
}

// TestAPageContinuesOnlyWithCodesOfItsRequest resumes a code of the same browser for which
// another request, or none, was made.
func TestAPageContinuesOnlyWithCodesOfItsRequest(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	first, second := b.open(request()), b.open(request())
	_, c := b.show(first)
	for name, query := range map[string]string{"another request": "userPoolId=p1&request=" + second, "none": "userPoolId=p1&codeChallenge=" + challenge} {
		other := b.dial(query+"&random="+c.random, b.cookies(), "key."+c.key)
		if m := other.event("code"); m["random"] == c.random {
			t.Errorf("%s: continues with the code", name)
		}
	}
}

func TestTheOtherTransportsBringTheRedirect(t *testing.T) {
	n := provider(t, nil)
	b := n.browser()
	id := b.open(request())
	d := n.callWith(b.http, "POST", "/gene", map[string]any{"userPoolId": "p1", "request": id}).ok()
	c := code{random: d["random"].(string), key: d["browserKey"].(string)}
	n.phone("scanned", c.random, "alice").ok()
	n.phone("confirm", c.random, "alice").ok()
	checked := n.callWith(b.http, "GET", "/check?random="+c.random+"&request="+id, nil, "X-Browser-Key", c.key).ok()
	stream := b.do("GET", "/api/v2/qrcode/events", url.Values{"random": {c.random}, "request": {id}}, "X-Browser-Key", c.key)
	text, _ := json.Marshal(checked["redirect"])
	if checked["redirect"] == nil || !strings.Contains(stream.body, `"redirect":`+string(text)) {
		t.Errorf("check %s, event stream %s", text, stream.body)
	}
}
