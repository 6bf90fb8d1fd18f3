package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

func limited(t *testing.T, l login.Limits) *node {
	return start(t, memNode(), func(o *server.Options) { o.Limits = l }, newPool(t, nil), secondPool(t))
}

// callsBeforeRefusal counts the responses before the first 429, which must have a
// Retry-After.
func callsBeforeRefusal(t *testing.T, most int, call func() answer) (n int) {
	t.Helper()
	for ; n < most; n++ {
		if a := call(); a.status == 429 {
			a.refused(429, 429)
			if a.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return n
		}
	}
	return n
}

func TestSocketsAreLimited(t *testing.T) {
	for name, l := range map[string]login.Limits{"of a node": {Sockets: 3}, "of an address": {SocketsPerAddress: 3}} {
		n := limited(t, l)
		var open []*page
		for range 3 {
			p := n.dial("userPoolId=p1", nil)
			p.event("code")
			open = append(open, p)
		}
		n.dial("userPoolId=p1", nil).closed(1013)
		n.call("GET", "/events?random="+n.gene("p1").random, nil).refused(429, 429)
		_ = open[0].CloseNow()
		eventually(t, "a place is free again "+name, func() bool {
			p := n.dial("userPoolId=p1", nil)
			_, _, err := p.Read(p.ctx)
			_ = p.CloseNow()
			return websocket.CloseStatus(err) != 1013
		})
	}
}

func TestUnprovenWatchersDoNotDisplaceTheBrowser(t *testing.T) {
	n := limited(t, login.Limits{WatchersPerCode: 2})
	c := n.gene("p1")
	for range 2 {
		n.dial("random="+c.random, nil).event("waiting")
	}
	n.dial("random="+c.random, nil).closed(1013)
	n.dial("random="+c.random, nil, "key."+c.key).event("waiting")
}

func TestRatesAreLimited(t *testing.T) {
	n := limited(t, login.Limits{AddressRate: 2, UserRate: 1, MissRate: 1, CheckRate: 1})
	if got := callsBeforeRefusal(t, 100, func() answer { return n.call("POST", "/gene?userPoolId=p1", nil) }); got < 15 || got > 60 {
		t.Errorf("%d codes of one address before 429", got)
	}
	n = limited(t, login.Limits{UserRate: 1, MissRate: 1, CheckRate: 1})
	c := n.gene("p1")
	n.phone("scanned", c.random, "alice").ok()
	if got := callsBeforeRefusal(t, 100, func() answer { return n.phone("scanned", c.random, "alice") }); got > 30 {
		t.Errorf("%d calls of one user before 429", got)
	}
	n.phone("scanned", n.gene("p1").random, "bob").ok() // other users are not limited
	if got := callsBeforeRefusal(t, 100, func() answer { return n.call("GET", "/check?random="+string(session.NewID()), nil) }); got > 30 {
		t.Errorf("%d guesses of one address before 429", got)
	}
	n.check(c) // checks of an existing code do not count towards the address
	if got := callsBeforeRefusal(t, 100, func() answer { return n.call("GET", "/check?random="+c.random, nil) }); got > 30 {
		t.Errorf("%d checks of one code before 429", got)
	}
	n.check(n.gene("p1"))
}

func TestOpenCodesAreLimited(t *testing.T) {
	n := limited(t, login.Limits{CodesPerAddress: 5})
	if got := callsBeforeRefusal(t, 100, func() answer { return n.call("POST", "/gene?userPoolId=p1", nil) }); got < 5 || got > 10 {
		t.Errorf("%d codes of one address", got)
	}
	p := n.dial("userPoolId=p1", nil)
	p.closed(1013)
	n = limited(t, login.Limits{CodesPerPool: 5})
	if got := callsBeforeRefusal(t, 100, func() answer { return n.call("POST", "/gene?userPoolId=p1", nil) }); got < 5 || got > 10 {
		t.Errorf("%d codes of one pool", got)
	}
	n.call("POST", "/gene?userPoolId=p2", nil).ok()
}

// TestAddressesOfAnIPv6SubnetAreCountedTogether has one subscriber use many addresses of
// a /64.
func TestAddressesOfAnIPv6SubnetAreCountedTogether(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) {
		o.Limits, o.TrustedProxies = login.Limits{CodesPerAddress: 5}, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}, newPool(t, nil))
	i := 0
	if got := callsBeforeRefusal(t, 100, func() answer {
		i++
		return n.call("POST", "/gene?userPoolId=p1", nil, "X-Forwarded-For", fmt.Sprintf("2001:db8:1:2:%x::%x", i, i))
	}); got > 10 {
		t.Errorf("%d codes of one subscriber", got)
	}
	n.call("POST", "/gene?userPoolId=p1", nil, "X-Forwarded-For", "2001:db8:1:3::1").ok()
}

// TestManyPollingPagesBehindOneAddressLogIn has two hundred users log in at once, with
// pages that poll like the SDKs, under the default limits.
func TestManyPollingPagesBehindOneAddressLogIn(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, nil))
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			c := n.gene("p1", "Origin", siteOrigin)
			user := "u" + string(rune('a'+i%26)) + string(rune('a'+i/26))
			for range 3 {
				n.call("GET", "/check?random="+c.random, nil).ok()
			}
			n.phone("scanned", c.random, user).ok()
			n.phone("confirm", c.random, user).ok()
			if n.check(c)["ticket"] == nil {
				t.Error("no ticket")
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
}

func TestRequestsDoNotAccumulateWhileTheStoreHangs(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	resume := n.store.Stall()
	defer resume()
	var wg sync.WaitGroup
	began := time.Now()
	for range 300 {
		wg.Go(func() {
			if a := n.call("GET", "/check?random="+c.random, nil); a.status != http.StatusServiceUnavailable || a.code != 1000 {
				t.Errorf("%d %s", a.status, a.raw)
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v to refuse them", took)
	}
	client.CloseIdleConnections()
}
