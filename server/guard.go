package server

import (
	"log/slog"
	"net/http"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server/authing"
	"github.com/scanlogin/scanlogin/web"
)

// guardPool returns the pool of the application in the path, for a page that may use it.
func (s *Server) guardPool(c *call) (*pool.Pool, error) {
	p, _, err := s.login.FindPool(login.PoolName{App: c.Param("app")})
	if err != nil {
		return nil, err
	}
	return p, s.login.CheckOrigin(c.by, p)
}

// publicConfig answers the first call of Authing's clients: what the application may do.
func (s *Server) publicConfig(c *call) error {
	p, err := s.guardPool(c)
	if err != nil {
		return err
	}
	config := authing.NewPublicConfig(p, c.Param("app"), s.publicURL, c.guardLanguage())
	if p.Logo == "" { // Guard always shows a logo
		config.Logo = web.MarkURI()
		config.PoolLogo = config.Logo
	}
	return success(c, config)
}

// guardConfig answers Guard's question about itself, and logs what the pool does not allow.
func (s *Server) guardConfig(c *call) error {
	p, err := s.guardPool(c)
	if err != nil {
		return err
	}
	if missing := p.MissingForGuard(); missing != nil {
		s.quiet.Log(c.Request().Context(), slog.LevelWarn, "guard "+p.ID,
			"guard cannot finish logins: the pool needs other settings", "pool", p.ID, "app", c.Param("app"), "needs", missing)
	}
	return success(c, authing.NewComponentConfig(c.guardLanguage()))
}

// guardIcons answers Guard's request for its icons.
func guardIcons(c *call) error {
	c.Response().Header().Set("Access-Control-Allow-Origin", "*")
	c.Response().Header().Set("Cache-Control", "public, max-age=3600")
	return c.Blob(http.StatusOK, "image/svg+xml", []byte(authing.Icons))
}

// guardLanguage returns the language of the response, as Guard names it.
func (c *call) guardLanguage() authing.GuardLanguage {
	return authing.GuardLanguage(c.locale().localize(string(authing.GuardEnglish), string(authing.GuardChinese)))
}

// graphQL refuses Guard's query of Authing's user directory, which scanlogin does not have.
// Guard sends it with each start and goes on without, so it is not a refused call.
func graphQL(c *call) error {
	return c.JSON(statusFor(errNoRoute, c.Request()), envelope{errNoRoute.code, c.locale().localize("GraphQL is not available", "不支持 GraphQL"), nil})
}
