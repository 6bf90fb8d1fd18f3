package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// appsOf answers with the association file that build makes of the current pools, nil if it
// would be empty. It has no envelope and never redirects, because Apple's and Google's
// systems read it.
func (s *Server) appsOf(build func([]*pool.Pool) []byte) echo.HandlerFunc {
	return func(c echo.Context) error {
		file := build(s.login.Pools())
		if file == nil {
			return errNoRoute
		}
		c.Response().Header().Set("Cache-Control", "public, max-age=300")
		return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, file)
	}
}
