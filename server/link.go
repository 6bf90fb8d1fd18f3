package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/web"
)

// endedPage is rendered once.
var endedPage = web.Ended()

// link answers /s/<random> or /s/<pool>/<random>, which a phone's camera app opens. If the code has
// ended, browsers get a page and programs the envelope.
func (s *Server) link(c *call) error {
	code, p, err := s.login.LookAtLink(c.Request().Context(), c.by, strings.TrimPrefix(c.Request().URL.Path, "/s/"))
	if errors.Is(err, session.ErrNotFound) && strings.Contains(c.Request().Header.Get("Accept"), "text/html") {
		endedPage.ServeHTTP(c.Response(), c.Request())
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case p.AppLink != "":
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusFound, login.AppLink(p, code.ID))
	case s.phonePage != "":
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusFound, s.phonePage+"?code="+string(code.ID))
	}
	web.Link(web.Site{Pool: p.ID, Name: p.Name, Color: p.OwnColor()}).ServeHTTP(c.Response(), c.Request())
	return nil
}
