package server_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func withStepUp(p *pool.Pool) {
	p.StepUp = session.StepUp{MaxAge: 5 * time.Minute, ACRValues: []string{"urn:example:high", "phr"}, AMR: []string{"otp", "hwk"}}
}

// loginToken returns a token of alice with claims of her login.
func loginToken(t testing.TB, user string, claims jwt.MapClaims) string {
	t.Helper()
	claims["sub"], claims["exp"] = user, time.Now().Add(time.Hour).Unix()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(userKey))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// strong are claims that meet withStepUp.
func strong() jwt.MapClaims {
	return jwt.MapClaims{"auth_time": time.Now().Add(-time.Minute).Unix(), "acr": "phr", "amr": []string{"pwd", "otp"}}
}

func (n *node) with(step, random, token string, more ...string) answer {
	n.Helper()
	body := map[string]any{"random": random}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	return n.call("POST", "/"+step, body, "Authorization", "Bearer "+token)
}

// needsStepUp fails unless the answer is the refusal for withStepUp.
func (a answer) needsStepUp(what string) {
	a.Helper()
	const challenge = `Bearer error="insufficient_user_authentication", max_age=300, acr_values="urn:example:high phr"`
	const body = `{"code":2251,"message":"Log in again to confirm","data":null,"stepUp":{"maxAge":300,"acrValues":["urn:example:high","phr"],"amr":["otp","hwk"]}}` + "\n"
	if a.refused(401, 2251); a.raw != body || a.Get("WWW-Authenticate") != challenge {
		a.Errorf("%s: %s, %s", what, a.raw, a.Get("WWW-Authenticate"))
	}
}

func TestConfirmNeedsAStrongLogin(t *testing.T) {
	pools := []*pool.Pool{newPool(t, withStepUp)}
	eachStorage(t, pools, func(t *testing.T, a, b *node) {
		c := a.gene("p1")
		scan := a.with("scanned", c.random, loginToken(t, "alice", jwt.MapClaims{"acr": "low"})).ok()
		want := map[string]any{"maxAge": 300.0, "acrValues": []any{"urn:example:high", "phr"}, "amr": []any{"otp", "hwk"}}
		if !reflect.DeepEqual(scan["stepUp"], want) {
			t.Errorf("scanned returns %v", scan)
		}
		if again := b.with("scanned", c.random, loginToken(t, "alice", strong())).ok(); again["stepUp"] != nil {
			t.Errorf("scanned with a strong login returns %v", again)
		}
		for name, change := range map[string]func(jwt.MapClaims){
			"too old":            func(m jwt.MapClaims) { m["auth_time"] = time.Now().Add(-6 * time.Minute).Unix() },
			"in the future":      func(m jwt.MapClaims) { m["auth_time"] = time.Now().Add(time.Hour).Unix() },
			"no time":            func(m jwt.MapClaims) { delete(m, "auth_time") },
			"a time as text":     func(m jwt.MapClaims) { m["auth_time"] = "1" },
			"another acr":        func(m jwt.MapClaims) { m["acr"] = "low" },
			"no acr":             func(m jwt.MapClaims) { delete(m, "acr") },
			"another method":     func(m jwt.MapClaims) { m["amr"] = []string{"pwd"} },
			"a method as text":   func(m jwt.MapClaims) { m["amr"] = "otp" },
			"no method":          func(m jwt.MapClaims) { delete(m, "amr") },
			"nothing of a login": func(m jwt.MapClaims) { clear(m) },
		} {
			claims := strong()
			change(claims)
			b.with("confirm", c.random, loginToken(t, "alice", claims), "userPoolId", "p1").needsStepUp(name)
			if d := a.check(c); d["event"] != "scanned" {
				t.Errorf("%s: the code is %v", name, d["event"])
			}
		}
		sdk := b.call("POST", "/confirm", map[string]any{"random": c.random}, "Authorization", "Bearer "+loginToken(t, "alice", jwt.MapClaims{}), "X-Authing-Request-From", "sdk")
		if sdk.status != 200 || sdk.code != 2251 || sdk.Get("WWW-Authenticate") == "" {
			t.Errorf("an SDK gets %d %s", sdk.status, sdk.raw)
		}
		b.with("confirm", c.random, loginToken(t, "alice", strong())).ok()
		a.with("confirm", c.random, loginToken(t, "alice", jwt.MapClaims{})).ok() // a repetition
		a.with("confirm", c.random, loginToken(t, "alice", jwt.MapClaims{}), "userPoolId", "p1").ok()
	})
}

// TestTheSiteGetsTheLoginOfTheConfirm scans and confirms with different claims.
func TestTheSiteGetsTheLoginOfTheConfirm(t *testing.T) {
	eachStorage(t, []*pool.Pool{newPool(t, nil)}, func(t *testing.T, a, b *node) {
		c := a.gene("p1")
		a.with("scanned", c.random, loginToken(t, "alice", jwt.MapClaims{"auth_time": 1000, "acr": "low", "amr": []string{"sms"}})).ok()
		b.with("confirm", c.random, loginToken(t, "alice", jwt.MapClaims{"auth_time": 2000, "amr": []string{"pwd"}})).ok()
		user := a.call("POST", "/userinfo", map[string]any{"ticket": b.check(c)["ticket"]}, "Authorization", basic("p1", poolSecret)).ok()
		if user["auth_time"] != 2000.0 || user["acr"] != nil || !reflect.DeepEqual(user["amr"], []any{"pwd"}) {
			t.Errorf("the site gets %v", user)
		}
	})
}

func TestABackEndVouchesForTheLogin(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { withStepUp(p); p.Vouching = true }))
	step := func(step, random string, user map[string]any) answer {
		user["id"] = "alice"
		return n.call("POST", "/"+step, map[string]any{"random": random, "user": user}, "Authorization", basic("p1", poolSecret))
	}
	c := n.gene("p1")
	step("scanned", c.random, map[string]any{}).ok()
	step("confirm", c.random, map[string]any{"auth_time": time.Now().Unix(), "acr": "phr"}).needsStepUp("without methods")
	for _, wrong := range []map[string]any{{"auth_time": "1"}, {"auth_time": 1.5}, {"acr": 1}, {"amr": "otp"}, {"amr": []any{1}}} {
		// A request that the description forbids, too.
		if a := n.callWith(unvalidated, "POST", "/confirm", map[string]any{"random": c.random, "user": wrong}, "Authorization", basic("p1", poolSecret)); a.status != 400 || a.code != 2231 {
			t.Errorf("%v: %s", wrong, a.raw)
		}
	}
	step("confirm", c.random, map[string]any(strong())).ok()
	user := n.call("POST", "/userinfo", map[string]any{"ticket": n.check(c)["ticket"]}, "Authorization", basic("p1", poolSecret)).ok()
	if user["acr"] != "phr" || user["auth_time"] == nil || len(user["amr"].([]any)) != 2 {
		t.Errorf("the site gets %v", user)
	}
}

// TestTheOrderOfChecksAtConfirm removes one reason to refuse after the other. A refused login
// uses no attempt at the number.
func TestTheOrderOfChecksAtConfirm(t *testing.T) {
	var rules pool.Consent
	p := newPool(t, func(p *pool.Pool) { withStepUp(p); withDigits(p); p.Consent.NewBrowser = pool.Block })
	eachStorage(t, []*pool.Pool{p}, func(t *testing.T, a, b *node) {
		c := a.gene("p1")
		a.with("scanned", c.random, loginToken(t, "alice", jwt.MapClaims{})).ok()
		wrong := anotherNumber(a.check(c)["matchCode"].(string))
		for range session.MaxMismatches + 1 {
			b.with("confirm", c.random, loginToken(t, "bob", jwt.MapClaims{}), "matchCode", wrong).refused(409, 2245)
			b.with("confirm", c.random, loginToken(t, "alice", jwt.MapClaims{}), "matchCode", wrong).needsStepUp("a weak login")
			b.with("confirm", c.random, loginToken(t, "alice", strong()), "matchCode", wrong).refused(403, 2248)
		}
		relaxed := *p
		relaxed.Consent = rules
		b.pools.Replace(&relaxed)
		b.with("confirm", c.random, loginToken(t, "alice", strong())).refused(403, 2249)
		b.with("confirm", c.random, loginToken(t, "alice", strong()), "matchCode", a.check(c)["matchCode"].(string)).ok()
	})
}

// stricter creates codes that require more than their pool, as an authorization request does.
type stricter struct {
	session.Store
	by session.StepUp
}

func (s stricter) Create(ctx context.Context, code session.Session) (session.Session, error) {
	code.StepUp = s.by
	return s.Store.Create(ctx, code)
}

func TestACodeCanRequireMoreThanItsPool(t *testing.T) {
	for _, test := range []struct {
		by        session.StepUp
		challenge string // "": the login is strong enough
	}{
		{session.StepUp{MaxAge: time.Hour, ACRValues: []string{"phr", "low"}}, ""},
		{session.StepUp{MaxAge: 40 * time.Second}, `max_age=40, acr_values="urn:example:high phr"`},
		{session.StepUp{MaxAge: time.Second}, `max_age=30, acr_values="urn:example:high phr"`},
		{session.StepUp{ACRValues: []string{"urn:example:high"}}, `max_age=300, acr_values="urn:example:high"`},
		{session.StepUp{ACRValues: []string{"low", "bad\"\r\nX: y"}}, `max_age=300, acr_values="low"`}, // the pool's settings changed
	} {
		st := memstore.New()
		n := start(t, sessiontest.Node{Store: stricter{st, test.by}, Bus: st.Bus()}, nil, newPool(t, withStepUp))
		c := n.gene("p1")
		token := loginToken(t, "alice", strong()) // a minute ago
		scan := n.with("scanned", c.random, token).ok()
		a := n.with("confirm", c.random, token)
		if test.challenge == "" {
			if a.ok(); scan["stepUp"] != nil {
				t.Errorf("%+v: scanned returns %v", test.by, scan)
			}
			continue
		}
		a.refused(401, 2251)
		if want := `Bearer error="insufficient_user_authentication", ` + test.challenge; a.Get("WWW-Authenticate") != want || scan["stepUp"] == nil {
			t.Errorf("%+v: %s, scanned returns %v", test.by, a.Get("WWW-Authenticate"), scan)
		}
		n.pools.Replace(newPool(t, nil)) // a pool that requires nothing does so for every code
		n.with("confirm", c.random, loginToken(t, "alice", jwt.MapClaims{})).ok()
	}
}

// TestPagesDoNotSeeTheLogin reads what pages see of a confirmed login.
func TestPagesDoNotSeeTheLogin(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	p := n.dial("random="+c.random, nil, "key."+c.key)
	p.event("waiting")
	n.with("scanned", c.random, loginToken(t, "alice", strong())).ok()
	p.event("scanned")
	n.with("confirm", c.random, loginToken(t, "alice", strong())).ok()
	if m := p.event("confirmed"); m["userInfo"].(map[string]any)["acr"] != nil {
		t.Errorf("the page gets %v", m)
	}
}
