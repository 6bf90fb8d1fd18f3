package token

import (
	"slices"

	"github.com/scanlogin/scanlogin/session"
)

// reserved are claims that a pool's additional claims cannot set: those of the protocol, and
// those of scopes that the client may not have.
var reserved = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "azp", "nonce", "auth_time", "acr", "amr", "at_hash", "c_hash",
	"email", "email_verified", "phone_number", "phone_number_verified", "address",
}

// UserClaims returns the claims about a user that the scopes grant (OIDC Core 5.4), with `sub`.
// "profile" includes the pool's additional claims. Unknown claims are omitted.
func UserClaims(u session.User, scopes []string) map[string]any {
	claims := make(map[string]any)
	set := func(name, value string) {
		if value != "" {
			claims[name] = value
		}
	}
	if slices.Contains(scopes, "profile") {
		set("name", u.Nickname) // an additional claim, if there is one, is more exact
		for name, value := range u.More {
			if !slices.Contains(reserved, name) {
				claims[name] = value
			}
		}
		set("nickname", u.Nickname)
		set("preferred_username", u.Username)
		set("picture", u.Photo)
	}
	if slices.Contains(scopes, "email") && u.Email != "" {
		claims["email"], claims["email_verified"] = u.Email, u.EmailVerified
	}
	if slices.Contains(scopes, "phone") {
		set("phone_number", u.Phone)
	}
	claims["sub"] = u.ID
	return claims
}
