package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/token"
)

// jwks answers GET /.well-known/jwks.json. It has no envelope, because JOSE libraries read it.
func (s *Server) jwks(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=300")
	return c.JSON(http.StatusOK, map[string]any{"keys": append([]token.JWK{}, s.signer.Keys()...)})
}
