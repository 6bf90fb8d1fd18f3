package server_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// TestALoginByREST is a login from creation to exchange, as in docs/api.md.
func TestALoginByREST(t *testing.T) {
	n := alone(t, newPool(t, nil))
	g := n.call("POST", "/gene", `{"scene":"APP_AUTH","autoMergeQrCode":true,"context":{},"withCustomData":true}`, "x-authing-userpool-id", "p1").ok()
	random, key := g["random"].(string), g["browserKey"].(string)
	if !regexp.MustCompile(`^[0-9A-Za-z]{30}$`).MatchString(random) || !regexp.MustCompile(`^[0-9A-Za-z_-]{43}$`).MatchString(key) {
		t.Errorf("random %q, browser key %q", random, key)
	}
	if g["expiresIn"] != 120.0 || g["customLogo"] != "https://www.example.com/logo.png" || g["url"] != n.url+"/api/v2/qrcode/image/"+random+".png" {
		t.Errorf("gene: %v", g)
	}
	check := func(want string) map[string]any {
		t.Helper()
		d := n.call("GET", "/check?random="+random, nil, "X-Browser-Key", key).ok()
		if d["event"] != want || d["isBrowser"] != true {
			t.Errorf("check: %v, want %s", d, want)
		}
		return d
	}
	if d := check("waiting"); d["status"] != 0.0 || len(d["userInfo"].(map[string]any)) != 0 || d["ticket"] != nil || d["scannedUserId"] != nil || d["version"] != 1.0 {
		t.Errorf("waiting: %v", d)
	}
	d := n.call("POST", "/scanned", map[string]any{"random": random}, "Authorization", userToken(t, "alice"), "User-Agent", "phone").ok()
	if d["status"] != 1.0 || d["description"] == "" || d["random"] != random || d["pool"].(map[string]any)["name"] != "Example" || d["customData"] == nil {
		t.Errorf("scanned: %v", d)
	}
	if b := d["browser"].(map[string]any); b["ip"] != "127.0.0.1" || !strings.HasPrefix(b["userAgent"].(string), "Go-http-client") || b["createdAt"] == "" {
		t.Errorf("the response to the scan has these browser details: %v", b)
	}
	info := check("scanned")["userInfo"].(map[string]any)
	if len(info) != 2 || info["nickname"] != "ALICE" || info["photo"] != "https://example.com/alice.png" {
		t.Errorf("the page sees %v", info)
	}
	if d := n.phone("confirm", random, "alice").ok(); d["status"] != 2.0 {
		t.Errorf("confirm: %v", d)
	}
	d = check("confirmed")
	ticket, _ := d["ticket"].(string)
	if !strings.HasPrefix(ticket, random+".") || len(ticket) != 30+1+43 || d["scannedUserId"] != "alice" || d["expiresIn"].(float64) <= 200 {
		t.Errorf("confirmed: %v", d)
	}
	u := n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok()
	if u["id"] != "alice" || u["email"] != "alice@example.com" || u["emailVerified"] != true || u["department"] != "R&D" || u["token"] != nil {
		t.Errorf("user: %v", u)
	}
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).refused(410, 2246)
	if d := check("confirmed"); d["ticket"] != nil || d["status"] != 2.0 || d["expiresIn"] != 0.0 {
		t.Errorf("after the exchange: %v", d)
	}
	n.phone("confirm", random, "alice").ok() // a retry of the phone
	n.phone("cancel", random, "alice").refused(409, 2244)
}

func TestBothPathsAreServed(t *testing.T) {
	n := alone(t, newPool(t, nil))
	d := n.call("POST", "/api/qrcode/gene?userPoolId=p1", nil).ok()
	n.call("GET", "/api/qrcode/check?random="+d["random"].(string), nil).ok()
	n.call("GET", "/api/v2/qrcode/check?random="+d["random"].(string), nil).ok()
}

func TestEveryRefusal(t *testing.T) {
	n := alone(t, newPool(t, nil), secondPool(t), newPool(t, func(p *pool.Pool) {
		p.ID, p.AppIDs, p.Identity = "novouch", nil, nil
	}))
	waiting, scanned, done, canceled := n.gene("p1").random, n.gene("p1").random, n.gene("p1").random, n.gene("p1").random
	n.phone("scanned", scanned, "alice").ok()
	n.phone("scanned", done, "alice").ok()
	n.phone("confirm", done, "alice").ok()
	n.phone("scanned", canceled, "alice").ok()
	n.phone("cancel", canceled, "alice").ok()
	unknown := string(session.NewID())
	alice, foreign := "Bearer "+userToken(t, "alice"), "Bearer "+sign(t, otherKey, "eve")
	ticket := strings.Repeat("x", 43)

	for _, test := range []struct {
		name, method, path string
		body               any
		header             []string
		status, code       int
	}{
		{"gene without pool", "POST", "/gene", `{}`, nil, 400, 2231},
		{"gene with empty headers", "POST", "/gene", `{}`, header{"x-authing-userpool-id", "", "x-authing-app-id", ""}, 400, 2231},
		{"gene of no pool", "POST", "/gene", `{"userPoolId":"nobody"}`, nil, 404, 2224},
		{"gene of no app", "POST", "/gene", `{}`, header{"x-authing-app-id", "nobody"}, 404, 2224},
		{"other scene", "POST", "/gene", `{"userPoolId":"p1","scene":"WXAPP_AUTH"}`, nil, 400, 2231},
		{"scene of the wrong type", "POST", "/gene", `{"userPoolId":"p1","scene":7}`, nil, 400, 2231},
		{"custom data that is a list", "POST", "/gene", `{"userPoolId":"p1","customData":[1]}`, nil, 400, 2231},
		{"custom data too long", "POST", "/gene", `{"userPoolId":"p1","customData":{"a":"` + strings.Repeat("é", 90) + `"}}`, nil, 400, 2231},
		{"broken JSON", "POST", "/gene", `{"userPoolId":`, nil, 400, 2231},
		{"a list", "POST", "/gene", `[]`, nil, 400, 2231},
		{"null", "POST", "/gene?userPoolId=p1", ` null`, nil, 400, 2231},
		{"a form", "POST", "/gene", `userPoolId=p1`, header{"Content-Type", "application/x-www-form-urlencoded"}, 415, 415},
		{"10 MB", "POST", "/gene", `{"a":"` + strings.Repeat("x", 10<<20) + `"}`, nil, 413, 413},
		{"foreign origin", "POST", "/gene", `{"userPoolId":"p1"}`, header{"Origin", otherOrigin}, 403, 2247},
		{"null origin", "POST", "/gene", `{"userPoolId":"p1"}`, header{"Origin", "null"}, 403, 2247},

		{"check without random", "GET", "/check", nil, nil, 400, 2231},
		{"check of nothing", "GET", "/check?random=" + unknown, nil, nil, 404, 2241},
		{"check of rubbish", "GET", "/check?random=../x", nil, nil, 404, 2241},
		{"check as another pool", "GET", "/check?random=" + waiting, nil, header{"x-authing-userpool-id", "p2"}, 404, 2241},
		{"check as no pool", "GET", "/check?random=" + waiting, nil, header{"x-authing-userpool-id", "nobody"}, 404, 2224},
		{"check from a foreign page", "GET", "/check?random=" + waiting, nil, header{"Origin", otherOrigin}, 403, 2247},

		{"scan without random", "POST", "/scanned", `{}`, header{"Authorization", alice}, 400, 2231},
		{"scan of nothing", "POST", "/scanned", `{"random":"` + unknown + `"}`, header{"Authorization", alice}, 404, 500},
		{"scan of rubbish", "POST", "/scanned", `{"random":"rubbish"}`, header{"Authorization", alice}, 404, 500},
		{"scan without token", "POST", "/scanned", `{"random":"` + waiting + `"}`, nil, 401, 2020},
		{"scan with a bad token", "POST", "/scanned", `{"random":"` + waiting + `"}`, header{"Authorization", "Bearer x.y.z"}, 401, 2020},
		{"scan with another scheme", "POST", "/scanned", `{"random":"` + waiting + `"}`, header{"Authorization", "Digest x"}, 401, 2020},
		{"scan by another pool's user", "POST", "/scanned", `{"random":"` + waiting + `"}`, header{"Authorization", foreign}, 403, 2036},
		{"scan by another pool's user who says so", "POST", "/scanned", `{"random":"` + waiting + `"}`, header{"Authorization", foreign, "x-authing-userpool-id", "p2"}, 403, 2036},
		{"scan by somebody who names another pool", "POST", "/scanned", `{"random":"` + waiting + `"}`, header{"Authorization", "Bearer x.y.z", "x-authing-userpool-id", "p2"}, 401, 2020},
		{"scan by another", "POST", "/scanned", `{"random":"` + scanned + `"}`, header{"Authorization", "Bearer " + userToken(t, "bob")}, 409, 2245},
		{"scan of a used one", "POST", "/scanned", `{"random":"` + done + `"}`, header{"Authorization", alice}, 409, 2244},
		{"confirm unscanned", "POST", "/confirm", `{"random":"` + waiting + `"}`, header{"Authorization", alice}, 409, 2243},
		{"cancel unscanned", "POST", "/cancel", `{"random":"` + waiting + `"}`, header{"Authorization", alice}, 409, 2243},
		{"confirm by another", "POST", "/confirm", `{"random":"` + scanned + `"}`, header{"Authorization", "Bearer " + userToken(t, "bob")}, 409, 2245},
		{"confirm a canceled one", "POST", "/confirm", `{"random":"` + canceled + `"}`, header{"Authorization", alice}, 409, 2244},
		{"random that is a number", "POST", "/confirm", `{"random":7}`, header{"Authorization", alice}, 400, 2231},

		{"vouching where an identity is", "POST", "/scanned", `{"random":"` + waiting + `","user":{"id":"x"}}`, header{"Authorization", basic("p1", poolSecret)}, 401, 2020},
		{"vouching with a wrong secret", "POST", "/scanned", `{"random":"` + waiting + `","user":{"id":"x"}}`, header{"Authorization", basic("p1", "wrong")}, 401, 1001},
		{"vouching by another pool", "POST", "/scanned", `{"random":"` + waiting + `","user":{"id":"x"}}`, header{"Authorization", basic("p2", otherSecret)}, 403, 2036},

		{"exchange without ticket", "POST", "/userinfo", `{}`, header{"Authorization", basic("p1", poolSecret)}, 400, 2231},
		{"exchange without secret", "POST", "/userinfo", `{"ticket":"` + done + "." + ticket + `"}`, nil, 401, 1001},
		{"exchange with a wrong secret", "POST", "/userinfo", `{"ticket":"` + done + "." + ticket + `"}`, header{"Authorization", basic("p1", "wrong")}, 401, 1001},
		{"exchange of a wrong ticket", "POST", "/userinfo", `{"ticket":"` + done + "." + ticket + `"}`, header{"Authorization", basic("p1", poolSecret)}, 410, 2246},
		{"exchange of rubbish", "POST", "/userinfo", `{"ticket":"rubbish"}`, header{"Authorization", basic("p1", poolSecret)}, 410, 2246},
		{"exchange by another pool", "POST", "/userinfo", `{"ticket":"` + done + "." + ticket + `"}`, header{"Authorization", basic("p2", otherSecret)}, 410, 2246},

		{"picture of nothing", "GET", "/image/" + unknown + ".png", nil, nil, 404, 2241},
		{"picture of another kind", "GET", "/image/" + waiting + ".gif", nil, nil, 404, 404},
		{"picture too large", "GET", "/image/" + waiting + ".png?size=1025", nil, nil, 400, 2231},
		{"picture of no size", "GET", "/image/" + waiting + ".png?size=big", nil, nil, 400, 2231},

		{"no route", "GET", "/nothing", nil, nil, 404, 404},
		{"no route at all", "GET", "/api/none", nil, nil, 404, 404},
		{"wrong method", "GET", "/gene", nil, nil, 405, 405},
		{"wrong method", "DELETE", "/check", nil, nil, 405, 405},
		{"plain request to the socket", "GET", "/ws?random=" + waiting, nil, nil, 426, 426},
	} {
		t.Run(test.name, func(t *testing.T) {
			on := *n
			on.TB = t
			a := on.call(test.method, test.path, test.body, test.header...)
			a.refused(test.status, test.code)
			if a.Get("X-Request-Id") == "" || a.Get("Cache-Control") != "no-store" && strings.HasPrefix(test.path, "/") && test.path != "/api/none" {
				t.Errorf("headers: %v", a.Header)
			}
			// SDKs read the code of responses with HTTP 200 only.
			sdk := on.call(test.method, test.path, test.body, append(test.header, "x-authing-request-from", "sdk")...)
			sdk.refused(200, test.code)
		})
	}
}

func TestErrorsNameTheFieldInBothLanguages(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for _, test := range []struct {
		path, body string
		header     []string
		want       string
	}{
		{"/scanned", `{}`, nil, "random is required"},
		{"/scanned", `{}`, header{"x-authing-lang", "zh-CN"}, "缺少参数 random"},
		{"/scanned", `{}`, header{"Accept-Language", "zh-TW,zh;q=0.9,en;q=0.5"}, "缺少参数 random"},
		{"/scanned", `{}`, header{"x-authing-lang", "en-US", "Accept-Language", "zh"}, "random is required"},
		{"/scanned", `{}`, header{"Accept-Language", "fr"}, "random is required"},
		{"/scanned", `{}`, header{"Accept-Language", strings.Repeat("zh,", 2000)}, "random is required"},
		{"/scanned", `{}`, header{"Accept-Language", "zh" + strings.Repeat(" ", 253) + ","}, "缺少参数 random"}, // 256 bytes
		{"/scanned", `{}`, header{"Accept-Language", "zh" + strings.Repeat(" ", 254) + ","}, "random is required"},
		{"/scanned", `{}`, header{"x-authing-lang", "fr", "Accept-Language", "zh"}, "缺少参数 random"},
		{"/scanned", `{}`, header{"x-authing-lang", "undefined!", "Accept-Language", "zh"}, "缺少参数 random"},
		{"/gene", `{"userPoolId":"p1","scene":7}`, nil, "scene must not be a JSON number"},
		{"/gene", `{"userPoolId":"p1","params":"x"}`, nil, "params must be an object"},
		{"/gene", `{"userPoolId":"nobody"}`, header{"x-authing-lang", "zh"}, "用户池不存在"},
	} {
		if a := n.call("POST", test.path, test.body, test.header...); a.message != test.want {
			t.Errorf("%s %s %.60v: %q, want %q", test.path, test.body, test.header, a.message, test.want)
		}
	}
	if a := n.call("POST", "/gene", `{"userPoolId":"p1"}`, "x-authing-lang", "zh-CN"); a.message != "成功" {
		t.Errorf("success in Chinese is %q", a.message)
	}
}

func TestPoolIsFoundWhereverItIsNamed(t *testing.T) {
	n := alone(t, newPool(t, nil), secondPool(t))
	for _, test := range []struct {
		path, body string
		header     []string
		want       string
	}{
		{"/gene", `{}`, header{"x-authing-userpool-id", "p1"}, "p1"},
		{"/gene", `{}`, header{"x-authing-app-id", "app1"}, "p1"},
		{"/gene", `{"userPoolId":"p2"}`, nil, "p2"},
		{"/gene?userPoolId=p2", ``, nil, "p2"},
		{"/gene", `{"userPoolId":"p1"}`, header{"x-authing-userpool-id", "p2", "x-authing-app-id", "app1"}, "p2"},
		{"/gene", `{"userPoolId":"p2"}`, header{"x-authing-userpool-id", "", "x-authing-app-id", ""}, "p2"},
	} {
		d := n.call("POST", test.path, test.body, test.header...).ok()
		var in struct{ UserPoolID string }
		if err := json.Unmarshal([]byte(d["payload"].(string)), &in); err != nil || in.UserPoolID != test.want {
			t.Errorf("%s %s %v: pool %q, %v", test.path, test.body, test.header, in.UserPoolID, err)
		}
	}
}

func TestPayloadsHaveTheConfiguredFormat(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for _, test := range []struct{ body, custom string }{
		{`{}`, `{}`},
		{`{"customData":{"a":"ü😀<"}}`, `{"a":"\u00fc\ud83d\ude00<"}`},
		{`{"params":{"a": [1, 2]}}`, `{"a":[1,2]}`},
		{`{"customeData":"{\"a\":1}"}`, `{"a":1}`},
		{`{"customeData":"plain"}`, `"plain"`},
		{`{"customeData":"[1]"}`, `"[1]"`},
		{`{"customeData":"{oops"}`, `"{oops"`},
		{`{"customeData":{"b":2},"params":null,"customData":{}}`, `{"b":2}`},
	} {
		p := n.call("POST", "/gene?userPoolId=p1", test.body).ok()["payload"].(string)
		form := regexp.MustCompile(`^\{"scene":"APP_AUTH","random":"[0-9A-Za-z]{30}","userPoolId":"p1","createdAt":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","expiresIn":120,"expireAt":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","customData":(.*)\}$`)
		m := form.FindStringSubmatch(p)
		if m == nil || m[1] != test.custom {
			t.Errorf("%s: %s", test.body, p)
		}
		if strings.ContainsFunc(p, func(r rune) bool { return r >= 0x80 || r == '\n' }) {
			t.Errorf("not one line of ASCII: %s", p)
		}
	}
}

func TestPhonesMaySendEachPayloadFormat(t *testing.T) {
	for _, format := range []struct {
		name   string
		change func(*pool.Pool)
	}{
		{"json", nil},
		{"url", func(p *pool.Pool) { p.PayloadFormat = pool.PayloadURL }},
		{"app link", func(p *pool.Pool) {
			p.PayloadFormat, p.AppLink = pool.PayloadURL, "https://app.example.com/open?code={random}&x=1"
		}},
	} {
		n := alone(t, newPool(t, format.change))
		c := n.gene("p1")
		if !strings.Contains(c.payload, c.random) {
			t.Errorf("%s: payload %s", format.name, c.payload)
		}
		if d := n.phone("scanned", c.payload, "alice").ok(); d["random"] != c.random {
			t.Errorf("%s: %v", format.name, d)
		}
		n.phone("scanned", "  "+c.random+"\n", "alice").ok()
		n.phone("scanned", n.url+"/s/"+c.random+"?utm=1", "alice").ok()
	}
}

func TestOnlyTheBrowserGetsTheTicket(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c, ticket := n.confirmed("p1")
	other := n.gene("p1")
	path := "/check?random=" + c.random
	for name, d := range map[string]map[string]any{
		"the cookie":        n.callWith(c.browser, "GET", path, nil).ok(),
		"the browser key":   n.call("GET", path, nil, "X-Browser-Key", c.key).ok(),
		"the pool's secret": n.call("GET", path, nil, "Authorization", basic("p1", poolSecret)).ok(),
	} {
		if d["ticket"] != ticket || d["isBrowser"] != true || d["scannedUserId"] != "alice" {
			t.Errorf("with %s: %v", name, d)
		}
	}
	for name, a := range map[string]answer{
		"nothing":             n.call("GET", path, nil),
		"another's cookie":    n.callWith(other.browser, "GET", path, nil),
		"another's key":       n.call("GET", path, nil, "X-Browser-Key", other.key),
		"a wrong secret":      n.call("GET", path, nil, "Authorization", basic("p1", "wrong")),
		"the ticket as a key": n.call("GET", path, nil, "X-Browser-Key", ticket[31:]),
	} {
		d := a.ok()
		if d["ticket"] != nil || d["isBrowser"] != false || d["scannedUserId"] != nil || d["status"] != 2.0 {
			t.Errorf("with %s: %v", name, d)
		}
		if !strings.Contains(a.message, "x-browser-key") {
			t.Errorf("with %s the message is %q", name, a.message)
		}
	}
	if got := strings.Count(n.log.String(), "ticket withheld"); got != 1 { // at most one line in 10 s
		t.Errorf("the log has it %d times", got)
	}
}

func TestWithoutBrowserBindingTheCodeIsEnoughForTheTicket(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.BindBrowser = false; p.AllowBrowserExchange = true }))
	c, ticket := n.confirmed("p1")
	if d := n.call("GET", "/check?random="+c.random, nil).ok(); d["ticket"] != ticket || d["isBrowser"] != false || d["scannedUserId"] != "alice" {
		t.Errorf("check: %v", d)
	}
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Origin", "https://evil.example.com").refused(403, 2247)
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}).ok()
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}).refused(410, 2246)
}

func TestTheBrowserRedeemsTheTicketIfThePoolAllowsIt(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.AllowBrowserExchange = true }))
	c, ticket := n.confirmed("p1")
	body := map[string]any{"ticket": ticket}
	n.call("POST", "/userinfo", body).refused(401, 1001)
	n.callWith(c.browser, "POST", "/userinfo", body, "Origin", otherOrigin).refused(403, 2247)
	if u := n.callWith(c.browser, "POST", "/userinfo?ticket="+ticket, nil, "Origin", siteOrigin).ok(); u["id"] != "alice" {
		t.Errorf("user: %v", u)
	}
	n.callWith(c.browser, "POST", "/userinfo", body).refused(410, 2246)
	closed := alone(t, newPool(t, nil))
	c, ticket = closed.confirmed("p1")
	closed.callWith(c.browser, "POST", "/userinfo", map[string]any{"ticket": ticket}).refused(401, 1001)
	if u := closed.call("POST", "/userinfo", map[string]any{"ticket": ticket, "client_id": "p1", "client_secret": poolSecret}).ok(); u["id"] != "alice" {
		t.Errorf("by client_secret: %v", u)
	}
}

func TestTheFullUserIsReturnedIfThePoolAllowsIt(t *testing.T) {
	n := start(t, memNode(), signing(t), newPool(t, func(p *pool.Pool) { p.ReturnFullUserInfo = true }))
	c := n.gene("p1")
	n.phone("scanned", c.random, "alice").ok()
	if info := n.check(c)["userInfo"].(map[string]any); len(info) != 2 {
		t.Errorf("before the user agreed: %v", info)
	}
	n.phone("confirm", c.random, "alice").ok()
	info := n.check(c)["userInfo"].(map[string]any)
	if info["email"] != "alice@example.com" || info["token"] == nil {
		t.Errorf("for the browser: %v", info)
	}
	if info := n.call("GET", "/check?random="+c.random, nil).ok()["userInfo"].(map[string]any); len(info) != 2 {
		t.Errorf("without proof: %v", info)
	}
}

func TestABackEndVouchesForItsUser(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.Identity = nil }))
	c := n.gene("p1")
	auth := []string{"Authorization", basic("p1", poolSecret)}
	n.call("POST", "/scanned", map[string]any{"random": c.random}, auth...).refused(400, 2231)
	n.call("POST", "/scanned", map[string]any{"random": c.random, "user": map[string]any{"nickname": "x"}}, auth...).refused(400, 2231)
	n.phone("scanned", c.random, "alice").refused(401, 2020)
	user := map[string]any{"id": "u1", "nickname": strings.Repeat("x", 65), "photo": "javascript:alert(1)", "phone": "+49"}
	n.call("POST", "/scanned", map[string]any{"random": c.random, "user": user}, auth...).ok()
	if info := n.check(c)["userInfo"].(map[string]any); len(info) != 1 || info["nickname"] != strings.Repeat("x", 63)+"…" {
		t.Errorf("a nickname of 65 characters and an invalid photo give %v", info)
	}
	n.call("POST", "/confirm", map[string]any{"random": c.random, "user": map[string]any{"id": "u2"}}, auth...).refused(409, 2245)
	n.call("POST", "/confirm", map[string]any{"random": c.random, "user": user}, auth...).ok()
	if d := n.check(c); d["scannedUserId"] != "u1" || d["ticket"] == nil {
		t.Errorf("check: %v", d)
	}
}

func TestRepeatedStepsSucceedForTheSameUser(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for _, step := range []string{"scanned", "confirm"} {
		first := n.phone(step, c.random, "alice").ok()
		version := n.check(c)["version"]
		if again := n.phone(step, c.random, "alice").ok(); again["status"] != first["status"] {
			t.Errorf("%s again: %v", step, again)
		}
		if v := n.check(c)["version"]; v != version {
			t.Errorf("repeating %s changed version %[3]v to %[2]v", step, v, version)
		}
	}
}

func TestCodesExpire(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, func(p *pool.Pool) {
		p.CodeTTL, p.ConfirmTTL, p.TicketTTL = 10*time.Second, 10*time.Second, 10*time.Second
	}))
	waiting, scanned := n.gene("p1"), n.gene("p1")
	n.phone("scanned", scanned.random, "alice").ok()
	_, ticket := n.confirmed("p1")
	for _, c := range []code{waiting, scanned} {
		n.call("GET", "/check?wait=20&random="+c.random, nil).ok()
		if d := n.check(c); d["status"] != -1.0 || d["expiresIn"] != 0.0 || d["ticket"] != nil {
			t.Errorf("over: %v", d)
		}
		n.phone("scanned", c.random, "alice").refused(410, 2242)
		n.phone("confirm", c.random, "alice").refused(410, 2242)
	}
	if d := n.call("GET", "/check?wait=20&random="+ticket[:30], nil).ok(); d["event"] != "expired" {
		t.Errorf("a confirmed code after its time: %v", d)
	}
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).refused(410, 2246)
}

// TestATicketWorksOnce exchanges it concurrently on two nodes.
func TestATicketWorksOnce(t *testing.T) {
	a, b, _ := pair(t, signing(t), newPool(t, nil))
	for range 10 {
		c, ticket := a.confirmed("p1")
		var mu sync.Mutex
		wins, losses := 0, 0
		var wg sync.WaitGroup
		for i := range 16 {
			n := a
			if i%2 == 1 {
				n = b
			}
			wg.Go(func() {
				got := n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case got.code == 200 && got.data["id"] == "alice":
					wins++
				case got.code == 2246:
					losses++
				}
			})
		}
		wg.Wait()
		if wins != 1 || losses != 15 {
			t.Fatalf("%d exchanges succeeded, %d were refused", wins, losses)
		}
		if d := b.check(c); d["ticket"] != nil || d["event"] != "confirmed" {
			t.Errorf("after it: %v", d)
		}
	}
}

func TestAnUnavailableStoreIsReportedInTime(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	n.store.Fail(errors.New("no route to 10.1.2.3"))
	for _, a := range []answer{
		n.call("POST", "/gene?userPoolId=p1", nil, "Origin", siteOrigin),
		n.call("GET", "/check?random="+c.random, nil, "Origin", siteOrigin),
		n.call("POST", "/scanned", map[string]any{"random": c.random}, "Authorization", userToken(t, "alice"), "Origin", siteOrigin),
		n.call("GET", "/check?random="+c.random, nil, "Origin", siteOrigin, "x-authing-request-from", "sdk"),
	} {
		a.refused(503, 1000)
		if a.Get("Retry-After") == "" || strings.Contains(a.raw, "10.1.2.3") || a.Get("Access-Control-Allow-Origin") != siteOrigin {
			t.Errorf("%s %v", a.raw, a.Header)
		}
		if !strings.Contains(n.log.String(), a.Get("X-Request-Id")) {
			t.Error("the log does not have the request's id")
		}
	}
	n.store.Fail(nil)
	resume := n.store.Stall()
	defer resume()
	began := time.Now()
	n.call("GET", "/check?random="+c.random, nil).refused(503, 1000)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the refusal took %v", took)
	}
}

func TestInvalidBodiesAreRefused(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for _, body := range []string{"\x00", "\xff\xfe", "nul", `{"random":{"$gt":""}}`, strings.Repeat("[", 60_000), `{"random":"` + strings.Repeat("A", 60_000) + `"}`, `"x"`, `7`, `null`} {
		for _, path := range []string{"/gene?userPoolId=p1", "/scanned", "/confirm", "/cancel", "/userinfo"} {
			if a := n.call("POST", path, body, "Authorization", userToken(t, "alice")); a.status >= 500 || a.code == 0 {
				t.Errorf("%s %.20q: %d %s", path, body, a.status, a.raw)
			}
		}
	}
}

func TestOnlyValidRequestIDsAreReturned(t *testing.T) {
	n := alone(t, newPool(t, nil))
	if id := n.call("GET", "/check", nil, "X-Request-Id", "abc-1.2_3").Get("X-Request-Id"); id != "abc-1.2_3" {
		t.Errorf("a valid id became %q", id)
	}
	longest := strings.Repeat("a", 64) // a UUID has 36 characters, a trace context 55
	if id := n.call("GET", "/check", nil, "X-Request-Id", longest).Get("X-Request-Id"); id != longest {
		t.Errorf("64 characters became %q", id)
	}
	for _, bad := range []string{`a" "b`, "", "é", longest + "a", strings.Repeat("a", 8000)} {
		if id := n.call("GET", "/check", nil, "X-Request-Id", bad).Get("X-Request-Id"); !regexp.MustCompile(`^[\w-]{22}$`).MatchString(id) {
			t.Errorf("%.100q became %.100q", bad, id)
		}
	}
	if log := n.log.String(); strings.Contains(log, longest+"a") {
		t.Errorf("an id that is too long is in the log: %.500s", log)
	}
}

func TestALinkInAPictureOpensAPageOrTheApp(t *testing.T) {
	plain := alone(t, newPool(t, func(p *pool.Pool) { p.PayloadFormat = pool.PayloadURL }))
	c := plain.gene("p1")
	if c.payload != plain.url+"/s/"+c.random {
		t.Errorf("payload %s", c.payload)
	}
	if a := plain.call("GET", "/s/"+c.random, nil); a.status != 200 || !strings.Contains(a.raw, "Example") || a.Get("Content-Security-Policy") == "" {
		t.Errorf("%d %s", a.status, a.raw)
	}
	for lang, first := range map[string]string{"en": `<html lang="en">`, "zh": `<html lang="zh-CN">`} {
		if a := plain.call("GET", "/s/"+c.random, nil, "Accept-Language", lang); !strings.Contains(a.raw, first) {
			t.Errorf("in %s: %s", lang, a.raw)
		}
	}
	if a := plain.call("HEAD", "/s/"+string(session.NewID()), nil, "Accept", "text/html"); a.status != 404 || !strings.HasPrefix(a.Get("Content-Type"), "text/html") {
		t.Errorf("HEAD for a browser: %d %s", a.status, a.Get("Content-Type"))
	}
	unknown := "/s/" + string(session.NewID())
	plain.call("GET", unknown, nil).refused(http.StatusNotFound, 2241)
	if a := plain.call("GET", unknown, nil, "Accept", "text/html,*/*;q=0.8"); a.status != 404 || !strings.Contains(a.raw, "no longer valid") || a.Get("Content-Security-Policy") == "" {
		t.Errorf("for a browser: %d %s", a.status, a.raw)
	}
	app := alone(t, newPool(t, func(p *pool.Pool) { p.AppLink = "example://login/{random}" }))
	c = app.gene("p1")
	if a := app.call("GET", "/s/"+c.random, nil); a.status != 302 || a.Get("Location") != "example://login/"+c.random {
		t.Errorf("%d to %s", a.status, a.Get("Location"))
	}
}
