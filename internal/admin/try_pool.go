package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// tryPath is where the login element of the pane finds the public server, which
// does not know the console's origin and need not.
const tryPath = "/console/try/api/v2/qrcode/"

// tried are the calls that a login page makes.
var tried = [...]string{"ws", "check", "image"}

// try hands a call of the login element to the public server, as one of its own
// pages. Cookies and passwords are the console's, and stay here.
func (c *Console) try(w http.ResponseWriter, r *http.Request, _ visit) {
	call, _, _ := strings.Cut(r.PathValue("call"), "/")
	if !slices.Contains(tried[:], call) || r.Method != http.MethodGet {
		c.sorry(w, http.StatusNotFound, "There is no such page", "Go back to the console.")
		return
	}
	// A handshake is no form: no protection but this one asks where it comes from.
	from := r.Header.Get("Origin")
	if origin, err := url.Parse(from); from != "" && (err != nil || origin.Host != r.Host) {
		c.sorry(w, http.StatusForbidden, "This came from another site", "Use the console's own pages.")
		return
	}
	out := r.Clone(r.Context())
	out.Header.Del("Cookie")
	out.Header.Del("Authorization")
	out.Header.Set("Origin", c.options.PublicURL)
	out.URL.Path = strings.TrimPrefix(r.URL.Path, "/console/try")
	out.URL.RawPath = ""
	c.options.Public.ServeHTTP(w, out)
}
