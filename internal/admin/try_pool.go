package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// tryPath is the path under which the login element in the console reaches the public server,
// which does not allow the console's origin.
const tryPath = "/console/try/api/v2/qrcode/"

// triedCalls are the API calls of a login page.
var triedCalls = [...]string{"ws", "check", "image"}

// tryPool forwards a call of the login element to the public server, with the origin of the
// server's own pages. It removes cookies and credentials, which belong to the console.
func (c *Console) tryPool(w http.ResponseWriter, r *http.Request, _ loginSession) {
	call, _, _ := strings.Cut(r.PathValue("call"), "/")
	if !slices.Contains(triedCalls[:], call) || r.Method != http.MethodGet {
		c.renderError(w, r, http.StatusNotFound, "Page not found", "Go back to the console.")
		return
	}
	// The CSRF protection does not cover WebSocket handshakes, so the origin is checked here.
	from := r.Header.Get("Origin")
	if origin, err := url.Parse(from); from != "" && (err != nil || origin.Host != r.Host) {
		c.renderError(w, r, http.StatusForbidden, "The request came from another site", "Use the console's own pages.")
		return
	}
	out := r.Clone(r.Context())
	out.Header.Del("Cookie")
	out.Header.Del("Authorization")
	out.Header.Set("Origin", c.options.PublicURL)
	if public, err := url.Parse(c.options.PublicURL); err == nil {
		out.Host = public.Host
	}
	out.URL.Path = strings.TrimPrefix(r.URL.Path, "/console/try")
	out.URL.RawPath = ""
	c.options.Public.ServeHTTP(w, out)
}
