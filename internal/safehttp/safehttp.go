// Package safehttp makes HTTP clients for addresses that the configuration names. It
// guarantees that no proxy from the environment is used, that every call has a
// deadline, and, on request, that only the public internet is reached, whatever a
// name resolves to at that moment.
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
	// connectTimeout is for each step of connecting. A live host takes a
	// fraction of a second.
	connectTimeout = 5 * time.Second

	// maxConns bounds the sockets to one host, so that a storm of calls cannot
	// be aimed at it through us; calls beyond it wait their turn.
	maxConns = 32
)

// Transport returns what calls go out by. mayReach is asked about each address
// that is about to be dialed, after its name was resolved, so that a name which
// resolves to another one the second time gains nothing; nil: all may be reached.
func Transport(mayReach func(netip.Addr) error) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout}
	if mayReach != nil {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrNotPublic, err)
			}
			return mayReach(target.Addr())
		}
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        maxConns,
		MaxIdleConnsPerHost:    maxConns,
		IdleConnTimeout:        30 * time.Second, // a replaced pool leaves nothing behind for longer
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// NoRedirects, as a client's CheckRedirect, returns a redirect as it is: what a
// call carries is for one address only.
func NoRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ErrNotPublic is for an address that is not on the public internet.
var ErrNotPublic = errors.New("the address is not public")

// Public returns ErrNotPublic unless addr is one of the public internet.
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

// global6 is all of IPv6 that was given out (RFC 4291, 2.4): not in it are
// loopback, link-local, unique local, multicast and what translates to IPv4.
var global6 = netip.MustParsePrefix("2000::/3")

// special are the networks of RFC 6890 and its registries that are not global.
var special = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),  // carriers' NAT
	netip.MustParsePrefix("127.0.0.0/8"),    // loopback
	netip.MustParsePrefix("169.254.0.0/16"), // link-local, clouds' metadata
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), // documentation, as the two below
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), // 6to4 relays
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"), // benchmarks
	netip.MustParsePrefix("224.0.0.0/3"),   // multicast, reserved, broadcast
	netip.MustParsePrefix("2001::/23"),     // protocols, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"), // documentation
	netip.MustParsePrefix("2002::/16"),     // 6to4: any IPv4 address is inside
	netip.MustParsePrefix("3fff::/20"),     // documentation
}
