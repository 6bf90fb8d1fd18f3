package server

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/pool"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/web"
)

// link is what a phone's own camera opens: /s/<random>. People are told in words
// that a code is over, programs by the envelope.
func (s *Server) link(c echo.Context) error {
	p, err := s.linked(c)
	if isGone(err) && strings.Contains(c.Request().Header.Get("Accept"), "text/html") {
		web.Over().ServeHTTP(c.Response(), c.Request())
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case p.AppLink != "":
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusFound, appLink(p, session.ID(c.Param("random"))))
	case s.phonePage != "":
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusFound, s.phonePage+"?code="+c.Param("random"))
	}
	web.Link(web.Site{Pool: p.ID, Name: p.Name}).ServeHTTP(c.Response(), c.Request())
	return nil
}

// linked returns the pool of the code that a picture's address names.
func (s *Server) linked(c echo.Context) (*pool.Pool, error) {
	id, err := session.ParseID(c.Param("random"))
	if err != nil {
		return nil, err
	}
	_, p, err := s.load(c.Request().Context(), id)
	if err != nil {
		return nil, s.missed(c, err)
	}
	return p, nil
}
