package identity

import (
	"net/http"
	"net/url"

	"github.com/scanlogin/scanlogin/internal/safehttp"
)

// hosts decides where a call may lead. The host that the configuration names
// may be anywhere, also in the own network. Any other is named by an answer, as
// a redirect or as a jwks_uri: that may lead to the public internet only, or who
// answers for an issuer could have us call whatever we can reach.
type hosts struct {
	configured string            // host[:port]; another port is another service
	anywhere   http.RoundTripper // for it
	public     http.RoundTripper // for all others
}

func newHosts(address string) *hosts {
	h := &hosts{anywhere: safehttp.Transport(nil), public: safehttp.Transport(safehttp.Public)}
	if u, err := url.Parse(address); err == nil { // checkURL has said so before
		h.configured = u.Host
	}
	return h
}

// RoundTrip implements [http.RoundTripper].
func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == h.configured {
		return h.anywhere.RoundTrip(r)
	}
	return h.public.RoundTrip(r)
}
