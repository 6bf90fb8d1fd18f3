package server

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
)

// call is one request: Echo's context, and what is known about the caller. begin makes it,
// and all other middleware and handlers receive it.
type call struct {
	echo.Context
	by *login.Caller

	lang       locale // valid if negotiated
	negotiated bool
}

// handle is a handler for Echo. begin comes before all handlers, so the context is a call.
func handle(h func(*call) error) echo.HandlerFunc {
	return func(c echo.Context) error { return h(c.(*call)) }
}

// callerOf returns the caller's details in a request.
func (s *Server) callerOf(c echo.Context, requestID string) *login.Caller {
	r := c.Request()
	by := &login.Caller{
		Proof: login.Proof{Cookie: s.cookieOf(r), BrowserKey: r.Header.Get("X-Browser-Key")},
		IP:    c.RealIP(), RequestID: requestID, UserAgent: boundedAgent(r.UserAgent()), Origin: r.Header.Get("Origin"),
	}
	if id, secret, ok := r.BasicAuth(); ok {
		by.Credentials = &login.Credentials{ID: id, Secret: secret}
	}
	return by
}

// locale returns the language of the response.
func (c *call) locale() locale {
	if !c.negotiated {
		c.lang, c.negotiated = localeOf(c.Request().Header), true
	}
	return c.lang
}

// poolName returns how the request names its pool: in a header, else by the id from its body
// or query. Empty headers count as absent.
func (c *call) poolName(fromBody string) login.PoolName {
	h := c.Request().Header
	switch header, app := h.Get("X-Authing-Userpool-Id"), h.Get("X-Authing-App-Id"); {
	case header != "":
		return login.PoolName{ID: header}
	case app != "":
		return login.PoolName{App: app}
	case fromBody != "":
		return login.PoolName{ID: fromBody}
	}
	return login.PoolName{ID: c.QueryParam("userPoolId")}
}

// maxUserAgent limits the stored part of the User-Agent header, in bytes. Real browsers name
// browser and system within the first 200, and the audit trail stores no more.
const maxUserAgent = 256

func boundedAgent(agent string) string {
	if len(agent) > maxUserAgent {
		agent = agent[:maxUserAgent]
	}
	if !utf8.ValidString(agent) {
		agent = strings.ToValidUTF8(agent, "")
	}
	return agent
}

// cookieName returns the browser cookie's name: over https one that no other
// host, path or plain connection can set (RFC 6265bis, 4.1.3.2).
func (s *Server) cookieName() string {
	if s.secure {
		return "__Host-scanlogin_browser"
	}
	return "scanlogin_browser"
}

// cookieOf returns the browser cookie's value if it has the form of ours, else "".
func (s *Server) cookieOf(r *http.Request) string {
	for _, cookie := range r.CookiesNamed(s.cookieName()) {
		if raw, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value); err == nil && len(raw) == 16 {
			return cookie.Value
		}
	}
	return ""
}

// newCookie returns a browser cookie with a random value.
func (s *Server) newCookie() *http.Cookie {
	cookie := &http.Cookie{
		Name: s.cookieName(), Value: string(session.NewOpID()), // 128 random bits
		Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if s.secure {
		cookie.Secure, cookie.SameSite, cookie.Partitioned = true, http.SameSiteNoneMode, true
	}
	return cookie
}
