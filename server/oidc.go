package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/oidc"
)

// oidcRoutes adds the endpoints of OpenID Connect: below each issuer, below the shared path, and
// where other standards and the SDKs look for them.
func (s *Server) oidcRoutes(e *echo.Echo) {
	for _, endpoint := range s.oidc.Endpoints() {
		methods := append([]string{http.MethodOptions}, endpoint.Methods...)
		e.Match(methods, "/oidc/:pool"+endpoint.Path, s.oidcEndpoint(endpoint))
		e.Match(methods, "/oidc"+endpoint.Path, s.oidcEndpoint(endpoint))
		switch endpoint.Path {
		case oidc.DiscoveryPath:
			e.Match(methods, "/.well-known/oauth-authorization-server/oidc/:pool", s.oidcEndpoint(endpoint)) // RFC 8414, 3.1
		case oidc.JWKSPath:
			e.Match(methods, "/:app/oidc"+endpoint.Path, handle(func(c *call) error {
				if _, _, err := s.login.FindPool(login.PoolName{App: c.Param("app")}); err != nil {
					return errNoRoute
				}
				return s.oidcEndpoint(endpoint)(c)
			}))
		}
	}
}

func (s *Server) oidcEndpoint(endpoint oidc.Endpoint) echo.HandlerFunc {
	return handle(func(c *call) error {
		s.oidc.Serve(endpoint, c.Response(), c.Request(), c.by, c.Param("pool"))
		return nil
	})
}
