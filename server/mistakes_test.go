package server_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
)

const foreignOrigin = "http://localhost:3000"

// warnings returns the warnings that contain text.
func (n *node) warnings(text string) (all []string) {
	for line := range strings.Lines(n.log.String()) {
		if strings.Contains(line, `"level":"WARN"`) && strings.Contains(line, text) {
			all = append(all, line)
		}
	}
	return all
}

// TestAnUnlistedPageLearnsWhyItIsRefused, by the request with which the element falls back
// from a WebSocket: a browser does not tell a page how a handshake was refused.
func TestAnUnlistedPageLearnsWhyItIsRefused(t *testing.T) {
	n := alone(t, newPool(t, nil), secondPool(t))
	for _, origin := range []string{foreignOrigin, otherOrigin} {
		for _, test := range []struct {
			pool         string
			status, code int
		}{{"p1", 403, 2247}, {"nobody", 404, 2224}} {
			a := n.call("POST", "/gene", map[string]string{"userPoolId": test.pool}, "Origin", origin)
			a.refused(test.status, test.code)
			want := map[string]string{foreignOrigin: "*", otherOrigin: origin}[origin]
			if allow := a.Get("Access-Control-Allow-Origin"); allow != want {
				t.Errorf("%s, pool %s: readable by %q", origin, test.pool, allow)
			}
			if test.code == 2247 && a.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: with credentials", origin)
			}
		}
	}
	a := n.call("OPTIONS", "/gene", nil, "Origin", foreignOrigin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if a.status != 204 || a.Get("Access-Control-Allow-Origin") != "*" || a.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", a.status, a.Header)
	}
	// No other request is for such a page.
	for _, path := range []string{"/check?random=x", "/userinfo", "/scanned", "/confirm"} {
		a := n.call("OPTIONS", path, nil, "Origin", foreignOrigin, "Access-Control-Request-Method", "POST")
		if a.status != 403 || a.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("preflight of %s: %d %v", path, a.status, a.Header)
		}
	}
}

func TestARefusedPageIsLoggedOncePerOrigin(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for range 5 {
		n.call("POST", "/gene?userPoolId=p1", nil, "Origin", foreignOrigin).refused(403, 2247)
		n.call("POST", "/gene?userPoolId=p1", nil, "Origin", "https://shop.example.com").refused(403, 2247)
	}
	for _, origin := range []string{foreignOrigin, "https://shop.example.com"} {
		if lines := n.warnings(origin); len(lines) != 1 || !strings.Contains(lines[0], "origins") || !strings.Contains(lines[0], "p1") {
			t.Errorf("%s: %v", origin, lines)
		}
	}
	n.call("POST", "/gene?userPoolId=p1", nil, "Origin", "https://[").refused(403, 2247) // which is no address
	long := "https://" + strings.Repeat("a", 5000)
	n.call("POST", "/gene?userPoolId=p1", nil, "Origin", long).refused(403, 2247)
	if lines := n.warnings("https://aaa"); len(lines) != 1 || len(lines[0]) > 1000 {
		t.Errorf("%v", lines)
	}
}

func TestAnUnknownPoolIsLogged(t *testing.T) {
	for name, ask := range map[string]func(*node){
		"REST":   func(n *node) { n.call("POST", "/gene?userPoolId=demo2", nil, "Origin", siteOrigin).refused(404, 2224) },
		"socket": func(n *node) { n.dial("userPoolId=demo2", http.Header{"Origin": {siteOrigin}}).closed(4404) },
	} {
		n := alone(t, newPool(t, nil))
		for range 3 {
			ask(n)
		}
		if lines := n.warnings("user pool does not exist"); len(lines) != 1 || strings.Contains(lines[0], "demo2") || !strings.Contains(lines[0], siteOrigin) {
			t.Errorf("%s: %v", name, lines)
		}
	}
}

func TestAnotherAddressThanPublicURLIsLoggedOnce(t *testing.T) {
	for name, test := range map[string]struct {
		publicURL string // "": as it is
		header    []string
		want      int
	}{
		"the same":               {"", nil, 0},
		"another host":           {"https://scan.example.com", nil, 1},
		"a proxy passes it on":   {"http://scan.example.com", []string{"X-Forwarded-Host", "scan.example.com"}, 0},
		"another scheme":         {"", []string{"X-Forwarded-Proto", "https"}, 1},
		"the same scheme":        {"", []string{"X-Forwarded-Proto", "http"}, 0},
		"not called by browsers": {"https://scan.example.com", []string{"Origin", ""}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, memNode(), func(o *server.Options) {
				if test.publicURL != "" {
					o.PublicURL = test.publicURL
				}
			}, newPool(t, nil))
			for range 3 {
				n.call("POST", "/gene?userPoolId=p1", nil, append([]string{"Origin", siteOrigin}, test.header...)...)
			}
			if lines := n.warnings("public_url"); len(lines) != test.want {
				t.Errorf("%v", lines)
			}
		})
	}
	n := start(t, memNode(), func(o *server.Options) { o.PublicURL = "https://scan.example.com" }, newPool(t, nil))
	n.call("POST", "/gene?userPoolId=p1", nil, "Origin", n.url).refused(403, 2247) // the server's own page
	if lines := n.warnings("set public_url"); len(lines) != 1 || !strings.Contains(lines[0], n.url) {
		t.Errorf("%v", lines)
	}
}

func TestAProxyThatIsNotTrustedIsLogged(t *testing.T) {
	trust := func(network string) func(*server.Options) {
		return func(o *server.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(network)} }
	}
	for name, test := range map[string]struct {
		change   func(*server.Options)
		first    int // callers without a proxy, before all others
		every    int // how many callers come for each by the proxy
		calls    int
		expected int
	}{
		"nobody is trusted":         {nil, 0, 1, 90, 1},
		"another one is trusted":    {trust("10.0.0.0/8"), 0, 1, 90, 1},
		"it is trusted":             {trust("127.0.0.0/8"), 0, 1, 90, 0},
		"few callers have a header": {nil, 0, 3, 90, 0},
		"others came before":        {nil, 3, 1, 13, 1},
		"as many as make a proxy":   {nil, 0, 1, 10, 1},
		"fewer than make a proxy":   {nil, 0, 1, 9, 0},
	} {
		n := start(t, memNode(), test.change, newPool(t, nil))
		for i := range test.calls {
			var header []string
			if i >= test.first && i%test.every == 0 {
				header = []string{"X-Forwarded-For", "198.51.100.1"}
			}
			n.call("GET", "/check?random=x", nil, header...)
		}
		lines := n.warnings("X-Forwarded-For is ignored")
		if len(lines) != test.expected || test.expected > 0 && (!strings.Contains(lines[0], "trusted_proxies") || !strings.Contains(lines[0], `"127.0.0.1"`)) {
			t.Errorf("%s: %v", name, lines)
		}
	}
}

func TestWrongCredentialsAreNotCalledMissing(t *testing.T) {
	n := alone(t, newPool(t, nil), secondPool(t))
	code := n.gene("p1")
	for name, basic := range map[string]string{"wrong secret": basic("p1", "wrong"), "unknown pool": basic("nobody", poolSecret)} {
		for _, path := range []string{"/userinfo", "/scanned"} {
			a := n.call("POST", path, map[string]any{"ticket": "x", "random": code.random, "user": map[string]any{"id": "u"}}, "Authorization", basic)
			if a.refused(401, 1001); !strings.Contains(a.message, "wrong") || strings.Contains(a.message, "required") {
				t.Errorf("%s, %s: %s", name, path, a.message)
			}
		}
	}
	a := n.call("POST", "/userinfo", map[string]any{"ticket": "x"})
	if a.refused(401, 1001); a.message != "Pool credentials are required" {
		t.Errorf("without: %s", a.message)
	}
}

func TestWrongCredentialsAreLoggedOncePerPool(t *testing.T) {
	n := alone(t, newPool(t, nil), secondPool(t))
	for _, id := range []string{"p1", "p2", "a-secret-in-the-wrong-place"} {
		for range 3 {
			n.call("POST", "/userinfo", map[string]any{"ticket": "x"}, "Authorization", basic(id, "wrong")).refused(401, 1001)
		}
	}
	if lines := n.warnings("pool credentials refused"); len(lines) != 3 || !strings.Contains(lines[0], "pool p1") || !strings.Contains(lines[2], "no such pool") {
		t.Errorf("%v", lines)
	}
	if strings.Contains(strings.Join(n.warnings(""), ""), "wrong-place") {
		t.Error("a text that may be a secret is in the log")
	}
}

func TestABackEndThatMayNotNameUsersIsLogged(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for range 3 {
		a := n.call("POST", "/scanned", map[string]any{"random": c.random, "user": map[string]any{"id": "u"}}, "Authorization", basic("p1", poolSecret))
		if a.refused(401, 2020); !strings.Contains(a.message, "vouching") {
			t.Error(a.message)
		}
	}
	if lines := n.warnings("set vouching to true"); len(lines) != 1 || !strings.Contains(lines[0], "pool p1") {
		t.Errorf("%v", lines)
	}
}

// TestARefusedTokenIsLoggedWithItsReason, but not one that has just expired, as those of each app do.
func TestARefusedTokenIsLoggedWithItsReason(t *testing.T) {
	n := alone(t, newPool(t, nil))
	random := n.gene("p1").random
	expired := tokenWith(t, userKey, jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()})
	for range 3 {
		n.call("POST", "/scanned", map[string]any{"random": random}, "Authorization", "Bearer "+expired).refused(401, 2020)
	}
	if lines := n.warnings("phone's token refused"); len(lines) != 0 {
		t.Errorf("expired: %v", lines)
	}
	for range 3 {
		n.call("POST", "/scanned", map[string]any{"random": random}, "Authorization", "Bearer no.jwt.atall").refused(401, 2020)
	}
	if lines := n.warnings("phone's token refused"); len(lines) != 1 || !strings.Contains(lines[0], "pool p1") || !strings.Contains(lines[0], "malformed") {
		t.Errorf("malformed: %v", lines)
	}
	endless, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "alice"}).SignedString([]byte(userKey))
	if err != nil {
		t.Fatal(err)
	}
	n.call("POST", "/scanned", map[string]any{"random": random}, "Authorization", "Bearer "+endless).refused(401, 2020)
	if lines := n.warnings("exp is missing"); len(lines) != 1 {
		t.Errorf("without exp: %v", lines)
	}
}

func TestATokenForAPoolWithoutIdentityIsExplained(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.Identity = nil }))
	a := n.phone("scanned", n.gene("p1").random, "alice")
	if a.refused(401, 2020); !strings.Contains(a.message, "no identity") || !strings.Contains(a.message, "back end") {
		t.Errorf("%s", a.message)
	}
	if lines := n.warnings("phone sent a token"); len(lines) != 1 {
		t.Errorf("%v", lines)
	}
}
