package oidc

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
)

// cookieBytes is the size of the cookie's random value: 128 bits.
const cookieBytes = 16

// cookieName returns the name of the cookie to which authorization requests are bound: over https
// one that no other host, path or plain connection can set (RFC 6265bis, 4.1.3.2).
func (p *Provider) cookieName() string {
	if p.isSecure() {
		return "__Host-scanlogin_authorize"
	}
	return "scanlogin_authorize"
}

func (p *Provider) isSecure() bool { return strings.HasPrefix(p.publicURL, "https:") }

// RequestCookie returns the value of the cookie to which the authorization requests of a browser
// are bound; "" if it has none of our form.
func (p *Provider) RequestCookie(r *http.Request) string {
	for _, cookie := range r.CookiesNamed(p.cookieName()) {
		if raw, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value); err == nil && len(raw) == cookieBytes {
			return cookie.Value
		}
	}
	return ""
}

func newCookieValue() string {
	raw := make([]byte, cookieBytes)
	rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// setRequestCookie sets the cookie. It is first-party, and the same for all requests of a browser,
// so that two tabs do not disturb each other.
func (p *Provider) setRequestCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure wherever public_url is https
		Name: p.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: p.isSecure(), SameSite: http.SameSiteLaxMode,
	})
}
