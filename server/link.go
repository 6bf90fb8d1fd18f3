package server

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/web"
)

// over is made once: strangers may ask for it as often as they are let.
var over = web.Ended()

// link is what a phone's own camera opens: /s/<random>. People are told in words
// that a code is over, programs by the envelope.
func (s *Server) link(c echo.Context) error {
	code, p, err := s.linked(c)
	if isGone(err) && strings.Contains(c.Request().Header.Get("Accept"), "text/html") {
		over.ServeHTTP(c.Response(), c.Request())
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case p.AppLink != "":
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusFound, appLink(p, code.ID))
	case s.phonePage != "":
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusFound, s.phonePage+"?code="+string(code.ID))
	}
	web.Link(web.Site{Pool: p.ID, Name: p.Name}).ServeHTTP(c.Response(), c.Request())
	return nil
}

// linked returns the code that a picture's address names, and its pool.
func (s *Server) linked(c echo.Context) (session.Session, *pool.Pool, error) {
	id, err := session.ParseID(c.Param("random"))
	if err != nil {
		return session.Session{}, nil, err
	}
	code, p, err := s.load(c.Request().Context(), id)
	if err != nil {
		return code, p, s.missed(c, err)
	}
	return code, p, cmp.Or(s.mayLook(c, p, code), s.maySee(string(id)+" link"))
}
