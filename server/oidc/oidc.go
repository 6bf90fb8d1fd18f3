// Package oidc contains the endpoints of OpenID Connect and OAuth 2.0: each user pool with
// clients is an issuer, and its login page the authorization page.
//
// It guarantees that a browser is redirected only to an address that the client has registered,
// that every error is a row of the table in errors.go, and that an authorization code is
// exchanged at most once, on any node. It has no rules of the protocol (see session) and no
// limits (see login).
package oidc

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/loglimit"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
)

// Options are the dependencies of a Provider. All but Signer are required.
type Options struct {
	PublicURL string // how browsers reach the server: scheme://host[:port]
	Login     *login.Service
	Signer    *token.Signer // nil: no tokens are issued
	Log       *slog.Logger

	// PrefersChinese reports whether a browser with these headers wants Chinese pages.
	PrefersChinese func(http.Header) bool
}

// Provider serves the endpoints of all pools with clients. Its methods may be called
// concurrently. Create it with New.
type Provider struct {
	publicURL      string
	login          *login.Service
	signer         *token.Signer
	prefersChinese func(http.Header) bool
	log            *slog.Logger
	quiet          *loglimit.Logger // for what each call can cause; keyed by kind of error
}

// logInterval is how often a message of one kind is logged that requests can cause.
const logInterval = 10 * time.Second

// recordTime bounds what an exchange does with authorizations, so that it is answered within the
// 2 s of the API contract.
const recordTime = 1500 * time.Millisecond

// New returns a provider. It starts nothing.
func New(o Options) *Provider {
	return &Provider{
		publicURL: strings.TrimSuffix(o.PublicURL, "/"), login: o.Login, signer: o.Signer, prefersChinese: o.PrefersChinese,
		log: o.Log, quiet: loglimit.New(o.Log, logInterval),
	}
}

// Endpoint is an endpoint below each issuer, and below the shared path, where the client selects
// the pool.
type Endpoint struct {
	Path    string // below the issuer, such as "/token"
	Methods []string

	metadata string // its name in the discovery document; "": it has none
	cors     bool   // pages of the clients may call it
	page     bool   // errors are shown to a person
	serve    func(*call) error
}

var (
	reading = []string{http.MethodGet, http.MethodHead}
	posting = []string{http.MethodPost}
)

// Endpoints returns all endpoints. Route each of them and OPTIONS to Serve, also without a pool.
func (p *Provider) Endpoints() []Endpoint {
	return []Endpoint{
		{Path: DiscoveryPath, Methods: reading, cors: true, serve: p.discovery},
		{Path: JWKSPath, Methods: reading, metadata: "jwks_uri", cors: true, serve: p.jwks},
		{Path: "/auth", Methods: []string{http.MethodGet, http.MethodPost}, metadata: "authorization_endpoint", page: true, serve: p.auth},
		{Path: "/auth/cancel", Methods: posting, page: true, serve: p.authCancel},
		{Path: "/token", Methods: posting, metadata: "token_endpoint", cors: true, serve: p.token},
		{Path: devicePath, Methods: posting, metadata: "device_authorization_endpoint", serve: p.device},
		{Path: "/token/introspection", Methods: posting, metadata: "introspection_endpoint", serve: p.introspect},
		{Path: "/token/revocation", Methods: posting, metadata: "revocation_endpoint", cors: true, serve: p.revoke},
		{Path: "/me", Methods: append([]string{http.MethodPost}, reading...), metadata: "userinfo_endpoint", cors: true, serve: p.userinfo},
		{Path: "/session/end", Methods: []string{http.MethodGet, http.MethodPost}, metadata: "end_session_endpoint", page: true, serve: p.endSession},
	}
}

// call returns the endpoint's name in events.
func (e Endpoint) call() string { return "oidc" + e.Path }

// call is one request of an endpoint.
type call struct {
	endpoint Endpoint
	w        http.ResponseWriter
	r        *http.Request
	by       *login.Caller
	pool     string // id in the path; "" below the shared path
	form     params // of the body, or of the query of a GET
}

// Serve answers a request of an endpoint. poolID is that in the path, "" below the shared path.
func (p *Provider) Serve(e Endpoint, w http.ResponseWriter, r *http.Request, by *login.Caller, poolID string) {
	c := &call{endpoint: e, w: w, r: r, by: by, pool: poolID}
	w.Header().Set("Cache-Control", "no-store") // the endpoints that allow it say so
	if e.cors {
		p.allowOrigin(c)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	if err := p.serve(c); err != nil {
		p.writeError(c, err)
	}
}

func (p *Provider) serve(c *call) error {
	if c.pool != "" {
		if _, err := p.poolOf(c, ""); err != nil {
			return err
		}
	}
	var err error
	if c.form, err = readParams(c.w, c.r); err != nil {
		return err
	}
	return c.endpoint.serve(c)
}

// poolOf returns the pool of a request: that in the path or, below the shared path, that of the
// client or of the app id header.
func (p *Provider) poolOf(c *call, clientID string) (*pool.Pool, error) {
	if c.pool != "" {
		if found, err := p.login.Pool(c.pool); err == nil && len(found.Clients) > 0 {
			return found, nil
		}
		return nil, errNoIssuer
	}
	if app := c.r.Header.Get("X-Authing-App-Id"); clientID == "" {
		clientID = app
	}
	found, named, err := p.login.FindPool(login.PoolName{App: clientID})
	if err != nil || !named || len(found.Clients) == 0 {
		return nil, errNoIssuer
	}
	return found, nil
}

// writeJSON answers with a JSON object.
func (c *call) writeJSON(status int, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(text) // an error means that the client has gone
	return nil
}
