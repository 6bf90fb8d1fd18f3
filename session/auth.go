package session

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Auth says when and how a user logged in to the app, as the user's token or the app's back end
// states. The zero Auth says nothing. It is not modified in place.
type Auth struct {
	Time int64    `json:"auth_time,omitempty"` // Unix time, seconds; 0: not stated
	ACR  string   `json:"acr,omitempty"`       // authentication context class (OpenID Connect Core 2); "": not stated
	AMR  []string `json:"amr,omitempty"`       // methods (RFC 8176); none: not stated
}

// Limits of an Auth, in bytes and values. Real values are URNs and short words.
const (
	maxACRBytes = 255
	maxAMRBytes = 64
	maxAMR      = 16
)

// IsZero reports whether a says nothing.
func (a Auth) IsZero() bool { return a.Time == 0 && a.ACR == "" && len(a.AMR) == 0 }

// Bounded returns a within these limits. A claim that exceeds them or contains something else
// than visible ASCII characters and spaces counts as not stated, as a whole.
func (a Auth) Bounded() Auth {
	if a.Time < 0 {
		a.Time = 0
	}
	if !isClaimText(a.ACR, maxACRBytes) {
		a.ACR = ""
	}
	if len(a.AMR) > maxAMR || slices.ContainsFunc(a.AMR, func(m string) bool { return !isClaimText(m, maxAMRBytes) }) {
		a.AMR = nil
	}
	return a
}

// isClaimText reports whether text is 1 to most visible ASCII characters and spaces. So it has no
// replaced characters (U+FFFD), for which different texts would be equal.
func isClaimText(text string, most int) bool {
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// authLeeway is the allowed difference to the clock of the issuer, as of package identity.
const authLeeway = 30 * time.Second

// At returns a as it counts at now: a time in the future, beyond a leeway of 30 s, is not
// stated.
func (a Auth) At(now time.Time) Auth {
	if a.Time > now.Add(authLeeway).Unix() {
		a.Time = 0
	}
	return a
}

// text returns a as records have it: JSON, "" for the zero Auth.
func (a Auth) text() string {
	if a.IsZero() {
		return ""
	}
	text, _ := json.Marshal(a) // never fails for numbers and texts
	return string(text)
}

// ParseAuth reads the value of FieldAuth.
func ParseAuth(text string) (a Auth, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &a)
	}
	return a, err
}
