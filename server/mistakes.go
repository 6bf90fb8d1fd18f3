package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/loglimit"
)

// mistakes logs the usual mistakes in the configuration of a server, as its requests show
// them, with their cures.
type mistakes struct {
	publicURL *url.URL
	trusted   proxies
	log       *loglimit.Logger

	mu    sync.Mutex
	proxy netip.Addr // private address whose requests have X-Forwarded-For, and that is not trusted
	lead  int        // its requests, less those of others
}

const (
	// mistakeEvery is how often one mistake is logged. Each unlisted origin is one: anybody
	// can send a thousand of them (loglimit).
	mistakeEvery = time.Hour
	// proxyLead is how many more requests than all others a private address must send until it
	// counts as a proxy of this server.
	proxyLead = 10
	// maxNamed bounds what is logged of a text that anybody writes, in bytes.
	maxNamed = 128
)

func newMistakes(publicURL string, trusted []netip.Prefix, log *slog.Logger) *mistakes {
	public, err := url.Parse(publicURL)
	if err != nil {
		public = new(url.URL)
	}
	return &mistakes{publicURL: public, trusted: newProxies(trusted), log: loglimit.New(log, mistakeEvery)}
}

func (m *mistakes) warn(key, text string, about ...any) {
	m.log.Log(context.Background(), slog.LevelWarn, key, text, about...)
}

// note looks at a request.
func (m *mistakes) note(r *http.Request) {
	m.noteProxy(r)
	if r.Header.Get("Origin") != "" {
		m.noteAddress(r)
	}
}

// noteProxy warns if most requests come from one private address with X-Forwarded-For, and
// its proxy is not trusted. Requests of other addresses may have that header, too: proxies of
// their own networks write it.
func (m *mistakes) noteProxy(r *http.Request) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return
	}
	addr := ipaddr.Plain(peer.Addr())
	isProxy := r.Header.Get("X-Forwarded-For") != "" && (addr.IsPrivate() || addr.IsLoopback()) && !m.trusted.contain(addr)
	if m.leads(addr, isProxy) {
		m.warn("proxy", "X-Forwarded-For is ignored, and most callers have one private address: if that is your proxy, add it to trusted_proxies, or all users count as one",
			"proxy", addr.String())
	}
}

// leads counts a request, and reports whether its address has the lead of a proxy.
func (m *mistakes) leads(addr netip.Addr, isProxy bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case isProxy && m.lead == 0:
		m.proxy, m.lead = addr, 1
	case isProxy && addr == m.proxy:
		m.lead++
	case m.lead > 0:
		m.lead--
	}
	if m.lead < proxyLead {
		return false
	}
	m.lead = 0
	return true
}

// noteAddress warns if a browser reaches this server at another address than public_url,
// according to Host and what a proxy adds to it.
func (m *mistakes) noteAddress(r *http.Request) {
	host, proto := r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Forwarded-Proto")
	sameHost := strings.EqualFold(r.Host, m.publicURL.Host) || strings.EqualFold(host, m.publicURL.Host)
	if sameHost && (proto == "" || strings.EqualFold(proto, m.publicURL.Scheme)) {
		return
	}
	m.warn("address", "a browser reaches this server at another address than public_url: correct public_url, or let the proxy pass on Host, X-Forwarded-Host and X-Forwarded-Proto",
		"host", bounded(r.Host), "scheme", bounded(proto), "publicURL", m.publicURL.String())
}

// noteRefusal looks at a request that was refused with err.
func (m *mistakes) noteRefusal(r *http.Request, err error) {
	switch {
	case errors.Is(err, login.ErrNoPool), errors.Is(err, login.ErrOrigin), errors.Is(err, errOrigin):
		m.notePage(r, err)
	default:
		if cure := cureOf(err); cure != "" {
			reason := bounded(err.Error())
			m.warn(reason, cure, "error", reason)
		}
	}
}

// cureOf says what is usually wrong if a back end or a phone was refused with err; "" if nothing is.
func cureOf(err error) string {
	switch {
	case errors.Is(err, login.ErrWrongCredentials):
		return "pool credentials refused: your back end must send the id of the pool and its secret; other callers are guessing"
	case errors.Is(err, login.ErrNoVouching):
		return "back end named a user, but the pool has an identity: set vouching to true, or let the phone send its token"
	case errors.Is(err, login.ErrNoIdentity):
		return "phone sent a token, but the pool has no identity: configure one, or let the back end name the user"
	case errors.Is(err, identity.ErrExpired): // happens to every app
	case errors.Is(err, identity.ErrRefused):
		return "phone's token refused: it must match the identity of the pool; if it is from your app, compare issuer, audience, algorithm and key"
	}
	return ""
}

// notePage warns of a page that was refused. The id of an unknown pool is not logged: it may
// be a secret in the wrong place.
func (m *mistakes) notePage(r *http.Request, err error) {
	page := pageOf(r)
	origin := page.String()
	switch {
	case errors.Is(err, login.ErrNoPool):
		m.warn("pool", "user pool does not exist: check the id in the page or app, and pools in the configuration", "origin", bounded(origin))
	case page.Host != "" && strings.EqualFold(page.Host, r.Host):
		m.warn("origin "+origin, "page refused: it comes from this server at another address than public_url; set public_url to the address that browsers use",
			"origin", bounded(origin), "publicURL", m.publicURL.String())
	default:
		m.warn("origin "+origin, "page refused: its origin is not in origins of the pool; add it if the page is yours",
			"origin", bounded(origin), "error", err)
	}
}

// pageOf returns the origin of the page that sent a request; empty if the header Origin has
// none, but another text.
func pageOf(r *http.Request) *url.URL {
	page, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || page.Scheme != "http" && page.Scheme != "https" {
		return new(url.URL)
	}
	return &url.URL{Scheme: page.Scheme, Host: page.Host}
}

// bounded returns the beginning of a text.
func bounded(text string) string {
	if len(text) > maxNamed {
		return strings.ToValidUTF8(text[:maxNamed], "") + "…"
	}
	return text
}
