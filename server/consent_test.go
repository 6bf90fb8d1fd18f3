package server_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/geoip/geoiptest"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

// withConsentSignals starts a node with GeoIP and known browsers, behind a proxy that
// sends the addresses of the clients.
func withConsentSignals(t *testing.T, far ratelimit.Store, change func(*pool.Pool)) *node {
	m, err := geoip.Parse(geoiptest.City(t))
	if err != nil {
		t.Fatal(err)
	}
	return start(t, memNode(), func(o *server.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Place, o.Counts = m.Lookup, far
	}, newPool(t, change))
}

// from returns the header with which the proxy sends the client's address.
func from(address string, more ...string) []string {
	return append([]string{"X-Forwarded-For", address}, more...)
}

func (n *node) phoneFrom(address, step, random, user string, h ...string) answer {
	n.Helper()
	return n.call("POST", "/"+step, map[string]any{"random": random}, from(address, append(h, "Authorization", "Bearer "+userToken(n, user))...)...)
}

// consent returns the consent data in the response to a scan, and its reasons.
func (a answer) consent() (consent map[string]any, reasons string) {
	a.Helper()
	consent, _ = a.ok()["consent"].(map[string]any)
	if consent == nil {
		a.Fatalf("no consent in %s", a.raw)
	}
	var names []string
	for _, r := range consent["reasons"].([]any) {
		names = append(names, r.(map[string]any)["name"].(string))
	}
	return consent, strings.Join(names, " ")
}

func TestThePhoneGetsTheDetailsOfTheLogin(t *testing.T) {
	n := withConsentSignals(t, ratelimit.NewMemory(), func(p *pool.Pool) { p.Consent = pool.DefaultConsent() })
	const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	c := n.gene("p1", from("203.0.113.7", "User-Agent", agent)...)
	n.setRecentCodes("203.0.113.7", 100)
	scanned := n.phoneFrom("198.51.100.9", "scanned", c.random, "alice")
	data := scanned.ok()
	if b := data["browser"].(map[string]any); b["browser"] != "Chrome 131" || b["os"] != "Linux" || b["ip"] != "203.0.113.7" ||
		b["place"] != "Berlin, Germany" || b["country"] != "DE" {
		t.Errorf("browser: %v", b)
	}
	if p := data["pool"].(map[string]any); p["name"] != "Example" || p["logo"] != "https://www.example.com/logo.png" {
		t.Errorf("pool: %v", p)
	}
	consent, why := scanned.consent()
	if consent["verdict"] != "careful" || why != "other_country many_codes" || consent["sameNetwork"] != false || consent["sameCountry"] != false ||
		consent["knownBrowser"] != false || consent["codesLately"] != 100.0 || consent["age"].(float64) > 60 {
		t.Errorf("consent: %v", consent)
	}
	again := n.phoneFrom("198.51.100.9", "scanned", c.random, "alice", "x-authing-lang", "zh-CN")
	consent, _ = again.consent()
	if text := consent["reasons"].([]any)[0].(map[string]any)["text"]; text != "登录页面与您的手机不在同一国家或地区" ||
		again.data["browser"].(map[string]any)["place"] != "柏林, 德国" {
		t.Errorf("in Chinese: %s", again.raw)
	}
	stored, err := n.store.Load(t.Context(), session.ID(c.random))
	if err != nil || len(stored.CookieHash) != 32 {
		t.Fatalf("%x, %v", stored.CookieHash, err)
	}
	n.remember(stored, "alice")
	if consent, _ := n.phoneFrom("203.0.113.7", "scanned", c.random, "alice").consent(); consent["knownBrowser"] != true || consent["sameNetwork"] != true {
		t.Errorf("in the same network, for the second time: %v", consent)
	}
	if agreed := n.phoneFrom("203.0.113.7", "confirm", c.random, "alice").ok(); agreed["consent"] != nil {
		t.Errorf("after the decision: %v", agreed)
	}
}

func TestNetworksAreComparedIfTheAddressesAllowIt(t *testing.T) {
	n := withConsentSignals(t, nil, nil)
	for _, test := range []struct {
		page, phone string
		want        any
	}{
		{"203.0.113.7", "203.0.113.7", true},
		{"203.0.113.7", "203.0.113.8", false},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"203.0.113.7", "2001:db8:1:2::1", nil}, // one network may have both
		{"192.168.1.4", "192.168.1.4", nil},     // private, as of an untrusted proxy
		{"127.0.0.1", "127.0.0.1", nil},
		{"fd00::1", "fd00::1", nil},
	} {
		c := n.gene("p1", from(test.page)...)
		if consent, _ := n.phoneFrom(test.phone, "scanned", c.random, "alice").consent(); consent["sameNetwork"] != test.want {
			t.Errorf("page at %s, phone at %s: %v, want %v", test.page, test.phone, consent["sameNetwork"], test.want)
		}
	}
}

func TestUnknownSignalsAreOmittedAndFireNoRule(t *testing.T) {
	blocking := func(p *pool.Pool) {
		p.Consent = pool.Consent{OtherNetwork: pool.Block, OtherCountry: pool.Block, NewBrowser: pool.Block, ManyCodes: pool.Block, ManyCodesFrom: 1}
	}
	for name, far := range map[string]ratelimit.Store{"a broken one": failingCounters{}, "a silent one": hangingCounters{}} {
		n := withConsentSignals(t, far, blocking)
		c := n.gene("p1", from("10.0.0.1")...)
		began := time.Now()
		consent, why := n.phoneFrom("10.0.0.1", "scanned", c.random, "alice").consent()
		if len(consent) != 3 || why != "" || consent["verdict"] != "ok" { // verdict, reasons, age
			t.Errorf("%s: %v", name, consent)
		}
		n.phoneFrom("10.0.0.1", "confirm", c.random, "alice").ok()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s delayed the phone by %v", name, took)
		}
	}
}

// The address of a back end that vouches is not the phone's.
func TestABackEndThatVouchesSendsThePhonesAddress(t *testing.T) {
	n := withConsentSignals(t, nil, func(p *pool.Pool) { p.Vouching = true })
	c := n.gene("p1", from("203.0.113.7")...)
	scan := func(phoneIP string) answer {
		return n.call("POST", "/scanned", map[string]any{"random": c.random, "phoneIp": phoneIP, "user": map[string]any{"id": "u"}},
			from("203.0.113.7", "Authorization", basic("p1", poolSecret))...)
	}
	if consent, _ := scan("").consent(); consent["sameNetwork"] != nil {
		t.Errorf("the back end's address is used as the phone's: %v", consent)
	}
	if consent, _ := scan("198.51.100.9").consent(); consent["sameNetwork"] != false || consent["sameCountry"] != false {
		t.Errorf("a phone in France: %v", consent)
	}
	scan("somewhere").refused(400, 2231)
	// A phone itself cannot send its address.
	other := n.gene("p1", from("203.0.113.7")...)
	lie := n.call("POST", "/scanned", map[string]any{"random": other.random, "phoneIp": "203.0.113.7"}, from("198.51.100.9", "Authorization", "Bearer "+userToken(t, "alice"))...)
	if consent, _ := lie.consent(); consent["sameNetwork"] != false {
		t.Errorf("a phone in France says that it is in Berlin: %v", consent)
	}
}

func TestBlockingIsDecidedOnTheSignalsAtConfirm(t *testing.T) {
	n := withConsentSignals(t, ratelimit.NewMemory(), func(p *pool.Pool) {
		p.Consent = pool.Consent{OtherCountry: pool.Block, ManyCodes: pool.Block, ManyCodesFrom: 5}
	})
	c := n.gene("p1", from("203.0.113.7")...)
	if consent, why := n.phoneFrom("203.0.113.8", "scanned", c.random, "alice").consent(); consent["verdict"] != "ok" || why != "" {
		t.Fatalf("at the scan: %v", consent)
	}
	n.setRecentCodes("203.0.113.7", 5)
	refused := n.phoneFrom("198.51.100.9", "confirm", c.random, "alice")
	refused.refused(403, 2248)
	for _, want := range []string{"blocked", "not in the same country", "Many login codes"} {
		if !strings.Contains(refused.message, want) {
			t.Errorf("no %q in %q", want, refused.message)
		}
	}
	if zh := n.phoneFrom("198.51.100.9", "confirm", c.random, "alice", "x-authing-lang", "zh"); !strings.Contains(zh.message, "该登录已被阻止：登录页面与您的手机不在同一国家或地区；") {
		t.Errorf("in Chinese: %s", zh.message)
	}
	if seen := n.check(c); seen["event"] != "scanned" || seen["ticket"] != nil {
		t.Errorf("after that: %v", seen)
	}
	n.setRecentCodes("203.0.113.7", 4)
	n.phoneFrom("203.0.113.8", "confirm", c.random, "alice").ok()
	// A confirmed code stays confirmed: repeating confirm succeeds.
	n.setRecentCodes("203.0.113.7", 500)
	n.phoneFrom("198.51.100.9", "confirm", c.random, "alice").ok()
	// Cancel is always allowed.
	c = n.gene("p1", from("203.0.113.7")...)
	if consent, _ := n.phoneFrom("198.51.100.9", "scanned", c.random, "alice").consent(); consent["verdict"] != "block" {
		t.Errorf("at the scan: %v", consent)
	}
	n.phoneFrom("198.51.100.9", "cancel", c.random, "alice").ok()
}
