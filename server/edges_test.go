package server_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

func TestCustomDataStaysAsLongAsItWasMeasured(t *testing.T) {
	n := alone(t, newPool(t, nil))
	data := `{"a":"` + strings.Repeat("<&>", 160) + `"}`
	d := n.call("POST", "/gene", `{"userPoolId":"p1","customData":`+data+`}`).ok()
	if !strings.HasSuffix(d["payload"].(string), `"customData":`+data+"}") {
		t.Errorf("payload %s", d["payload"])
	}
	if a := n.call("GET", "/image/"+d["random"].(string)+".png", nil); a.status != 200 {
		t.Errorf("picture: %d %s", a.status, a.raw)
	}
}

func TestNothingOlderFollowsWhereTheUserIsLoaded(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.ReturnFullUserInfo = true }))
	c := n.gene("p1")
	early, err := n.store.Load(t.Context(), session.ID(c.random))
	if err != nil {
		t.Fatal(err)
	}
	p := n.dial("random="+c.random, nil, "key."+c.key)
	p.event("waiting")
	n.phone("scanned", c.random, "alice").ok()
	p.event("scanned")
	confirmed := early
	confirmed.Version, confirmed.Status, confirmed.ConfirmedAt = 3, session.Confirmed, time.Now()
	n.store.ShowPast(early)
	n.store.Deliver(confirmed.Snapshot(), nil)
	p.closed(1012)
}

func TestUnprovenChecksDoNotUseUpTheBrowsers(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	if got := until(t, 200, func() answer { return n.call("GET", "/check?random="+c.random, nil) }); got == 200 {
		t.Error("others are not limited")
	}
	n.check(c)
	if a := n.call("GET", "/image/"+c.random+".png", nil); a.status != 200 {
		t.Errorf("picture: %d", a.status)
	}
}

// TestAnIssuerThatHangsIsItsOwnPoolsTrouble has another pool's issuer accept
// connections and say nothing.
func TestAnIssuerThatHangsIsItsOwnPoolsTrouble(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	slow, err := identity.NewJWT(identity.JWTConfig{JWKSURL: "http://" + silent.Addr().String() + "/jwks.json"})
	if err != nil {
		t.Fatal(err)
	}
	n := alone(t, newPool(t, nil), newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs, p.Identity = "slow", nil, slow }))
	c := n.gene("p1")
	began := time.Now()
	// A token of a kind that only the other pool could know.
	n.call("POST", "/scanned", map[string]any{"random": c.random}, "Authorization",
		"Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ.c2ln").refused(401, 2020)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("a refusal took %v", took)
	}
}

func TestAnUnknownSecretIsCountedLikeAnybody(t *testing.T) {
	n := limited(t, login.Limits{AddressRate: 1})
	if got := until(t, 50, func() answer {
		return n.call("POST", "/gene?userPoolId=p1", nil, "Authorization", basic("p1", "wrong"))
	}); got == 50 {
		t.Error("a junk secret lifts the limit")
	}
	for range 30 {
		n.call("POST", "/gene?userPoolId=p1", nil, "Authorization", basic("p1", poolSecret)).ok()
	}
}

func TestTextsOfAllAppLinksAreUnderstood(t *testing.T) {
	n := alone(t,
		newPool(t, func(p *pool.Pool) { p.PayloadFormat, p.AppLink = pool.PayloadURL, "app://login?x={random}&v=1" }),
		newPool(t, func(p *pool.Pool) {
			p.ID, p.AppIDs, p.PayloadFormat, p.AppLink = "longer", nil, pool.PayloadURL, "app://login?x=aa{random}&v=1"
		}))
	if m := n.dial("userPoolId=p1", nil).event("code"); m["appLink"] != "app://login?x="+m["random"].(string)+"&v=1" {
		t.Errorf("app link: %v", m["appLink"])
	}
	for _, id := range []string{"p1", "longer"} {
		c := n.gene(id)
		n.phone("scanned", c.payload, "alice").ok()
	}
}

func TestTheStoresClockDecidesNotTheEstimate(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	n.store.Ahead(time.Hour)
	n.phone("scanned", c.random, "alice").ok()
	n.store.Ahead(-time.Hour)
	n.phone("confirm", c.random, "alice").ok()
}

func TestAStreamThatToldConfirmedStaysAwayAfterTheExchange(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c, ticket := n.confirmed("p1")
	l := n.stream(t, c, "")
	l.next(t)
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok()
	if again := n.stream(t, c, l.id); again != nil {
		t.Errorf("told again: %v", again.event(t))
	}
}

func TestATokenOfAPoolIsForeignToAVouchingPool(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs, p.Identity = "vouching", nil, nil }), newPool(t, nil))
	c := n.gene("vouching")
	n.phone("scanned", c.random, "alice").refused(403, 2036)
}

func TestHeadIsAnsweredWhereGetIs(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for _, path := range []string{"/scanlogin.js", "/assets/style.css", "/.well-known/jwks.json", "/s/" + c.random, "/s/p1/" + c.random, "/api/v2/qrcode/image/" + c.random + ".png"} {
		res, err := client.Head(n.url + path)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		res.Body.Close()
	}
}

func TestErrorsAreNotCachedAnywhere(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) { o.Fallback = http.NotFoundHandler() }, newPool(t, nil))
	if a := n.call("GET", "/s/"+string(session.NewID()), nil); a.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control: %q", a.Get("Cache-Control"))
	}
	n.call("GET", "/api/none", nil).refused(404, 404) // not the fallback's
}

func TestNothingIsSniffed(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for _, path := range []string{
		"/api/v2/qrcode/check?random=" + c.random, "/api/v2/qrcode/image/" + c.random + ".svg", "/api/v2/qrcode/image/" + c.random + ".png",
		"/api/v2/qrcode/ws", "/s/" + c.random, "/s/rubbish", "/.well-known/jwks.json", "/scanlogin.js", "/nothing",
	} {
		res, err := client.Get(n.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
}

func TestEachCodeHasASaltOfItsOwn(t *testing.T) {
	n := alone(t, newPool(t, nil))
	seen := map[string]bool{string(make([]byte, 16)): true}
	for range 10 {
		code, err := n.store.Load(t.Context(), session.ID(n.gene("p1").random))
		if err != nil || len(code.Salt) != 16 || seen[string(code.Salt)] {
			t.Fatalf("salt %x, %v", code.Salt, err)
		}
		seen[string(code.Salt)] = true
	}
}

// TestAForeignTokenIsShownToNobodyElse has another pool whose identity is asked
// by sending it the token.
func TestAForeignTokenIsShownToNobodyElse(t *testing.T) {
	asked := make(chan string, 16)
	users := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Authorization") }))
	t.Cleanup(users.Close)
	other, err := identity.NewUserinfo(identity.UserinfoConfig{URL: users.URL})
	if err != nil {
		t.Fatal(err)
	}
	n := alone(t, newPool(t, nil), newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs, p.Identity = "other", nil, other }))
	c := n.gene("p1")
	for _, step := range []string{"scanned", "confirm"} {
		n.call("POST", "/"+step, map[string]any{"random": c.random}, "Authorization", "Bearer "+sign(t, otherKey, "alice")).refused(401, 2020)
	}
	if len(asked) > 0 {
		t.Errorf("another pool's identity was shown %q", <-asked)
	}
}
