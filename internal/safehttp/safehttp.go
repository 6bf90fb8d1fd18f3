// Package safehttp provides transports for outgoing HTTP requests. It guarantees that no proxy
// from the environment is used, that connecting has a deadline, and, on request, that only
// addresses on the public internet are contacted, whatever a name resolves to at that moment.
package safehttp

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	// connectTimeout bounds each step of connecting. A healthy host takes a fraction of a
	// second.
	connectTimeout = 5 * time.Second

	// maxConns bounds the connections to one host, so that this server cannot be used to
	// flood it; further requests queue.
	maxConns = 32
)

// Transport returns a new transport. allow is called with each address before it is dialed,
// after the name was resolved, so that DNS rebinding cannot bypass it; nil allows all.
func Transport(allow func(netip.Addr) error) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout}
	if allow != nil {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrNotPublic, err)
			}
			return allow(target.Addr())
		}
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        maxConns,
		MaxIdleConnsPerHost:    maxConns,
		IdleConnTimeout:        30 * time.Second, // the connections of a replaced pool close after this time
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// NoRedirects, as CheckRedirect of a client, returns redirects as responses: the request's
// contents are meant for one address only.
func NoRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ErrNotPublic is returned for an address that is not on the public internet.
var ErrNotPublic = errors.New("the address is not public")

// Public returns ErrNotPublic unless addr is on the public internet.
func Public(addr netip.Addr) error {
	addr = addr.Unmap()
	if addr.Is6() && !global6.Contains(addr) {
		return ErrNotPublic
	}
	for _, network := range special {
		if network.Contains(addr) {
			return ErrNotPublic
		}
	}
	return nil
}

// global6 is the global unicast range of IPv6 (RFC 4291, 2.4). It excludes loopback,
// link-local, unique local and multicast addresses, and those that translate to IPv4.
var global6 = netip.MustParsePrefix("2000::/3")

// special are the special-purpose networks (RFC 6890 and its registries) that are not global.
var special = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),  // carrier-grade NAT
	netip.MustParsePrefix("127.0.0.0/8"),    // loopback
	netip.MustParsePrefix("169.254.0.0/16"), // link-local, cloud metadata
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), // documentation, like the next two
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), // 6to4 relays
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"), // benchmarks
	netip.MustParsePrefix("224.0.0.0/3"),   // multicast, reserved, broadcast
	netip.MustParsePrefix("2001::/23"),     // protocol assignments, such as Teredo
	netip.MustParsePrefix("2001:db8::/32"), // documentation
	netip.MustParsePrefix("2002::/16"),     // 6to4: contains any IPv4 address
	netip.MustParsePrefix("3fff::/20"),     // documentation
}
