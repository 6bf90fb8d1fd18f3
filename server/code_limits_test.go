package server_test

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server"
)

// behindProxy makes a node trust X-Forwarded-For from any peer.
func behindProxy(l login.Limits) func(*server.Options) {
	return func(o *server.Options) {
		o.Limits, o.TrustedProxies = l, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
}

// visitors requests one code from each of many networks, and returns how
// many requests were refused.
func visitors(at []*node, people int) (refused int) {
	for i := range people {
		address := fmt.Sprintf("198.51.%d.%d", i%256, i/256+1)
		if i%2 == 1 {
			address = fmt.Sprintf("2001:db8:%x:1::1", 0x1000+i)
		}
		if a := at[i%len(at)].callWith(unvalidated, "POST", "/gene?userPoolId=p1", nil, "X-Forwarded-For", address); a.status != 200 {
			refused++
		}
	}
	return refused
}

func TestOneNetworkCannotExhaustAPoolsCodes(t *testing.T) {
	t.Parallel()
	limits := login.Limits{CodesPerAddress: 10, CodesPerPool: 1000, AddressRate: 10_000}
	attack := func(t *testing.T, at ...*node) {
		var got atomic.Int64
		var wg sync.WaitGroup
		for worker := range 32 { // concurrently, so that many requests arrive before a node has counted them
			wg.Go(func() {
				for i := worker; i < 2000; i += 32 { // a new /64 each time, in 256 different /56
					address := fmt.Sprintf("2001:db8:0:%x::1", i*43%65536)
					if a := at[i%len(at)].callWith(unvalidated, "POST", "/gene?userPoolId=p1", nil, "X-Forwarded-For", address); a.status == 200 {
						got.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if got := got.Load(); got > 400 {
			t.Errorf("a /48 has %d of 1000 codes", got)
		}
		if refused := visitors(at, 173); refused > 0 {
			t.Errorf("%d of 173 visitors from other networks were refused", refused)
		}
	}
	t.Run("OneNode", func(t *testing.T) { attack(t, start(t, memNode(), behindProxy(limits), newPool(t, nil))) })
	t.Run("TwoNodes", func(t *testing.T) {
		a, b, _ := pair(t, behindProxy(limits), newPool(t, nil))
		attack(t, a, b)
	})
}

func TestOneSubscriberCannotExhaustANetworksCodes(t *testing.T) {
	n := start(t, memNode(), behindProxy(login.Limits{CodesPerAddress: 10, CodesPerPool: 1000}), newPool(t, nil))
	got := 0
	for i := range 200 { // a new /64 each time, in one /56
		if a := n.call("POST", "/gene?userPoolId=p1", nil, "X-Forwarded-For", fmt.Sprintf("2001:db8:0:%x::1", i)); a.status == 200 {
			got++
		}
	}
	if got < 50 || got > 75 {
		t.Errorf("a /56 has %d codes", got)
	}
	n.call("POST", "/gene?userPoolId=p1", nil, "X-Forwarded-For", "2001:db8:0:ff00::1").ok()
}

// TestPartOfAPoolsCodesIsReservedForNewNetworks has many networks request as many
// codes as they can.
func TestPartOfAPoolsCodesIsReservedForNewNetworks(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(i int) string{
		"IPv6": func(i int) string { return fmt.Sprintf("2001:db8:%x:%x::1", i%15, i) },
		"IPv4": func(i int) string { return fmt.Sprintf("203.0.%d.%d", i%15, i/15%250+1) },
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, memNode(), behindProxy(login.Limits{CodesPerAddress: 40, CodesPerPool: 400, AddressRate: 10_000}), newPool(t, nil))
			got := 0
			for i := range 800 {
				if a := n.callWith(unvalidated, "POST", "/gene?userPoolId=p1", nil, "X-Forwarded-For", address(i)); a.status == 200 {
					got++
				}
			}
			if got < 320 {
				t.Errorf("the many networks have only %d of 400 codes", got)
			}
			if refused := visitors([]*node{n}, 24); refused > 0 {
				t.Errorf("%d of 24 visitors from other networks were refused", refused)
			}
		})
	}
}

// TestRefusedRequestsDoNotCountTowardsThePool has addresses request more codes
// than they may have.
func TestRefusedRequestsDoNotCountTowardsThePool(t *testing.T) {
	n := start(t, memNode(), behindProxy(login.Limits{CodesPerAddress: 1, CodesPerPool: 100}), newPool(t, nil))
	for i := range 200 {
		n.call("POST", "/gene?userPoolId=p1", nil, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i%50))
	}
	if refused := visitors([]*node{n}, 40); refused > 0 {
		t.Errorf("50 of 100 codes are taken, and %d of 40 visitors were refused", refused)
	}
}
