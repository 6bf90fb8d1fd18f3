package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/web"
)

// link is what a phone's own camera opens: /s/<random>.
func (s *Server) link(c echo.Context) error {
	id, err := session.ParseID(c.Param("random"))
	if err != nil {
		return err
	}
	_, p, err := s.load(c.Request().Context(), id)
	if err != nil {
		return s.missed(c, err)
	}
	switch {
	case p.AppLink != "":
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusFound, appLink(p, id))
	case s.phonePage != "":
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusFound, s.phonePage+"?code="+string(id))
	}
	web.Link(web.Site{Pool: p.ID, Name: p.Name}).ServeHTTP(c.Response(), c.Request())
	return nil
}
