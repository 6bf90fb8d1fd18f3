package authing

import (
	"slices"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// TokenSet is what exchange-tokenset-with-qrcode-ticket returns.
type TokenSet struct {
	AccessToken  string `json:"access_token"`
	IDToken      string `json:"id_token,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	TokenType    string `json:"token_type"`
	ExpireIn     int64  `json:"expire_in"` // seconds; Authing's spelling
	Scope        string `json:"scope"`
}

// Profile is what get-profile returns. Fields that the scope does not grant are absent.
type Profile struct {
	ID            string `json:"userId"`
	Username      string `json:"username,omitempty"`
	Name          string `json:"name,omitempty"`
	Nickname      string `json:"nickname,omitempty"`
	Photo         string `json:"photo,omitempty"`
	Email         string `json:"email,omitempty"`
	EmailVerified *bool  `json:"emailVerified,omitempty"` // only with an email
	Phone         string `json:"phone,omitempty"`
}

// NewProfile returns a user as far as scopes grant (OIDC Core 5.4).
func NewProfile(u session.User, scopes []string) Profile {
	out := Profile{ID: u.ID}
	if slices.Contains(scopes, pool.ScopeProfile) {
		out.Username, out.Name, out.Nickname, out.Photo = u.Username, u.Nickname, u.Nickname, u.Photo
	}
	if slices.Contains(scopes, pool.ScopeEmail) && u.Email != "" {
		out.Email, out.EmailVerified = u.Email, &u.EmailVerified
	}
	if slices.Contains(scopes, pool.ScopePhone) {
		out.Phone = u.Phone
	}
	return out
}
