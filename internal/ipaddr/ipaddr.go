// Package ipaddr groups IP addresses: which of them count as one address, one subscriber or
// one network.
//
// It guarantees that equal addresses in different notations (IPv4 in IPv6, with a zone) have
// the same key, and that a key can be passed instead of an address to a function with a
// shorter prefix. Text that is not an address is its own key.
package ipaddr

import "net/netip"

// Address is what is counted as one address: an IPv4 address, or the IPv6 /64 that one
// subscriber has.
func Address(ip string) string { return prefixKey(ip, 32, 64) }

// Subscriber is the IPv6 /56 that ip is in, which is what one household or one rented
// machine gets at most; "" if ip is not IPv6.
func Subscriber(ip string) string {
	if addr, ok := parse(ip); !ok || addr.Is4() {
		return ""
	}
	return prefixKey(ip, 0, 56)
}

// Network is what is counted as one network: an IPv4 /24, the smallest that is announced
// by itself, or an IPv6 /48, which one customer of a hoster or one site gets (RFC 6177).
func Network(ip string) string { return prefixKey(ip, 24, 48) }

// Turn is what takes turns as one where callers wait: an IPv4 address or an IPv6 /48.
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

// SameNetwork compares two public addresses: IPv4 addresses, or IPv6 /64. It is nil where
// they tell nothing: behind a proxy that is not trusted everybody has its address, and in
// a home with both versions of IP each device may use a different one.
func SameNetwork(a, b netip.Addr) *bool {
	a, b = a.Unmap(), b.Unmap()
	if !IsPublic(a) || !IsPublic(b) || a.Is4() != b.Is4() {
		return nil
	}
	same := Address(a.String()) == Address(b.String())
	return &same
}
