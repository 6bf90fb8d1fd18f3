package server

import "net/netip"

// addressKey is what is counted as one address: an IPv4 address, or the IPv6
// /64 that one subscriber has.
func addressKey(ip string) string { return prefixKey(ip, 32, 64) }

// subscriberKey is the IPv6 /56 that ip is in, which is what one household or
// one rented machine gets at most; "" if ip is not IPv6.
func subscriberKey(ip string) string {
	if addr, ok := parseKey(ip); !ok || addr.Is4() {
		return ""
	}
	return prefixKey(ip, 0, 56)
}

// networkKey is what is counted as one network: an IPv4 /24, the smallest that
// is announced by itself, or an IPv6 /48, which one customer of a hoster or one
// site gets (RFC 6177).
func networkKey(ip string) string { return prefixKey(ip, 24, 48) }

// turnKey is what takes turns as one where callers wait: an IPv4 address or an
// IPv6 /48.
func turnKey(ip string) string { return prefixKey(ip, 32, 48) }

// prefixKey returns the prefix that ip is in, of bits4 or bits6 bits by its
// family; ip itself if it is no address. The key of a longer prefix is as good as an
// address of it.
func prefixKey(ip string, bits4, bits6 int) string {
	addr, ok := parseKey(ip)
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

// parseKey reads an address, or the address of a prefix.
func parseKey(ip string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		prefix, err := netip.ParsePrefix(ip)
		return prefix.Addr().Unmap(), err == nil
	}
	return plain(addr), true
}
