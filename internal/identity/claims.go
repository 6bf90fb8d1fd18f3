package identity

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/scanlogin/scanlogin/session"
)

// Claims maps the fields of a user to claim names; an empty name means the default of
// OpenID Connect Core 5.1. Except for ID, a claim that is missing or has another type
// counts as empty.
type Claims struct {
	ID            string   // default "sub"; a string or an integer
	Username      string   // default "preferred_username"
	Nickname      string   // default "nickname", or "name" if that is empty
	Photo         string   // default "picture"
	Email         string   // default "email"
	EmailVerified string   // default "email_verified"; true, or "true", which some issuers send
	Phone         string   // default "phone_number"
	More          []string // claims for [session.User.More], any JSON except null; default none
}

// user returns the user of the claims, within the limits of a session. The claims must be
// decoded with [json.Number]. The error is ErrRefused if id or username is not usable.
func (c Claims) user(claims map[string]any) (session.User, error) {
	text := func(name, standard string) string {
		return textOf(claims[cmp.Or(name, standard)])
	}
	u := session.User{
		ID:            text(c.ID, "sub"),
		Username:      text(c.Username, "preferred_username"),
		Nickname:      text(c.Nickname, "nickname"),
		Photo:         text(c.Photo, "picture"),
		Email:         text(c.Email, "email"),
		EmailVerified: isTrue(claims[cmp.Or(c.EmailVerified, "email_verified")]),
		Phone:         text(c.Phone, "phone_number"),
		More:          make(map[string]any),
	}
	if c.Nickname == "" && u.Nickname == "" {
		u.Nickname = textOf(claims["name"])
	}
	u.Auth = authOf(claims)
	for _, name := range c.More {
		if v := claims[name]; v != nil && !isAuthClaim(name) {
			u.More[name] = v
		}
	}
	u, err := u.Bounded()
	switch {
	case errors.Is(err, session.ErrUsername):
		return session.User{}, fmt.Errorf("%w: claims.username: %w", ErrRefused, err)
	case err != nil && u.ID == "" && claims[cmp.Or(c.ID, "sub")] == nil:
		return session.User{}, fmt.Errorf("%w: %s is missing (claims.id)", ErrRefused, cmp.Or(c.ID, "sub"))
	case err != nil:
		return session.User{}, fmt.Errorf("%w: claims.id: %w", ErrRefused, err)
	}
	return u, nil
}

// Claims of the user's login, which cannot be mapped.
const (
	claimAuthTime = "auth_time"
	claimACR      = "acr"
	claimAMR      = "amr"
)

// isAuthClaim reports whether name is a claim that session.Auth has.
func isAuthClaim(name string) bool {
	return name == claimAuthTime || name == claimACR || name == claimAMR
}

// authOf returns how the user logged in. A claim of another type than OpenID Connect Core 2
// gives it counts as missing.
func authOf(claims map[string]any) (a session.Auth) {
	if n, ok := claims[claimAuthTime].(json.Number); ok {
		a.Time, _ = strconv.ParseInt(n.String(), 10, 64) // 0 for what is not a whole number
		if n.String() != strconv.FormatInt(a.Time, 10) {
			a.Time = 0 // ParseInt returns the nearest value for a number that is too large
		}
	}
	a.ACR, _ = claims[claimACR].(string)
	list, _ := claims[claimAMR].([]any)
	for _, value := range list {
		method, ok := value.(string)
		if !ok {
			return session.Auth{Time: a.Time, ACR: a.ACR}
		}
		a.AMR = append(a.AMR, method)
	}
	return a
}

// textOf returns a string claim, or the decimal digits of an integer, never rounded. Other
// numbers can be written in several ways, so they cannot identify a user.
func textOf(claim any) string {
	switch v := claim.(type) {
	case string:
		return v
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			return v.String()
		}
	}
	return ""
}

func isTrue(claim any) bool {
	return claim == true || claim == "true"
}
