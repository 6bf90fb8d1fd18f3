package identity

import (
	"net/http"
	"net/url"

	"github.com/scanlogin/scanlogin/internal/safehttp"
)

// hostPolicy is a transport that protects against server-side request forgery. The
// configured host may be on any network. All other hosts come from responses (redirects,
// jwks_uri) and must be on the public internet, because whoever controls an issuer's
// responses could otherwise make this server call internal addresses.
type hostPolicy struct {
	configured   string            // host[:port]; a different port is a different service
	unrestricted http.RoundTripper // for the configured host
	public       http.RoundTripper // for all other hosts
}

func newHostPolicy(address string) *hostPolicy {
	h := &hostPolicy{unrestricted: safehttp.Transport(nil), public: safehttp.Transport(safehttp.Public)}
	if u, err := url.Parse(address); err == nil { // checkURL has accepted it before
		h.configured = u.Host
	}
	return h
}

// RoundTrip implements [http.RoundTripper].
func (h *hostPolicy) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == h.configured {
		return h.unrestricted.RoundTrip(r)
	}
	return h.public.RoundTrip(r)
}
