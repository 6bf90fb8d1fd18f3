package server

import "net/netip"

// addressKey is what is counted as one address: an IPv4 address, or the IPv6
// /64 that one subscriber has.
func addressKey(ip string) string { return prefixKey(ip, 32, 64) }

// networkKey is what is counted as one network: an IPv4 /24, the smallest that
// is announced by itself, or an IPv6 /48, which one customer of a hoster or one
// site gets (RFC 6177).
func networkKey(ip string) string { return prefixKey(ip, 24, 48) }

// prefixKey returns the prefix that ip is in, of bits4 or bits6 bits by its
// family; ip itself if it is no address.
func prefixKey(ip string, bits4, bits6 int) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	addr = addr.Unmap().WithZone("")
	bits := bits4
	if addr.Is6() {
		bits = bits6
	}
	if bits == addr.BitLen() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}
