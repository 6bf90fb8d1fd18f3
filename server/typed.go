package server

import (
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/push"
)

// typedRequest is the body of typed-code.
type typedRequest struct {
	Random     string `json:"random"`
	UserPoolID string `json:"userPoolId"`
}

// typedData is what the page shows to a user who cannot scan.
type typedData struct {
	TypedCode string `json:"typedCode"` // as WDJB-MJHT
}

// typedCode returns the typed code of the browser's code.
func (s *Server) typedCode(c *call) error {
	var in typedRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	v, err := s.login.View(c.Request().Context(), c.by, login.ViewRequest{Pool: c.poolName(in.UserPoolID), Random: in.Random})
	if err != nil {
		return err
	}
	typed, err := s.login.TypedCode(c.Request().Context(), v)
	if err != nil {
		return err
	}
	return success(c, typedData{typed})
}

// describeIn returns code and text of an error for a message of the push.
func describeIn(lang push.Lang, err error) (code int, message string) {
	p, en, zh := describe(err)
	return p.code, locale(lang).localize(en, zh)
}
