package identity

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/scanlogin/scanlogin/session"
)

// Claims says under which names an issuer tells about a user; an empty one
// means the default, from OpenID Connect Core 5.1. Except for ID, a claim that
// is missing or of another type is as good as empty.
type Claims struct {
	ID            string   // default "sub"; text or a whole number
	Username      string   // default "preferred_username"
	Nickname      string   // default "nickname", or "name" where that is empty
	Photo         string   // default "picture"
	Email         string   // default "email"
	EmailVerified string   // default "email_verified"; true, or "true" as some issuers write it
	Phone         string   // default "phone_number"
	More          []string // claims for [session.User.More], any JSON but null; default none
}

// user returns whom the claims, decoded with [json.Number], tell about, within
// bounds; ErrRefused if they name nobody.
func (c Claims) user(claims map[string]any) (session.User, error) {
	text := func(name, standard string) string {
		return plain(claims[cmp.Or(name, standard)])
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
		u.Nickname = plain(claims["name"])
	}
	for _, name := range c.More {
		if v := claims[name]; v != nil {
			u.More[name] = v
		}
	}
	u, err := u.Bounded()
	switch {
	case errors.Is(err, session.ErrUsername):
		return session.User{}, fmt.Errorf("%w: claims.username: %w", ErrRefused, err)
	case err != nil:
		return session.User{}, fmt.Errorf("%w: claims.id: %w", ErrRefused, err)
	}
	return u, nil
}

// plain is a claim's text; that of a whole number is its decimal digits, never
// rounded. Other numbers have more than one spelling and so are no names.
func plain(claim any) string {
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
