package server_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

// TestIncompleteCredentialsAreRefused sends an id without a secret, and a
// secret without an id, to a pool whose browsers may redeem tickets without credentials.
func TestIncompleteCredentialsAreRefused(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.AllowBrowserExchange = true }))
	c, ticket := n.confirmed("p1")
	for _, half := range []map[string]any{
		{"ticket": ticket, "client_id": "p1"},
		{"ticket": ticket, "client_secret": poolSecret},
	} {
		n.callWith(c.browser, "POST", "/userinfo", half).refused(401, 1001)
	}
	n.callWith(c.browser, "POST", "/userinfo", map[string]any{"ticket": ticket}).ok()
}

func TestTheLinkPageReportsOnlyExpiredCodesAsExpired(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.PayloadFormat = pool.PayloadURL }))
	c := n.gene("p1")
	if a := n.call("GET", "/s/"+c.random, nil, "Accept", "text/html"); a.status != 200 || strings.Contains(a.raw, "no longer valid") {
		t.Errorf("a live code: %d %s", a.status, a.raw)
	}
	n.store.Fail(errors.New("away"))
	if a := n.call("GET", "/s/"+c.random, nil, "Accept", "text/html", "Accept-Language", "zh-CN,zh;q=0.9"); a.status != 503 || !strings.Contains(a.raw, "<h1>登录服务繁忙") || a.Get("Retry-After") == "" {
		t.Errorf("without the store: %d %s", a.status, a.raw)
	}
	n.call("GET", "/s/"+c.random, nil).refused(503, 1000)
	n.store.Fail(nil)
}

// TestPeopleGetPagesAndProgramsTheEnvelope opens addresses outside of the API.
func TestPeopleGetPagesAndProgramsTheEnvelope(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for _, test := range []struct {
		path, title string
		status      int
	}{
		{"", "This server logs people in by QR code", 200},
		{"/.nothing", "There is no such page", 404},
		{"/s/" + string(session.NewID()), "This login code is no longer valid", 404},
	} {
		a := n.call("GET", test.path, nil, "Accept", "text/html,*/*;q=0.8")
		if a.status != test.status || !strings.Contains(a.raw, "<h1>"+test.title+"</h1>") || a.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %s", test.path, a.status, a.raw)
		}
		for _, accept := range []string{"application/json", "*/*"} {
			if a := n.call("GET", test.path, nil, "Accept", accept); a.status != 404 || a.data != nil || !strings.HasPrefix(a.raw, `{"code":`) {
				t.Errorf("%s for %s: %d %s", test.path, accept, a.status, a.raw)
			}
		}
	}
	n.call("GET", "/api/v2/none", nil, "Accept", "text/html").refused(404, 404)
}

// TestOnlyRefusedAPICallsEmitEvents requests an unknown link and an
// unknown code.
func TestOnlyRefusedAPICallsEmitEvents(t *testing.T) {
	var events atomic.Int64
	n := start(t, memNode(), func(o *server.Options) {
		o.Observers = append(o.Observers, func(e session.Event) { events.Add(1) })
	}, newPool(t, nil))
	n.call("GET", "/s/"+string(session.NewID()), nil).refused(404, 2241)
	if events.Load() != 0 {
		t.Errorf("%d events", events.Load())
	}
	n.call("GET", "/check?random="+string(session.NewID()), nil).refused(404, 2241)
	if events.Load() != 1 {
		t.Errorf("%d events, want 1", events.Load())
	}
}

// TestFailedCallsCountTowardsTheAddressLimit has an address make calls that fail before a code or a
// user is known.
func TestFailedCallsCountTowardsTheAddressLimit(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) { o.Limits = login.Limits{AddressRate: 1} }, newPool(t, nil))
	for range 200 {
		if n.call("POST", "/gene", `{"userPoolId":"unknown"}`).status == 429 {
			return
		}
	}
	t.Error("all of 200 failing calls were served with a limit of about 10")
}

// TestCredentialsInTheHeaderReplaceThoseInTheBody of an exchange.
func TestCredentialsInTheHeaderReplaceThoseInTheBody(t *testing.T) {
	n := alone(t, newPool(t, nil))
	_, ticket := n.confirmed("p1")
	exchange := func(header, body string) answer {
		return n.call("POST", "/userinfo", map[string]any{"ticket": ticket, "client_id": "p1", "client_secret": body}, "Authorization", basic("p1", header))
	}
	exchange("not the secret of the pool", poolSecret).refused(401, 1001)
	exchange(poolSecret, "not the secret of the pool").ok()
}
