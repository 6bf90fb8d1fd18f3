package oidc

import (
	"errors"

	"github.com/scanlogin/scanlogin/internal/login"
)

// authCancel is "Back to the client" on the authorization page: it ends the request, and returns
// access_denied. Only the page has the request's id, and only its browser the cookie, so no other
// site can cancel a login.
func (p *Provider) authCancel(c *call) error {
	if origin := c.r.Header.Get("Origin"); origin != "" && origin != p.publicURL {
		return errAccessDenied.because("the request came from another site")
	}
	id := c.form["request"]
	a, err := p.login.Authorization(c.r.Context(), id, p.RequestCookie(c.r))
	switch {
	case errors.Is(err, login.ErrNoRequest) || err == nil && c.pool != "" && c.pool != a.Pool:
		return errInvalidRequest.because("the login has ended, or was started in another browser; go back to the site and start again")
	case err != nil:
		return err
	}
	if err := p.login.EndAuthorization(c.r.Context(), c.by, a); err != nil {
		return err
	}
	return p.answerError(c, a, errAccessDenied)
}
