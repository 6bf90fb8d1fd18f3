package server_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// TestGoingBackEndsAllPagesOfTheRequest goes back on one node while pages of the same request are
// connected to two: one shows a code, the other one was scanned.
func TestGoingBackEndsAllPagesOfTheRequest(t *testing.T) {
	a, b, _ := pair(t, providing(t), clientPool(t))
	opened := a.browser()
	id := opened.open(request())
	dial := func(n *node) (*page, string) {
		p := n.dial("userPoolId=p1&request="+id, opened.cookies())
		return p, p.event("code")["random"].(string)
	}
	first, shown := dial(a)
	second, scanned := dial(b)
	a.phone("scanned", scanned, "alice").ok()
	second.event("scanned")
	polled := a.call("POST", "/gene", map[string]any{"userPoolId": "p1", "request": id}, "Cookie", opened.cookies().Get("Cookie")).ok()["random"].(string)

	if back := opened.do("POST", "/oidc/p1/auth/cancel", url.Values{"request": {id}}); back.status != 303 {
		t.Fatalf("going back: %d %s", back.status, back.body)
	}
	for _, p := range []*page{first, second} {
		p.event("expired")
		p.closedWith(1008, "the authorization request has ended, or belongs to another browser")
	}
	b.phone("confirm", scanned, "alice").refused(410, 2242)
	for _, random := range []string{shown, polled} {
		b.phone("scanned", random, "alice").refused(410, 2242)
	}
}

// TestAHintIsForItsUserOnly is OIDC Core 3.1.2.2: with an ID token as hint, no other user's code
// reaches the client.
func TestAHintIsForItsUserOnly(t *testing.T) {
	n := tokenNode(t)
	hint := text(n.loggedIn("openid"), "id_token") // of alice
	for _, mode := range []string{"query", "form_post"} {
		for user, want := range map[string]string{"alice": "", "bob": "login_required"} {
			b := n.browser()
			p, c := b.show(b.open(request("id_token_hint", hint, "response_mode", mode)))
			n.phone("scanned", c.random, user).ok()
			p.event("scanned")
			n.phone("confirm", c.random, user).ok()
			to := p.event("confirmed")["redirect"]
			answer := url.Values{}
			switch to := to.(type) {
			case string:
				answer = queryOf(t, to)
			case map[string]any:
				for name, value := range to["fields"].(map[string]any) {
					answer.Set(name, value.(string))
				}
			}
			if answer.Get("error") != want || answer.Has("code") != (want == "") || answer.Get("state") != "a state & more" || answer.Get("iss") != n.url+"/oidc/p1" {
				t.Errorf("%s as %s: %v", mode, user, to)
			}
		}
	}
	for name, wrong := range map[string]string{"no token": "x", "an access token": text(n.loggedIn("openid"), "access_token"), "a user's token": userToken(t, "alice")} {
		a := n.browser().do("GET", "/oidc/p1/auth", request("id_token_hint", wrong))
		if queryOf(t, a.Get("Location")).Get("error") != "invalid_request" {
			t.Errorf("%s: %d to %s", name, a.status, a.Get("Location"))
		}
	}
}

func TestThePhoneLearnsTheClient(t *testing.T) {
	n := start(t, memNode(), providing(t), devicePool(t))
	client := func(random string) map[string]any {
		named, _ := n.phone("scanned", random, "alice").ok()["client"].(map[string]any)
		return named
	}
	b := n.browser()
	_, c := b.show(b.open(request()))
	if got := client(c.random); got["id"] != "grafana" || got["name"] != "Grafana <&>" {
		t.Errorf("for an authorization request: %v", got)
	}
	if got := client(n.device().random()); got["id"] != "spa" || got["name"] != "SPA" {
		t.Errorf("for a device: %v", got)
	}
	made := n.call("POST", "/gene", map[string]any{}, "X-Authing-App-Id", "grafana").ok()
	if got := client(made["random"].(string)); got["id"] != "grafana" {
		t.Errorf("for the app id of a client: %v", got)
	}
	if got := client(n.gene("p1").random); got != nil {
		t.Errorf("for the pool: %v", got)
	}
}

// TestABrowserExchangesNoTicketOfAConfidentialClient lets browsers exchange tickets: those of a code
// that was created for a client with a secret need that, or the pool's secret.
func TestABrowserExchangesNoTicketOfAConfidentialClient(t *testing.T) {
	n := provider(t, func(p *pool.Pool) { p.AllowBrowserExchange, p.BindBrowser = true, false })
	ticket := func(app string) string {
		made := n.call("POST", "/gene", map[string]any{}, "X-Authing-App-Id", app).ok()
		random := made["random"].(string)
		n.phone("scanned", random, "alice").ok()
		n.phone("confirm", random, "alice").ok()
		return n.call("GET", "/check?random="+random, nil).ok()["ticket"].(string)
	}
	bound := map[string]any{"ticket": ticket("grafana")}
	n.call("POST", "/userinfo", bound).refused(401, 1001)
	n.call("POST", "/userinfo", bound, "Authorization", basic("p1", poolSecret)).ok()
	for _, app := range []string{"spa", "app1"} {
		n.call("POST", "/userinfo", map[string]any{"ticket": ticket(app)}).ok()
	}
}

func TestV3GivesTheTicketToItsClient(t *testing.T) {
	n := tokenNode(t)
	for app, sees := range map[string]map[string]bool{
		"grafana": {"grafana": true, "gitea": false},
		"app1":    {"grafana": true, "gitea": true},
	} {
		id := n.v3("POST", "gene-qrcode", map[string]any{"type": "MOBILE_APP"}, "X-Authing-App-Id", app).ok()["qrcodeId"].(string)
		n.v3Step(id, "SCAN", "alice").ok()
		n.v3Step(id, "CONFIRM", "alice").ok()
		status := func(credentials ...string) bool {
			return n.v3("GET", "get-qrcode-status?qrcodeId="+id, nil, credentials...).ok()["ticket"] != nil
		}
		for client, want := range sees {
			secret := map[string]string{"grafana": clientSecret, "gitea": otherClientSecret}[client]
			if got := status("Authorization", basic(client, secret)); got != want {
				t.Errorf("a code of %s: %s sees the ticket: %v", app, client, got)
			}
		}
		for name, credentials := range map[string]string{"a wrong secret": basic("grafana", "wrong"), "a public client": basic("spa", "")} {
			if status("Authorization", credentials) {
				t.Errorf("a code of %s: %s sees the ticket", app, name)
			}
		}
		if d := n.call("GET", "/check?random="+id, nil, "Authorization", basic("grafana", clientSecret)).ok(); d["ticket"] != nil {
			t.Error("check gives the ticket to a client")
		}
	}
}

func TestV3SaysWhatTheLoginLacks(t *testing.T) {
	n := start(t, memNode(), nil, newPool(t, withStepUp))
	id := n.v3Gene()
	if d := n.v3Step(id, "SCAN", "alice").ok(); d["stepUp"] == nil {
		t.Errorf("SCAN returns %v", d)
	}
	a := n.call("POST", "/api/v3/set-qrcode-status", map[string]any{"qrcodeId": id, "action": "CONFIRM"}, "X-Authing-App-Id", "app1", "Authorization", userToken(t, "alice"))
	var body map[string]any
	if err := json.Unmarshal([]byte(a.raw), &body); err != nil || body["apiCode"] != 2251.0 || a.Get("WWW-Authenticate") == "" {
		t.Errorf("CONFIRM returns %s", a.raw)
	}
	if needed, _ := body["stepUp"].(map[string]any); needed["maxAge"] != 300.0 || needed["acrValues"] == nil || needed["amr"] == nil {
		t.Errorf("CONFIRM returns %s", a.raw)
	}
	status := func() map[string]any { return n.v3("GET", "get-qrcode-status?qrcodeId="+id, nil).ok() }
	if d := status(); d["status"] != "SCANNED" || len(d) != 2 || d["briefUserInfo"] == nil {
		t.Errorf("the code stays scanned, and the page learns nothing of what the phone lacks: %v", d)
	}
	token := loginToken(t, "alice", strong())
	n.v3("POST", "set-qrcode-status", map[string]any{"qrcodeId": id, "action": "CONFIRM"}, "Authorization", token).ok()
	if d := status(); d["status"] != "AUTHORIZED" || d["stepUp"] != nil {
		t.Errorf("after the confirm with a better login: %v", d)
	}
}
