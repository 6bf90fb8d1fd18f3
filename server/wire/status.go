// Package wire has the JSON that answers of the REST interface and messages of the push have
// in common: the state of a code, and its user.
package wire

import (
	"maps"
	"math"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
)

// Status is the state of a code for one caller: the data of `check`, and a message of the
// push.
type Status struct {
	Event         string         `json:"event"`
	Random        session.ID     `json:"random"`
	Status        int            `json:"status"`
	UserInfo      map[string]any `json:"userInfo"`
	Ticket        *string        `json:"ticket"`
	ScannedUserID *string        `json:"scannedUserId"`
	Version       int64          `json:"version"`
	ExpiresIn     float64        `json:"expiresIn"` // seconds, to the millisecond
	IsBrowser     bool           `json:"isBrowser"`
	MatchCode     string         `json:"matchCode,omitempty"` // to be entered on the phone
	Redirect      any            `json:"redirect,omitempty"`  // to the OAuth client: an address, or a FormPost
}

// FormPost is a form that the browser posts to an OAuth client.
type FormPost struct {
	Action string            `json:"action"`
	Fields map[string]string `json:"fields"`
}

// Redirect returns a redirect as pages receive it.
func Redirect(r login.Redirect) any {
	if r.Fields == nil {
		return r.URL
	}
	return FormPost{r.URL, r.Fields}
}

// NewStatus returns a state as clients receive it.
func NewStatus(in login.State) Status {
	snap := in.Snapshot
	out := Status{
		Event: snap.Status.Event(), Random: snap.ID, Status: snap.Status.Code(), Version: snap.Version,
		UserInfo: shownUser(snap), ExpiresIn: secondsLeft(snap, in.Time), IsBrowser: in.IsBrowser, MatchCode: in.MatchCode,
	}
	if in.User != nil {
		out.UserInfo = User(*in.User)
	}
	if in.ScannedUserID != "" {
		out.ScannedUserID = &in.ScannedUserID
	}
	if in.Ticket != "" {
		out.Ticket = &in.Ticket
	}
	if in.Redirect != nil {
		out.Redirect = Redirect(*in.Redirect)
	}
	return out
}

// shownUser contains the fields of the user who scanned that every page may show. Unknown fields are
// omitted.
func shownUser(snap session.Snapshot) map[string]any {
	out := make(map[string]any, 2)
	set(out, "nickname", snap.Nickname)
	set(out, "photo", snap.Photo)
	return out
}

func set(out map[string]any, name, value string) {
	if value != "" {
		out[name] = value
	}
}

func secondsLeft(snap session.Snapshot, now time.Time) float64 {
	left := snap.ExpiresAt.Sub(now)
	if snap.Status.Over() || left <= 0 {
		return 0
	}
	return math.Round(left.Seconds()*1000) / 1000
}

// User returns a full user under the SDKs' names, with a token if one is issued.
func User(u login.FullUser) map[string]any {
	out := make(map[string]any, len(u.More)+10)
	maps.Copy(out, u.More)
	out["id"] = u.ID
	set(out, "username", u.Username)
	set(out, "nickname", u.Nickname)
	set(out, "photo", u.Photo)
	set(out, "email", u.Email)
	if u.Email != "" {
		out["emailVerified"] = u.EmailVerified
	}
	set(out, "phone", u.Phone)
	setAuth(out, u.Auth)
	if u.Token != "" {
		out["token"] = u.Token
		out["tokenExpiredAt"] = session.FormatTime(u.TokenExpiresAt)
	}
	return out
}

// setAuth adds how the user logged in, under the names of OpenID Connect Core 2.
func setAuth(out map[string]any, a session.Auth) {
	if a.Time != 0 {
		out["auth_time"] = a.Time
	}
	set(out, "acr", a.ACR)
	if len(a.AMR) > 0 {
		out["amr"] = a.AMR
	}
}
