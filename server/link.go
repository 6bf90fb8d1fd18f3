package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/web"
)

// over is built once, because anybody may request it.
var over = web.Ended()

// link is what a phone's own camera opens: /s/<random> or /s/<pool>/<random>. People are told in words
// that a code is over, programs by the envelope.
func (s *Server) link(c *call) error {
	code, p, err := s.login.LookAtLink(c.Request().Context(), c.by, strings.TrimPrefix(c.Request().URL.Path, "/s/"))
	if errors.Is(err, session.ErrNotFound) && strings.Contains(c.Request().Header.Get("Accept"), "text/html") {
		over.ServeHTTP(c.Response(), c.Request())
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
