package server_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// bothPaths are the base paths of the API.
var bothPaths = []string{"/api/v2/qrcode", "/api/qrcode"}

// TestEveryRouteRefusesInvalidRequests sends requests that are invalid for any route to
// each route.
func TestEveryRouteRefusesInvalidRequests(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.AllowBrowserExchange = true }), secondPool(t))
	waiting := n.gene("p1")
	_, ticket := n.confirmed("p1")
	alice := userToken(t, "alice")
	for _, base := range bothPaths {
		for call, body := range map[string]string{
			"/gene": `{"userPoolId":"p1"}`, "/userinfo": `{"ticket":"` + ticket + `"}`,
			"/scanned": `{"random":"` + waiting.random + `"}`, "/confirm": `{"random":"` + waiting.random + `"}`, "/cancel": `{"random":"` + waiting.random + `"}`,
		} {
			post := func(body string, h ...string) answer {
				return n.call("POST", base+call, body, append(h, "Authorization", alice)...)
			}
			post(`{"x":`).refused(400, 2231)
			post(`{"a":"`+strings.Repeat("x", 70<<10)+`"}`).refused(413, 413)
			post("<a/>", "Content-Type", "application/xml").refused(415, 415)
			post(body, "Origin", otherOrigin).refused(403, 2247)
			if call != "/gene" && call != "/userinfo" {
				n.call("POST", base+call, body).refused(401, 2020)
			}
			n.store.Fail(errors.New("away"))
			post(body).refused(503, 1000)
			n.store.Fail(nil)
			n.call("GET", base+call, nil).refused(405, 405)
		}
		for _, call := range []string{"/check", "/events", "/image/" + waiting.random + ".png", "/image/" + waiting.random + ".svg"} {
			n.store.Fail(errors.New("away"))
			n.call("GET", base+call+"?random="+waiting.random, nil).refused(503, 1000)
			n.store.Fail(nil)
		}
		n.call("GET", base+"/events", nil).refused(400, 2231)
		n.call("GET", base+"/image/"+waiting.random+".svg?size=7", nil).refused(400, 2231)
		n.call("GET", base+"/image/"+string(session.NewID())+".svg", nil).refused(404, 2241)
	}
	n.call("POST", "/userinfo", `{"ticket":"x"}`, "x-authing-userpool-id", "nobody").refused(404, 2224)
	n.store.Fail(errors.New("away"))
	n.call("GET", "/s/"+waiting.random, nil).refused(503, 1000)
	n.call("GET", "/s/p1/"+waiting.random, nil).refused(503, 1000)
	n.store.Fail(nil)
}

// TestStepsThatAreTooEarlyOrTooLateAreRefused makes each call of the phone too early,
// too late, and as another user.
func TestStepsThatAreTooEarlyOrTooLateAreRefused(t *testing.T) {
	n := alone(t, newPool(t, nil), secondPool(t))
	p := n.dial("userPoolId=p1", nil)
	over := p.event("code")["random"].(string)
	p.say(`{"action":"refresh"}`)
	p.event("code")
	done, _ := n.confirmed("p1")
	for _, step := range []string{"scanned", "confirm", "cancel"} {
		n.phone(step, over, "alice").refused(410, 2242)
		n.phone(step, string(session.NewID()), "alice").refused(404, 500)
		n.phone(step, done.random, "bob").refused(409, 2244)
		n.call("POST", "/"+step, map[string]any{"random": done.random}, "Authorization", sign(t, otherKey, "eve")).refused(403, 2036)
	}
}

// TestEveryRouteIsRateLimited guesses on each route until it is refused.
func TestEveryRouteIsRateLimited(t *testing.T) {
	unknown := string(session.NewID())
	body := func(s string) func() any { return func() any { return s } }
	for _, test := range []struct {
		method, path string
		body         func() any
	}{
		{"GET", "/image/" + unknown + ".png", nil},
		{"GET", "/image/" + unknown + ".svg", nil},
		{"GET", "/events?random=" + unknown, nil},
		{"GET", "/s/" + unknown, nil},
		{"GET", "/s/p1/" + unknown, nil},
		{"POST", "/scanned", body(`{"random":"` + unknown + `"}`)},
		{"POST", "/confirm", body(`{"random":"` + unknown + `"}`)},
		{"POST", "/cancel", body(`{"random":"` + unknown + `"}`)},
		{"POST", "/userinfo", body(`{"ticket":"rubbish","client_id":"p1","client_secret":"guessed"}`)},
	} {
		n := limited(t, login.Limits{MissRate: 1})
		if got := callsBeforeRefusal(t, 100, func() answer {
			if test.body == nil {
				return n.call(test.method, test.path, nil)
			}
			return n.call(test.method, test.path, test.body())
		}); got == 100 {
			t.Errorf("%s %s is not limited", test.method, test.path)
		}
	}
	n := limited(t, login.Limits{MissRate: 1})
	eventually(t, "a guesser's handshake is refused", func() bool {
		conn, res, err := websocket.Dial(t.Context(), n.url+"/api/v2/qrcode/ws?random="+string(session.NewID()), &websocket.DialOptions{HTTPClient: client})
		if err == nil {
			_ = conn.CloseNow()
		}
		return res != nil && res.StatusCode == http.StatusTooManyRequests
	})
}

// TestUnchangedFilesAreNotSentAgain repeats requests with the ETag of the first response.
func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for _, path := range []string{"/scanlogin.js", "/scanlogin.d.ts", "/openapi.yaml", "/asyncapi.yaml", "/docs", "/s/" + c.random, "/s/p1/" + c.random} {
		get := func(etag string) *http.Response {
			req, err := http.NewRequestWithContext(t.Context(), "GET", n.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("If-None-Match", etag)
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			return res
		}
		first := get(`"another"`)
		if again := get(first.Header.Get("ETag")); first.StatusCode != 200 || again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d, then %d", path, first.StatusCode, again.StatusCode)
		}
	}
}
