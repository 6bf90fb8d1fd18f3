package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
)

const (
	// RFC 7636, appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// confirmedWithChallenge creates a code with a challenge, which alice confirms, and returns
// it with its ticket.
func (n *node) confirmedWithChallenge(challenge string) (code, string) {
	n.Helper()
	d := n.call("POST", "/gene", map[string]any{"userPoolId": "p1", "codeChallenge": challenge}).ok()
	c := code{random: d["random"].(string), key: d["browserKey"].(string)}
	n.phone("scanned", c.random, "alice").ok()
	n.phone("confirm", c.random, "alice").ok()
	return c, n.check(c)["ticket"].(string)
}

func (n *node) exchange(ticket, verifier string) answer {
	n.Helper()
	body := map[string]any{"ticket": ticket}
	if verifier != "" {
		body["codeVerifier"] = verifier
	}
	return n.call("POST", "/userinfo", body, "Authorization", basic("p1", poolSecret))
}

func TestATicketNeedsTheVerifierOfItsCode(t *testing.T) {
	n := alone(t, newPool(t, nil))
	_, ticket := n.confirmedWithChallenge(challenge)
	missing := n.exchange(ticket, "")
	if missing.refused(403, 2250); !strings.Contains(missing.message, "codeVerifier is required") {
		t.Errorf("without: %q", missing.message)
	}
	for _, text := range []string{verifier + "A", strings.Replace(verifier, "d", "e", 1), challenge, strings.Repeat("a", 43), strings.Repeat("~", 128)} {
		n.exchange(ticket, text).refused(403, 2250)
	}
	for _, text := range []string{verifier[1:], strings.Repeat("a", 129), verifier[1:] + "+", verifier + "\n"} {
		malformed := n.exchange(ticket, text)
		if malformed.refused(400, 2231); !strings.HasPrefix(malformed.message, "codeVerifier must be 43 to 128") {
			t.Errorf("%q: %q", text, malformed.message)
		}
	}
	if u := n.exchange(ticket, verifier).ok(); u["id"] != "alice" { // refusals do not spend the ticket
		t.Errorf("user: %v", u)
	}
	n.exchange(ticket, verifier).refused(410, 2246)
	// Without a valid ticket, the response does not depend on the verifier.
	n.exchange(strings.Repeat("x", 30)+"."+strings.Repeat("y", 43), "").refused(410, 2246)
}

// RFC 9700, 4.8.2: an attacker between page and server removes the challenge, so that a stolen
// ticket could be redeemed without the verifier.
func TestAVerifierWithoutChallengeIsRefused(t *testing.T) {
	n := alone(t, newPool(t, nil))
	_, ticket := n.confirmed("p1")
	n.exchange(ticket, verifier).refused(403, 2250)
	n.exchange(ticket, "").ok()
}

func TestChallengesHaveTheirForm(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for _, test := range []struct{ challenge, method, want string }{
		{challenge[1:], "", "codeChallenge must be 43"},
		{challenge + "A", "", "codeChallenge must be 43"},
		{challenge + "\n", "", "codeChallenge must be 43"},
		{challenge[:42] + "=", "", "codeChallenge must be 43"},
		{challenge[:42] + "N", "", "codeChallenge must be 43"}, // not the end of a SHA-256 hash
		{challenge, "plain", "codeChallengeMethod must be S256"},
		{challenge, "s256", "codeChallengeMethod must be S256"},
		{"", "S256", "codeChallenge is required"},
	} {
		a := n.call("POST", "/gene", map[string]any{"userPoolId": "p1", "codeChallenge": test.challenge, "codeChallengeMethod": test.method})
		if a.refused(400, 2231); !strings.HasPrefix(a.message, test.want) {
			t.Errorf("%q %q: %q, want %q", test.challenge, test.method, a.message, test.want)
		}
	}
	n.call("POST", "/gene", map[string]any{"userPoolId": "p1", "codeChallenge": challenge, "codeChallengeMethod": "S256"}).ok()
}

func TestAPoolCanRequireAChallenge(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.RequirePKCE = true }))
	a := n.call("POST", "/gene", `{"userPoolId":"p1"}`)
	if a.refused(400, 2231); !strings.Contains(a.message, "codeChallenge is required") || !strings.Contains(a.message, "RFC 7636") {
		t.Errorf("%q names no field and cure", a.message)
	}
	n.dial("userPoolId=p1", nil).closedWith(websocket.StatusPolicyViolation, "codeChallenge is required")
	n.dial("userPoolId=p1&codeChallenge="+challenge, nil).event("code")
	_, ticket := n.confirmedWithChallenge(challenge)
	n.exchange(ticket, verifier).ok()
}

// closedWith waits for the close frame, which must have this code and reason.
func (p *page) closedWith(code websocket.StatusCode, reason string) {
	p.Helper()
	_, text, err := p.Read(p.ctx)
	if got := websocket.CloseStatus(err); got != code || !strings.Contains(err.Error(), reason) {
		p.Fatalf("instead of close %d for %q: %s %v", code, reason, text, err)
	}
}

func TestSocketsWithAnInvalidChallengeAreClosed(t *testing.T) {
	n := alone(t, newPool(t, nil))
	n.dial("userPoolId=p1&codeChallenge=abc", nil).closedWith(websocket.StatusPolicyViolation, "codeChallenge must be 43")
	n.dial("userPoolId=p1&codeChallengeMethod=plain&codeChallenge="+challenge, nil).closedWith(websocket.StatusPolicyViolation, "codeChallengeMethod must be S256")
	n.dial("userPoolId=p1&codeChallengeMethod=S256", nil).closedWith(websocket.StatusPolicyViolation, "codeChallenge is required")
}

func TestAChallengeAppliesToEveryCodeOfASocket(t *testing.T) {
	n := alone(t, newPool(t, nil))
	p := n.dial("userPoolId=p1&codeChallengeMethod=S256&codeChallenge="+challenge, nil)
	first := p.event("code")["random"].(string)
	n.phone("scanned", first, "alice").ok()
	p.event("scanned")
	n.phone("cancel", first, "alice").ok()
	p.event("canceled")
	p.event("code") // by rotation
	p.say(`{"action":"refresh"}`)
	m := p.event("code")
	random, key := m["random"].(string), m["browserKey"].(string)

	// The page reconnects: with its challenge it resumes the code. With another one it could not
	// redeem the ticket, so it gets a new code.
	same := n.dial("userPoolId=p1&codeChallenge="+challenge+"&random="+random, nil, "key."+key)
	if m := same.event("waiting"); m["random"] != random {
		t.Errorf("resumed: %v", m)
	}
	for _, query := range []string{"", "&codeChallenge=" + challengeOf("another verifier of another page, 43 or more")} {
		if m := n.dial("userPoolId=p1&random="+random+query, nil, "key."+key).event("code"); m["random"] == random {
			t.Errorf("%q took the code over: %v", query, m)
		}
	}
	n.phone("scanned", random, "alice").ok()
	same.event("scanned")
	n.phone("confirm", random, "alice").ok()
	ticket := same.event("confirmed")["ticket"].(string)
	n.exchange(ticket, "").refused(403, 2250)
	n.exchange(ticket, verifier).ok()
}

func TestTheBrowserNeedsTheVerifierToo(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.AllowBrowserExchange = true }))
	c, ticket := n.confirmedWithChallenge(challenge)
	exchange := func(verifier string) answer {
		return n.call("POST", "/userinfo", map[string]any{"ticket": ticket, "codeVerifier": verifier}, "X-Browser-Key", c.key, "x-authing-userpool-id", "p1")
	}
	exchange("").refused(403, 2250)
	exchange(challengeOf(verifier)).refused(403, 2250)
	exchange(verifier).ok()
}

// Otherwise the browser's proof alone would return the user.
func TestTheFullUserOfACodeWithAChallengeNeedsTheVerifier(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.ReturnFullUserInfo = true }))
	c, _ := n.confirmedWithChallenge(challenge)
	if u := n.check(c)["userInfo"].(map[string]any); u["email"] != nil || u["nickname"] != "ALICE" {
		t.Errorf("check returns %v", u)
	}
	plain, _ := n.confirmed("p1")
	if u := n.check(plain)["userInfo"].(map[string]any); u["email"] != "alice@example.com" {
		t.Errorf("check of a code without challenge returns %v", u)
	}
}

func TestWrongVerifiersAreCountedAsGuesses(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) { o.Limits.MissRate = 1 }, newPool(t, func(p *pool.Pool) { p.AllowBrowserExchange = true }))
	c, ticket := n.confirmedWithChallenge(challenge)
	guess := map[string]any{"ticket": ticket, "codeVerifier": strings.Repeat("a", 43)}
	eventually(t, "guesses are refused", func() bool {
		return n.call("POST", "/userinfo", guess, "X-Browser-Key", c.key, "x-authing-userpool-id", "p1").status == http.StatusTooManyRequests
	})
}
