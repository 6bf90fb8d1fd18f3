package oidc

import (
	"net/http"
	"slices"
	"strings"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// allowOrigin lets pages of the pool and of its clients read the response. Credentials of the
// browser are not allowed: no endpoint depends on them. Below the shared path the client is not
// known yet, so the pages of all pools count: what they read is what they could request themselves.
func (p *Provider) allowOrigin(c *call) {
	h := c.w.Header()
	h.Add("Vary", "Origin")
	origin := c.r.Header.Get("Origin")
	if origin == "" || !slices.ContainsFunc(p.login.Pools(), func(of *pool.Pool) bool {
		return (c.pool == "" || c.pool == of.ID) && isOriginOf(of, origin)
	}) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate, X-Request-Id")
	if c.r.Method == http.MethodOptions {
		h.Add("Vary", "Access-Control-Request-Method")
		h.Add("Vary", "Access-Control-Request-Headers")
		h.Set("Access-Control-Allow-Methods", strings.Join(c.endpoint.Methods, ", "))
		h.Set("Access-Control-Allow-Headers", "authorization, content-type, x-authing-app-id, x-authing-lang, x-authing-request-from, x-authing-sdk-version, x-authing-userpool-id")
		h.Set("Access-Control-Max-Age", "600")
	}
}

// isOriginOf reports whether a page of origin belongs to a pool with clients.
func isOriginOf(p *pool.Pool, origin string) bool {
	return len(p.Clients) > 0 && (p.AllowsOrigin(origin) ||
		slices.ContainsFunc(p.Clients, func(c *pool.Client) bool { return c.AllowsOrigin(origin) }))
}
