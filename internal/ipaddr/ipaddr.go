// Package ipaddr groups IP addresses: which of them count as one address, one subscriber or
// one network.
//
// It guarantees that equal addresses in different notations (IPv4 in IPv6, with a zone) have
// the same key, and that a key can be passed instead of an address to a function with a
// shorter prefix. Text that is not an address is its own key.
package ipaddr

import "net/netip"

// Address returns the key of limits per address: the IPv4 address, or the IPv6 /64, which
// belongs to one subscriber.
func Address(ip string) string { return prefixKey(ip, 32, 64) }

// Subscriber returns the IPv6 /56 of ip, the largest network that one household or rented
// machine usually gets; "" if ip is not IPv6.
func Subscriber(ip string) string {
	if addr, ok := parse(ip); !ok || addr.Is4() {
		return ""
	}
	return prefixKey(ip, 0, 56)
}

// Network returns the key of limits per network: the IPv4 /24, the smallest network that is
// announced separately, or the IPv6 /48, which one site or hosting customer gets (RFC 6177).
func Network(ip string) string { return prefixKey(ip, 24, 48) }

// Turn returns the key by which waiting callers are served in turn: the IPv4 address or the
// IPv6 /48.
func Turn(ip string) string { return prefixKey(ip, 32, 48) }

// prefixKey returns the prefix that ip is in, of bits4 or bits6 bits by its family; ip
// itself if it is not an address.
func prefixKey(ip string, bits4, bits6 int) string {
	addr, ok := parse(ip)
	if !ok {
		return ip
	}
	bits := bits4
	if addr.Is6() {
		bits = bits6
	}
	if bits == addr.BitLen() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}

// parse reads an address, or the address of a prefix.
func parse(ip string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		prefix, err := netip.ParsePrefix(ip)
		return prefix.Addr().Unmap(), err == nil
	}
	return Plain(addr), true
}

// Plain returns addr in one notation: IPv4 as such, and without a zone, which has a meaning
// on one host only.
func Plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// IsPublic reports whether addr is a global unicast address outside the private ranges.
func IsPublic(addr netip.Addr) bool { return addr.IsGlobalUnicast() && !addr.IsPrivate() }

// SameNetwork reports whether two public addresses are the same IPv4 address or IPv6 /64. The result
// is nil if it is unknown: for private addresses, as of an untrusted proxy, and for different
// versions of IP, because devices of one network may use different ones.
func SameNetwork(a, b netip.Addr) *bool {
	a, b = a.Unmap(), b.Unmap()
	if !IsPublic(a) || !IsPublic(b) || a.Is4() != b.Is4() {
		return nil
	}
	same := Address(a.String()) == Address(b.String())
	return &same
}
