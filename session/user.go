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

// User is a phone's user, as verified by the pool's identity or named by the app's back
// end. The server translates the fields to the names of the SDKs.
type User struct {
	ID            string         `json:"id"`
	Username      string         `json:"username,omitempty"`
	Nickname      string         `json:"nickname,omitempty"`
	Photo         string         `json:"photo,omitempty"`
	Email         string         `json:"email,omitempty"`
	EmailVerified bool           `json:"emailVerified,omitempty"`
	Phone         string         `json:"phone,omitempty"`
	More          map[string]any `json:"more,omitempty"` // other claims by name; never modified in place
	// Auth is how the user logged in to the app. A session has it from the confirm on.
	Auth Auth `json:"auth,omitzero"`
}

// Limits of a user. Those for the nickname, the photo and the whole user are in the API
// contract; the others ensure that the fixed fields fit into the whole.
const (
	maxUserBytes     = 4 << 10
	maxNicknameRunes = 64
	maxPhotoBytes    = 1 << 10
	maxFieldBytes    = 255 // OpenID Connect Core 2: `sub` has at most 255 characters
)

// Errors of [User.Bounded].
var (
	// ErrUserID is returned for a missing or invalid id.
	ErrUserID = errors.New("the user's id must be valid Unicode text of 1 to 255 bytes, without U+FFFD")
	// ErrUsername is returned for a username that may stand for several users.
	ErrUsername = errors.New("the user's username must be valid Unicode text, without U+FFFD")
)

// Bounded returns u within the limits of a session, with [Auth.Bounded]. It removes fields that are too long or
// contain [Hidden] characters, converts the nickname to a [DisplayText] of at most 64
// characters, and keeps other claims in the order of their names while the whole user has
// at most 4 KiB as JSON.
//
// An id or username with U+FFFD is an error (ErrUserID, ErrUsername): decoders replace
// everything that is not Unicode with it, so different names would become equal.
func (u User) Bounded() (User, error) {
	if u.ID == "" || len(u.ID) > maxFieldBytes || !isIntact(u.ID) {
		return User{}, ErrUserID
	}
	if !isIntact(u.Username) {
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
	auth, all := u.Auth.Bounded(), u.More
	u.More, u.Auth = nil, Auth{} // the limit of the whole is for what a scan stores
	if len(all) == 0 && u.isShort() {
		u.Auth = auth
		return u, nil
	}
	size := jsonSize(u) + len(`,"more":{}`)
	if size > maxUserBytes { // JSON escapes can turn one byte into six
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
	u.Auth = auth
	return u, nil
}

// isShort reports whether the fields of u, without More, are surely below the limit of the whole.
func (u User) isShort() bool {
	const escaped, names = 6, 256 // bytes of an escaped byte, and of the names of all fields
	text := len(u.ID) + len(u.Username) + len(u.Nickname) + len(u.Photo) + len(u.Email) + len(u.Phone)
	return escaped*text+names < maxUserBytes
}

// isIntact reports whether text is valid Unicode in which no decoder replaced anything.
func isIntact(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, utf8.RuneError)
}

func isPhoto(text string) bool {
	if len(text) > maxPhotoBytes || !isIntact(text) || strings.ContainsFunc(text, Hidden) {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// jsonSize returns the length of v as JSON, or more than any limit if v has no JSON form.
func jsonSize(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		return maxUserBytes + 1
	}
	return len(text)
}
