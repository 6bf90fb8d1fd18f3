package ipaddr_test

import (
	"net/netip"
	"testing"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
)

func TestAddressesAreGroupedByPrefix(t *testing.T) {
	for _, test := range []struct{ ip, address, subscriber, network, turn string }{
		{"192.0.2.7", "192.0.2.7", "", "192.0.2.0/24", "192.0.2.7"},
		{"::ffff:192.0.2.7", "192.0.2.7", "", "192.0.2.0/24", "192.0.2.7"},
		{"2001:db8:1:2345::1", "2001:db8:1:2345::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48", "2001:db8:1::/48"},
		{"fe80::1%eth0", "fe80::/64", "fe80::/56", "fe80::/48", "fe80::/48"},
		{"2001:db8:1:2345::/64", "2001:db8:1:2345::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48", "2001:db8:1::/48"},
		{"pipe", "pipe", "", "pipe", "pipe"}, {"", "", "", "", ""},
	} {
		got := [4]string{ipaddr.Address(test.ip), ipaddr.Subscriber(test.ip), ipaddr.Network(test.ip), ipaddr.Turn(test.ip)}
		if want := [4]string{test.address, test.subscriber, test.network, test.turn}; got != want {
			t.Errorf("%q: %q, want %q", test.ip, got, want)
		}
	}
}

func TestNetworksAreComparedOnlyIfBothArePublicAndOfOneVersion(t *testing.T) {
	yes, no := true, false
	for _, test := range []struct {
		a, b string
		want *bool
	}{
		{"203.0.113.7", "203.0.113.7", &yes}, {"203.0.113.7", "::ffff:203.0.113.7", &yes}, {"203.0.113.7", "203.0.113.8", &no},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", &yes}, {"2001:db8:1:2::1", "2001:db8:1:3::1", &no},
		{"203.0.113.7", "2001:db8::1", nil}, {"10.0.0.1", "10.0.0.1", nil}, {"203.0.113.7", "127.0.0.1", nil}, {"fd00::1", "fd00::1", nil},
	} {
		got := ipaddr.SameNetwork(netip.MustParseAddr(test.a), netip.MustParseAddr(test.b))
		if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
			t.Errorf("%s and %s: %v", test.a, test.b, got)
		}
	}
	if ipaddr.SameNetwork(netip.Addr{}, netip.MustParseAddr("203.0.113.7")) != nil {
		t.Error("an unknown address is compared")
	}
}
