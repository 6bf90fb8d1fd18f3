package pool

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Scopes that a client may have, as OIDC Core 5.4 and 11 define them.
const (
	ScopeOpenID        = "openid"
	ScopeProfile       = "profile"
	ScopeEmail         = "email"
	ScopePhone         = "phone"
	ScopeOfflineAccess = "offline_access"
)

// Scopes returns all scopes that are known.
func Scopes() []string {
	return []string{ScopeOpenID, ScopeProfile, ScopeEmail, ScopePhone, ScopeOfflineAccess}
}

// Client is an application that logs users of a pool in with OpenID Connect (RFC 6749, 2). Its
// id is also an app id of the pool.
type Client struct {
	ID   string
	Name string // shown to users
	Logo string // address of an image; may be empty

	Secret Secret // several values during a rotation; none: a public client

	RedirectURIs           []string // exact, see AllowsRedirect
	PostLogoutRedirectURIs []string // exact
	Scopes                 []string // that it may be granted
	RequirePKCE            bool     // false only for confidential clients

	Device             bool          // it may use the device authorization grant, see Pool.OffersDevice
	DeviceCodeTTL      time.Duration // from the request of a device until its codes expire
	DeviceWithoutMatch bool          // its devices may log in without the number that the pool requires of pages

	CodeTTL         time.Duration // from confirm to the exchange of the code; at most TicketTTL of the pool
	AccessTokenTTL  time.Duration
	IDTokenTTL      time.Duration
	RefreshTokenTTL time.Duration // of a family of refresh tokens
}

// IsPublic reports whether the client cannot keep a secret, and so has none (RFC 6749, 2.1).
func (c *Client) IsPublic() bool { return len(c.Secret.values) == 0 }

// OffersDevice reports whether a client of the pool may use the device authorization grant
// (RFC 8628). Its user codes are typed codes. A device shows no number, so that in a pool which
// requires one, the client must do without.
func (p *Pool) OffersDevice(c *Client) bool {
	return c.Device && p.TypedCodes && (p.Match == session.MatchNone || c.DeviceWithoutMatch)
}

// OffersDevices reports whether any client may use the device authorization grant.
func (p *Pool) OffersDevices() bool { return slices.ContainsFunc(p.Clients, p.OffersDevice) }

// AllowsRedirect reports whether uri is one of the client's redirect URIs, character by
// character (RFC 9700, 2.1). The port of a loopback address of a public client may differ: a
// native app listens where the system lets it (RFC 8252, 7.3).
func (c *Client) AllowsRedirect(uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	return c.IsPublic() && slices.ContainsFunc(c.RedirectURIs, func(own string) bool { return isSameLoopback(own, uri) })
}

// AllowsOrigin reports whether a page of origin is the client's: that of a redirect URI.
func (c *Client) AllowsOrigin(origin string) bool {
	return origin != "" && slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return OriginOf(uri) == origin })
}

// Grant returns those of the requested scopes that the client may be granted, in its own order.
// Others are ignored, as OIDC Core 3.1.2.1 recommends.
func (c *Client) Grant(requested []string) []string {
	return slices.DeleteFunc(slices.Clone(c.Scopes), func(scope string) bool { return !slices.Contains(requested, scope) })
}

// OriginOf returns the origin of a web address as browsers write it; "" for one of another scheme.
func OriginOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"https": ":443", "http": ":80"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + host
}

// loopbackHosts are the beginnings of addresses that never leave the machine.
var loopbackHosts = []string{"http://127.0.0.1", "http://[::1]", "http://localhost"}

// IsLoopback reports whether an address is one of this machine, over plain http.
func IsLoopback(address string) bool {
	_, _, ok := cutLoopback(address)
	return ok
}

// isSameLoopback reports whether two loopback addresses differ at most in their port.
func isSameLoopback(a, b string) bool {
	hostA, restA, okA := cutLoopback(a)
	hostB, restB, okB := cutLoopback(b)
	return okA && okB && hostA == hostB && restA == restB
}

// cutLoopback splits a loopback address into host and what follows the port. It reads no more
// forms of an address than it must, because what it accepts gets codes.
func cutLoopback(address string) (host, rest string, ok bool) {
	for _, host := range loopbackHosts {
		after, found := strings.CutPrefix(address, host)
		if !found {
			continue
		}
		if port, hasPort := strings.CutPrefix(after, ":"); hasPort {
			end := strings.IndexFunc(port, func(r rune) bool { return r < '0' || r > '9' })
			if end < 0 {
				end = len(port)
			}
			if n, err := strconv.ParseUint(port[:end], 10, 16); err != nil || n == 0 {
				return "", "", false
			}
			after = port[end:]
		}
		return host, after, after == "" || after[0] == '/' || after[0] == '?'
	}
	return "", "", false
}
