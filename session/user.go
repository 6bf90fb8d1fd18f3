package session

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// User is a phone's user, as the pool's identity or the app's own back end
// vouches for. Fields have the SDKs' names when they go out.
type User struct {
	ID            string         `json:"id"`
	Username      string         `json:"username,omitempty"`
	Nickname      string         `json:"nickname,omitempty"`
	Photo         string         `json:"photo,omitempty"`
	Email         string         `json:"email,omitempty"`
	EmailVerified bool           `json:"emailVerified,omitempty"`
	Phone         string         `json:"phone,omitempty"`
	More          map[string]any `json:"more,omitempty"` // further claims by name; never changed in place
}

// Bounds of a user: the contract's for nickname, photo and the whole; the
// others so that the fixed fields always fit into the whole.
const (
	maxUserBytes     = 4 << 10
	maxNicknameRunes = 64
	maxPhotoBytes    = 1 << 10
	maxFieldBytes    = 255 // OpenID Connect Core 2: `sub` has at most 255 characters
)

// Errors of [User.Bounded].
var (
	// ErrUserID is for a user without an id, or with one that is no id.
	ErrUserID = errors.New("the user's id must be valid Unicode text of 1 to 255 bytes, without U+FFFD")
	// ErrUsername is for a user whose username may be somebody else's.
	ErrUsername = errors.New("the user's username must be valid Unicode text, without U+FFFD")
)

// Bounded returns u within the bounds of what a session holds: a field that is
// out of bounds, or has characters that are [Hidden], is left out; the nickname is
// made a [DisplayText] of at most 64 characters; further claims are kept in the order of their names as
// long as all of it has at most 4 KiB as JSON.
//
// An id or username that may have been made of different ones is an error, ErrUserID
// or ErrUsername: decoders put U+FFFD in the place of all that is not Unicode.
func (u User) Bounded() (User, error) {
	if u.ID == "" || len(u.ID) > maxFieldBytes || !isClear(u.ID) {
		return User{}, ErrUserID
	}
	if !isClear(u.Username) {
		return User{}, ErrUsername
	}
	for _, field := range []*string{&u.Username, &u.Email, &u.Phone} {
		if len(*field) > maxFieldBytes || !utf8.ValidString(*field) || strings.ContainsFunc(*field, Hidden) {
			*field = ""
		}
	}
	u.Nickname = DisplayText(u.Nickname, maxNicknameRunes)
	if !isPhoto(u.Photo) {
		u.Photo = ""
	}
	all := u.More
	u.More = nil
	size := jsonSize(u) + len(`,"more":{}`)
	if size > maxUserBytes { // escapes can make six bytes of one
		u.Username, u.Email, u.Phone = "", "", ""
		size = jsonSize(u) + len(`,"more":{}`)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		size += jsonSize(name) + jsonSize(all[name]) + len(`:,`)
		if size > maxUserBytes {
			break
		}
		if u.More == nil {
			u.More = make(map[string]any)
		}
		u.More[name] = all[name]
	}
	return u, nil
}

// isClear reports whether text names one user: it is Unicode, and no decoder has
// replaced what was not.
func isClear(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, utf8.RuneError)
}

func isPhoto(text string) bool {
	if len(text) > maxPhotoBytes || !isClear(text) || strings.ContainsFunc(text, Hidden) {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// jsonSize is v's length as JSON, or more than any bound if it has none.
func jsonSize(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		return maxUserBytes + 1
	}
	return len(text)
}
