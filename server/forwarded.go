package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/loglimit"
)

// forwarded finds a client's address in X-Forwarded-For, from the right: each entry is
// believed if the one to its right, at last the peer itself, is a trusted proxy.
type forwarded struct {
	trusted proxies
	log     *loglimit.Logger
}

// proxies are the networks of trusted proxies.
type proxies []netip.Prefix

// newProxies writes each network as contain expects it: IPv4 as such.
func newProxies(trusted []netip.Prefix) proxies {
	var all proxies
	for _, p := range trusted {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		all = append(all, p)
	}
	return all
}

// contain reports whether addr, a plain one, is a trusted proxy.
func (all proxies) contain(addr netip.Addr) bool {
	for _, p := range all {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// ipExtractor believes X-Forwarded-For from trusted proxies only, and only as
// far as trusted ones wrote it.
func ipExtractor(trusted []netip.Prefix, log *slog.Logger) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	return forwarded{newProxies(trusted), loglimit.New(log, time.Hour)}.client
}

// client returns the first address from the right that is not a trusted proxy; the
// leftmost if all are. What a trusted proxy wrote and cannot be read ends the search at
// that proxy, with a warning: nothing beyond it is known.
func (f forwarded) client(r *http.Request) string {
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	found, err := netip.ParseAddr(peer)
	if err != nil {
		return peer
	}
	found = ipaddr.Plain(found)
	lines := r.Header.Values("X-Forwarded-For")
	rest := strings.Join(lines, ",")
	for more := rest != ""; more && f.trusted.contain(found); {
		entry := rest
		if i := strings.LastIndexByte(rest, ','); i >= 0 {
			rest, entry = rest[:i], rest[i+1:]
		} else {
			more = false
		}
		addr, ok := parseForwarded(strings.TrimSpace(entry))
		if !ok {
			f.log.Log(context.Background(), slog.LevelWarn, "", "X-Forwarded-For of a trusted proxy has an entry that is not an address: the proxy's address is used",
				"proxy", found.String(), "form", formOf(entry))
			break
		}
		found = addr
	}
	return found.String()
}

// parseForwarded reads 192.0.2.7, 2001:db8::1 and [2001:db8::1], and the first and
// last with a port, as some load balancers add it.
func parseForwarded(entry string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(entry); err == nil {
		return ipaddr.Plain(withPort.Addr()), true
	}
	if inner, ok := strings.CutPrefix(entry, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(inner, ":") {
			return netip.Addr{}, false
		}
		entry = inner
	}
	addr, err := netip.ParseAddr(entry)
	return ipaddr.Plain(addr), err == nil
}

// maxForm limits the logged form of an entry, in bytes.
const maxForm = 40

// formOf returns the form of an entry without its contents, for the log: a run of letters
// becomes "a", of digits "9", and of other bytes than punctuation "?".
func formOf(entry string) string {
	form := make([]byte, 0, maxForm)
	for i := 0; i < len(entry) && len(form) < maxForm; i++ {
		b := entry[i]
		switch {
		case b >= '0' && b <= '9':
			b = '9'
		case b|0x20 >= 'a' && b|0x20 <= 'z':
			b = 'a'
		case b <= ' ' || b >= 0x7f:
			b = '?'
		}
		if n := len(form); n == 0 || form[n-1] != b {
			form = append(form, b)
		}
	}
	return string(form)
}
