package server

import (
	"net/http"
	"strings"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/web"
)

// link answers /s/<random> or /s/<pool>/<random>, which a phone's camera app opens, and /s/<pool>,
// which devices show (RFC 8628, verification_uri).
func (s *Server) link(c *call) error {
	path := strings.TrimPrefix(c.Request().URL.Path, "/s/")
	if p := s.login.DevicePool(path); p != nil {
		return s.notice(c, web.DeviceNotice, p)
	}
	code, p, err := s.login.LookAtLink(c.Request().Context(), c.by, path)
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
	return s.notice(c, web.LinkNotice, p)
}

// notice shows a notice of a pool.
func (s *Server) notice(c *call, notice web.Notice, p *pool.Pool) error {
	site := web.Site{Pool: p.ID, Name: p.Name, Color: p.OwnColor(), Logo: p.Logo}
	web.NoticePage(notice, http.StatusOK, site, c.locale() == chinese).ServeHTTP(c.Response(), c.Request())
	return nil
}

// wantsPage reports whether a request is for a person: a browser that opens an address outside
// of the API. Programs get the envelope.
func wantsPage(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return reads && !isAPI(r) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// noticeOf returns the notice for an error that a person sees.
func noticeOf(p *problem, r *http.Request) web.Notice {
	switch {
	case p.status == http.StatusNotFound && strings.HasPrefix(r.URL.Path, "/s/"):
		return web.EndedNotice
	case p.status == http.StatusTooManyRequests || p.status == http.StatusServiceUnavailable:
		return web.BusyNotice
	case p.status >= 500:
		return web.FaultNotice
	default:
		return web.AbsentNotice
	}
}
