package server_test

import (
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/server"
)

const exchangePath = "exchange-tokenset-with-qrcode-ticket"

// v3Ticket has alice confirm a code that was created with an app id, and returns the ticket.
func (n *node) v3Ticket(app string) string {
	n.Helper()
	id := n.v3("POST", "gene-qrcode", map[string]any{"type": "MOBILE_APP"}, "X-Authing-App-Id", app).ok()["qrcodeId"].(string)
	n.v3Step(id, "SCAN", "alice").ok()
	n.v3Step(id, "CONFIRM", "alice").ok()
	return n.v3("GET", "get-qrcode-status?qrcodeId="+id, nil, "Authorization", basic("p1", poolSecret)).ok()["ticket"].(string)
}

// v3Exchange exchanges a ticket with the credentials of a client in the body.
func (n *node) v3Exchange(ticket, client, secret string) v3Answer {
	n.Helper()
	return n.v3("POST", exchangePath, map[string]any{"ticket": ticket, "client_id": client, "client_secret": secret}, "X-Authing-App-Id", client)
}

func TestV3ExchangesATicketForTokensOnce(t *testing.T) {
	n := tokenNode(t)
	ticket := n.v3Ticket("grafana")
	tokens := n.v3Exchange(ticket, "grafana", clientSecret).ok()
	if tokens["token_type"] != "Bearer" || tokens["expire_in"] != 600.0 || tokens["scope"] != allScopes || text(tokens, "id_token") == "" || text(tokens, "refresh_token") == "" {
		t.Errorf("%v", tokens)
	}
	isActive(t, true, tokens, n)
	n.token(refreshForm(tokens)).tokens(t)
	n.v3Exchange(ticket, "grafana", clientSecret).refused(200, 410, 2246)
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).refused(410, 2246)

	raw := n.v3Ticket("app1") // of no client: every client of the pool with a secret may exchange it
	a := n.v3("POST", exchangePath, map[string]any{"ticket": raw}, "Authorization", basic("gitea", otherClientSecret))
	if a.ok()["access_token"] == nil || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("with Basic: %+v", a)
	}
}

func TestV3RefusesAnExchangeWithoutSpendingTheTicket(t *testing.T) {
	n := tokenNode(t)
	ticket := n.v3Ticket("grafana")
	for name, refused := range map[string]v3Answer{
		"no credentials":              n.v3("POST", exchangePath, map[string]any{"ticket": ticket}),
		"a wrong secret":              n.v3Exchange(ticket, "grafana", "wrong"),
		"a public client":             n.v3Exchange(ticket, "spa", ""),
		"another client":              n.v3Exchange(ticket, "gitea", otherClientSecret),
		"the pool's secret":           n.v3("POST", exchangePath, map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)),
		"the app id of another pool":  n.v3("POST", exchangePath, map[string]any{"ticket": ticket}, "X-Authing-App-Id", "nobody", "Authorization", basic("grafana", clientSecret)),
		"a user's token":              n.v3("POST", exchangePath, map[string]any{"ticket": ticket}, "Authorization", userToken(t, "alice")),
		"the id of an unknown client": n.v3Exchange(ticket, "nobody", clientSecret),
	} {
		t.Log(name)
		refused.refused(200, 401, 1001)
	}
	n.v3Exchange("", "grafana", clientSecret).refused(200, 400, 2231)
	n.v3Exchange("nothing", "grafana", clientSecret).refused(200, 410, 2246)
	n.v3Exchange(n.authorizationCode(), "grafana", clientSecret).refused(200, 410, 2246)
	n.token(tokenForm(ticket)).fails(t, 400, "invalid_grant")
	n.v3Exchange(ticket, "grafana", clientSecret).ok()
}

func TestV3ProfileHasWhatTheScopeGrants(t *testing.T) {
	n := tokenNode(t)
	tokens := n.v3Exchange(n.v3Ticket("grafana"), "grafana", clientSecret).ok()
	for _, header := range []string{"", "Bearer "} {
		d := n.v3("GET", "get-profile?withCustomData=false", nil, "Authorization", header+text(tokens, "access_token")).ok()
		if d["userId"] != "alice" || d["nickname"] != "ALICE" || d["photo"] == nil || d["email"] != "alice@example.com" || d["emailVerified"] != true {
			t.Errorf("%v", d)
		}
	}
	less := n.loggedIn("openid email")
	d := n.v3("GET", "get-profile", nil, "Authorization", text(less, "access_token")).ok()
	if d["userId"] != "alice" || d["nickname"] != nil || d["email"] == nil {
		t.Errorf("with less scope: %v", d)
	}
	withoutOpenID := n.loggedIn("email")
	n.v3("GET", "get-profile", nil).refused(200, 401, 2020)
	for _, text := range []string{text(tokens, "id_token"), userToken(t, "alice"), text(withoutOpenID, "access_token"), "nothing"} {
		n.v3("GET", "get-profile", nil, "Authorization", text).refused(200, 401, 2020)
	}
	n.post("token/revocation", url.Values{"token": {text(less, "access_token")}})
	n.v3("GET", "get-profile", nil, "Authorization", text(less, "access_token")).refused(200, 401, 2020)
}

func TestV3ExchangeNeedsTheVerifierOfTheCode(t *testing.T) {
	n := tokenNode(t)
	made := n.call("POST", "/gene", map[string]any{"codeChallenge": challenge, "codeChallengeMethod": "S256"}, "X-Authing-App-Id", "grafana").ok()
	id := made["random"].(string)
	n.phone("scanned", id, "alice").ok()
	n.phone("confirm", id, "alice").ok()
	ticket := n.call("GET", "/check?random="+id, nil, "Authorization", basic("p1", poolSecret)).ok()["ticket"].(string)
	body := map[string]any{"ticket": ticket, "client_id": "grafana", "client_secret": clientSecret}
	if a := n.v3("POST", exchangePath, body, "X-Authing-App-Id", "grafana"); a.StatusCode == 200 {
		t.Error("a ticket with a challenge was exchanged without the verifier")
	}
	body["codeVerifier"] = verifier
	n.v3("POST", exchangePath, body, "X-Authing-App-Id", "grafana").ok()
}

func TestV3GivesNoTokensWhileTheStorageIsAway(t *testing.T) {
	var away atomic.Bool
	n := start(t, memNode(), func(o *server.Options) {
		o.Records = fragileRecords{kv.NewMemory(), &away}
		providing(t)(o)
	}, offlinePool(t))
	tokens, ticket := n.loggedIn(allScopes), n.v3Ticket("grafana")
	away.Store(true)
	for _, a := range []v3Answer{
		n.v3Exchange(ticket, "grafana", clientSecret),
		n.v3("GET", "get-profile", nil, "Authorization", text(tokens, "access_token")),
	} {
		a.refused(503, 503, 1000)
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}
