package server_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/server"
)

// TestOptionsWithoutBothHeadersAreNoPreflight as they do not ask what a page may do.
func TestOptionsWithoutBothHeadersAreNoPreflight(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for _, asked := range []header{{}, {"Origin", siteOrigin}, {"Access-Control-Request-Method", "POST"}} {
		a := n.call("OPTIONS", "/gene", nil, asked...)
		if a.status != 204 || a.Get("Allow") != "GET, POST, OPTIONS" || a.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%v: %d, Allow %q, methods %q", asked, a.status, a.Get("Allow"), a.Get("Access-Control-Allow-Methods"))
		}
	}
}

func TestOnlyListedOriginsAreAllowed(t *testing.T) {
	n := alone(t, newPool(t, nil), secondPool(t))
	c := n.gene("p1")
	for _, test := range []struct {
		name, method, path, origin string
		header                     []string
		status                     int
		allowed                    bool
	}{
		{"success", "POST", "/gene?userPoolId=p1", siteOrigin, nil, 200, true},
		{"own address", "POST", "/gene?userPoolId=p1", n.url, nil, 200, true},
		{"error", "POST", "/gene", siteOrigin, nil, 400, true},
		{"no route", "POST", "/nothing", siteOrigin, nil, 404, true},
		{"wrong method", "GET", "/gene", siteOrigin, nil, 405, true},
		{"another pool's page", "GET", "/check?random=" + c.random, otherOrigin, nil, 403, false},
		{"nobody's page", "GET", "/check?random=" + c.random, "https://evil.example.com", nil, 403, false},
		{"a suffix", "GET", "/check?random=" + c.random, siteOrigin + ".evil.com", nil, 403, false},
		{"another scheme", "GET", "/check?random=" + c.random, "http://www.example.com", nil, 403, false},
		{"preflight", "OPTIONS", "/gene", otherOrigin, header{"Access-Control-Request-Method", "POST"}, 204, true},
		{"preflight of nobody", "OPTIONS", "/check", "https://evil.example.com", header{"Access-Control-Request-Method", "POST"}, 403, false},
	} {
		a := n.call(test.method, test.path, nil, append(test.header, "Origin", test.origin)...)
		allow := a.Get("Access-Control-Allow-Origin")
		if a.status != test.status || (allow == test.origin) != test.allowed || allow == "*" {
			t.Errorf("%s: %d, allowed %q", test.name, a.status, allow)
		}
		if !strings.Contains(strings.Join(a.Values("Vary"), ","), "Origin") {
			t.Errorf("%s: Vary is %q", test.name, a.Values("Vary"))
		}
		if test.allowed && a.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: no credentials", test.name)
		}
	}
	a := n.call("OPTIONS", "/gene", nil, "Origin", siteOrigin, "Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "Content-Type, X-Authing-Request-From, x-authing-lang, x-evil")
	got := a.Get("Access-Control-Allow-Headers")
	for _, want := range []string{"authorization", "content-type", "x-browser-key", "last-event-id", "x-authing-request-from", "x-authing-lang"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not among the allowed headers %s", want, got)
		}
	}
	if strings.Contains(got, "evil") {
		t.Errorf("allowed headers: %s", got)
	}
	if a := n.call("POST", "/gene?userPoolId=p1", nil, "Origin", siteOrigin); a.Get("Access-Control-Expose-Headers") != "Retry-After, WWW-Authenticate, X-Request-Id" {
		t.Errorf("exposed: %q", a.Get("Access-Control-Expose-Headers"))
	}
}

func TestPicturesAndTheElementAllowEveryOrigin(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for _, path := range []string{"/image/" + c.random + ".png", "/image/" + c.random + ".svg"} {
		a := n.call("GET", path, nil, "Origin", "https://evil.example.com")
		if a.status != 200 || a.Get("Access-Control-Allow-Origin") != "*" || a.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", path, a.status, a.Header)
		}
	}
	a := n.call("GET", "/scanlogin.js", nil, "Origin", "https://evil.example.com")
	if a.status != 404 { // below the API path there is no module
		t.Errorf("module below the API: %d", a.status)
	}
	res, err := client.Get(n.url + "/scanlogin.js")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("module: %d %v", res.StatusCode, res.Header)
	}
}

func TestBrowserCookie(t *testing.T) {
	n := alone(t, newPool(t, nil))
	cookie := func(n *node, h ...string) string {
		t.Helper()
		return n.call("POST", "/gene?userPoolId=p1", nil, h...).Get("Set-Cookie")
	}
	set := cookie(n)
	name, value, _ := strings.Cut(strings.Split(set, ";")[0], "=")
	if name != "scanlogin_browser" || len(value) != 22 || !strings.Contains(set, "; Path=/; HttpOnly; SameSite=Lax") || strings.Contains(set, "Secure") {
		t.Errorf("over http: %q", set)
	}
	if again := cookie(n, "Cookie", name+"="+value); again != "" {
		t.Errorf("a browser with a cookie got %q", again)
	}
	for _, bad := range []string{"short", strings.Repeat("!", 22), strings.Repeat("A", 23), value + "A"} {
		if set := cookie(n, "Cookie", name+"="+bad); set == "" || strings.Contains(set, bad) {
			t.Errorf("%q in the cookie stayed: %q", bad, set)
		}
	}
	secure := start(t, memNode(), func(o *server.Options) { o.PublicURL = "https://scan.example.com" }, newPool(t, nil))
	set = cookie(secure)
	for _, want := range []string{"__Host-scanlogin_browser=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=None", "; Partitioned"} {
		if !strings.Contains(set, want) {
			t.Errorf("over https the cookie lacks %q: %q", want, set)
		}
	}
	if strings.Contains(set, "Domain") {
		t.Errorf("a __Host- cookie with a domain: %q", set)
	}
}

func TestForwardedAddressIsBelievedFromProxiesOnly(t *testing.T) {
	ip := func(n *node, forwarded string) any {
		t.Helper()
		c := n.gene("p1", "X-Forwarded-For", forwarded, "X-Real-Ip", "192.0.2.99")
		return n.phone("scanned", c.random, "alice").ok()["browser"].(map[string]any)["ip"]
	}
	direct := alone(t, newPool(t, nil))
	if got := ip(direct, "192.0.2.7"); got != "127.0.0.1" {
		t.Errorf("without proxies the address is %v", got)
	}
	proxied := start(t, memNode(), func(o *server.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	}, newPool(t, nil))
	for forwarded, want := range map[string]string{
		"192.0.2.7":                         "192.0.2.7",
		"198.51.100.1, 192.0.2.7":           "192.0.2.7", // the first was written by the client
		"198.51.100.1, 192.0.2.7, 10.1.1.1": "192.0.2.7",
		"rubbish":                           "127.0.0.1",
		"198.51.100.1, 192.0.2.7:5678":      "192.0.2.7",
		"[2001:db8::1]:443":                 "2001:db8::1",
	} {
		if got := ip(proxied, forwarded); got != want {
			t.Errorf("%q makes the address %v, want %s", forwarded, got, want)
		}
	}
}

func TestOpsRoutesAreOnTheirOwnListener(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		res, err := client.Get(n.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s on the public listener: %d", path, res.StatusCode)
		}
	}
}
