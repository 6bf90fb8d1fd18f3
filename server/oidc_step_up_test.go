package server_test

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

// claimsOf returns the claims of a token of a response, without verifying it.
func claimsOf(t testing.TB, tokens map[string]any, name string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(text(tokens, name), ".")
	if len(parts) != 3 {
		t.Fatalf("%s: %v", name, tokens)
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(body, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// confirmWith has alice scan and confirm with claims of her login, and returns the tokens that
// client n then gets.
func (b *browser) confirmWith(n *node, p *page, c code, claims jwt.MapClaims) map[string]any {
	b.Helper()
	b.with("scanned", c.random, loginToken(b, "alice", claims)).ok()
	p.event("scanned")
	b.with("confirm", c.random, loginToken(b, "alice", claims)).ok()
	to, _ := p.event("confirmed")["redirect"].(string)
	return n.token(tokenForm(queryOf(b, to).Get("code"))).tokens(b)
}

// TestARequestTightensTheStepUpOfItsPool opens the page on one node, and shows and confirms
// its codes on the other.
func TestARequestTightensTheStepUpOfItsPool(t *testing.T) {
	sign := providing(t)
	p := clientPool(t)
	withStepUp(p)
	a, b, _ := pair(t, func(o *server.Options) {
		o.PublicURL = "http://scan.example.com"
		sign(o)
	}, p)
	for _, test := range []struct {
		pairs     []string
		challenge string // what a login of a minute ago with acr phr lacks; "": nothing
	}{
		{nil, ""},
		{[]string{"max_age", "3600", "acr_values", "gold phr"}, ""}, // never less than the pool
		{[]string{"max_age", "40"}, `max_age=40, acr_values="urn:example:high phr"`},
		{[]string{"max_age", "0"}, `max_age=30, acr_values="urn:example:high phr"`},
		{[]string{"acr_values", "gold urn:example:high"}, `max_age=300, acr_values="urn:example:high"`},
		{[]string{"max_age", "30", "acr_values", "phr  urn:example:high"}, `max_age=30, acr_values="phr urn:example:high"`},
	} {
		opened := a.browser()
		id := opened.open(request(test.pairs...))
		page := b.dial("userPoolId=p1&request="+id, opened.cookies())
		random, _ := page.event("code")["random"].(string)
		scan := a.with("scanned", random, loginToken(t, "alice", strong())).ok()
		page.event("scanned")
		answer := a.with("confirm", random, loginToken(t, "alice", strong()))
		if test.challenge == "" {
			if answer.ok(); scan["stepUp"] != nil {
				t.Errorf("%v: scanned returns %v", test.pairs, scan)
			}
			continue
		}
		answer.refused(401, 2251)
		if want := `Bearer error="insufficient_user_authentication", ` + test.challenge; answer.Get("WWW-Authenticate") != want || scan["stepUp"] == nil {
			t.Errorf("%v: %s, scanned returns %v", test.pairs, answer.Get("WWW-Authenticate"), scan)
		}
		now := jwt.MapClaims{"auth_time": time.Now().Unix(), "acr": "urn:example:high", "amr": []string{"otp"}}
		a.with("confirm", random, loginToken(t, "alice", now)).ok()
		if page.event("confirmed")["redirect"] == nil {
			t.Errorf("%v: no redirect", test.pairs)
		}
	}
}

func TestARequestThatNoLoginMeetsReturnsToTheClient(t *testing.T) {
	only := func(need session.StepUp) *node {
		return provider(t, func(p *pool.Pool) { p.StepUp = need })
	}
	listed, recent, none := only(session.StepUp{ACRValues: []string{"high"}}), only(session.StepUp{MaxAge: time.Minute}), only(session.StepUp{})
	for name, test := range map[string]struct {
		n         *node
		acrValues string
		want      string // the error; "": a page
	}{
		"another acr":                 {listed, "low gold", "unmet_authentication_requirements"},
		"one of them":                 {listed, "low high", ""},
		"a prefix":                    {listed, "hig", "unmet_authentication_requirements"},
		"only spaces":                 {listed, "  ", ""},
		"any acr":                     {recent, "gold", ""},
		"what no acr can be":          {recent, `"quoted"`, "unmet_authentication_requirements"},
		"a line end":                  {recent, "x\r\ny", ""}, // separates, like a space
		"too long":                    {recent, strings.Repeat("a ", 513), "invalid_request"},
		"without step-up, whatever":   {none, "gold \" \\", ""},
		"without step-up, of any len": {none, strings.Repeat("a ", 513), ""},
	} {
		a := test.n.browser().do("GET", "/oidc/p1/auth", request("acr_values", test.acrValues))
		back := queryOf(t, a.Get("Location"))
		if back.Get("error") != test.want || test.want == "" && a.status != 200 || test.want != "" && back.Get("state") != "a state & more" {
			t.Errorf("%s: %d to %s", name, a.status, a.Get("Location"))
		}
	}
}

// TestTokensSayWhenAndHowTheUserLoggedIn compares the ID token, the access token, introspection
// and, where a refresh token is issued, the next ID token.
func TestTokensSayWhenAndHowTheUserLoggedIn(t *testing.T) {
	const ago = 100 * time.Second
	stated := time.Now().Add(-ago).Unix()
	ahead := time.Now().Add(20 * time.Second).Unix() // within the leeway
	for name, test := range map[string]struct {
		stepUp    session.StepUp
		pairs     []string
		claims    jwt.MapClaims
		confirmed bool // auth_time is that of the confirm
		acr       any
		amr       []any
	}{
		"nothing stated":            {session.StepUp{}, nil, jwt.MapClaims{}, true, nil, []any{"qr"}},
		"all stated":                {session.StepUp{}, nil, jwt.MapClaims{"auth_time": stated, "acr": "high", "amr": []string{"pwd", "qr", "otp"}}, false, "high", []any{"qr", "pwd", "otp"}},
		"max_age without step-up":   {session.StepUp{}, []string{"max_age", "3600", "acr_values", "x"}, jwt.MapClaims{"auth_time": stated, "acr": "high"}, true, "high", []any{"qr"}},
		"max_age with step-up":      {session.StepUp{MaxAge: time.Hour}, []string{"max_age", "1800"}, jwt.MapClaims{"auth_time": stated}, false, nil, []any{"qr"}},
		"step-up without time":      {session.StepUp{AMR: []string{"otp"}}, nil, jwt.MapClaims{"amr": []string{"otp"}}, true, nil, []any{"qr", "otp"}},
		"a clock ahead of this one": {session.StepUp{}, nil, jwt.MapClaims{"auth_time": ahead}, true, nil, []any{"qr"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := provider(t, func(p *pool.Pool) {
				p.StepUp = test.stepUp
				p.Clients[0].Scopes = append(p.Clients[0].Scopes, pool.ScopeOfflineAccess)
			})
			b := n.browser()
			before := time.Now().Add(-2 * time.Second).Unix()
			page, c := b.show(b.open(request(append(test.pairs, "scope", "openid offline_access")...)))
			tokens := b.confirmWith(n, page, c, test.claims)
			check := func(what string, claims map[string]any, methods any) {
				t.Helper()
				at, _ := claims["auth_time"].(float64)
				if isConfirm := int64(at) >= before && int64(at) <= time.Now().Unix(); isConfirm != test.confirmed || !test.confirmed && int64(at) != stated {
					t.Errorf("%s: auth_time %v", what, claims["auth_time"])
				}
				if claims["acr"] != test.acr || !reflect.DeepEqual(claims["amr"], methods) {
					t.Errorf("%s: acr %v, amr %v", what, claims["acr"], claims["amr"])
				}
			}
			check("ID token", claimsOf(t, tokens, "id_token"), test.amr)
			check("access token", claimsOf(t, tokens, "access_token"), nil)
			check("introspection", n.introspect(text(tokens, "access_token")), nil)
			check("introspection of the refresh token", n.introspect(text(tokens, "refresh_token")), nil)
			check("ID token of a refresh", claimsOf(t, n.token(refreshForm(tokens)).tokens(t), "id_token"), test.amr)
		})
	}
}

func TestDiscoveryNamesTheACRValuesOfAPool(t *testing.T) {
	const path = "/oidc/p1/.well-known/openid-configuration"
	n := provider(t, withStepUp)
	if got := n.browser().do("GET", path, nil).object(t); !reflect.DeepEqual(got["acr_values_supported"], []any{"urn:example:high", "phr"}) {
		t.Errorf("acr_values_supported: %v", got["acr_values_supported"])
	}
	n = provider(t, func(p *pool.Pool) { p.StepUp = session.StepUp{MaxAge: time.Minute} })
	if got, has := n.browser().do("GET", path, nil).object(t)["acr_values_supported"]; has {
		t.Errorf("acr_values_supported of a pool with any acr: %v", got)
	}
}
