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

// TestIncompleteCredentialsAreRefused gives an id without a secret, and a
// secret without an id, where the browser could exchange without either.
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
	if a := n.call("GET", "/s/"+c.random, nil, "Accept", "text/html"); a.status != 200 || strings.Contains(a.raw, "is over") {
		t.Errorf("a live code: %d %s", a.status, a.raw)
	}
	n.store.Fail(errors.New("away"))
	n.call("GET", "/s/"+c.random, nil, "Accept", "text/html").refused(503, 1000)
	n.store.Fail(nil)
}

// TestOnlyRefusedAPICallsEmitEvents asks for a picture's link and for
// no page at all.
func TestOnlyRefusedAPICallsEmitEvents(t *testing.T) {
	var told atomic.Int64
	n := start(t, memNode(), func(o *server.Options) {
		o.Observers = append(o.Observers, func(e session.Event) { told.Add(1) })
	}, newPool(t, nil))
	n.call("GET", "/s/"+string(session.NewID()), nil).refused(404, 2241)
	if told.Load() != 0 {
		t.Errorf("%d events", told.Load())
	}
	n.call("GET", "/check?random="+string(session.NewID()), nil).refused(404, 2241)
	if told.Load() != 1 {
		t.Errorf("%d events, want 1", told.Load())
	}
}

// TestFailedCallsCountTowardsTheAddressLimit has an address make calls that end before a code or a user
// is known.
func TestFailedCallsCountTowardsTheAddressLimit(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) { o.Limits = login.Limits{AddressRate: 1} }, newPool(t, nil))
	for range 200 {
		if n.call("POST", "/gene", `{"userPoolId":"unknown"}`).status == 429 {
			return
		}
	}
	t.Error("200 calls that failed were answered, of 10")
}
