package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// The event types that receivers see.
const (
	Made      = "code.made"
	Scanned   = "code.scanned"
	Confirmed = "code.confirmed"
	Exchanged = "code.exchanged"
	Canceled  = "code.canceled"
	Withdrawn = "code.withdrawn" // by the browser
	Expired   = "code.expired"   // at its end time
)

// Events returns all event types, in the order of a code's life.
func Events() []string {
	return []string{Made, Scanned, Confirmed, Exchanged, Canceled, Withdrawn, Expired}
}

// transition is a step or the expiry of a code, with the data of that moment.
type transition struct {
	Type string
	At   time.Time
	Data data
}

// data is the payload for receivers. It contains no ticket, key, e-mail or other claim: the
// site receives those when it exchanges the ticket.
type data struct {
	Pool        string `json:"pool"`
	Random      string `json:"random"`
	Version     int    `json:"version"` // starts at 1, incremented by each step
	User        *user  `json:"user,omitempty"`
	CreatedAt   string `json:"createdAt"`
	ScannedAt   string `json:"scannedAt,omitempty"`
	ConfirmedAt string `json:"confirmedAt,omitempty"`
}

// user is the user who scanned.
type user struct {
	ID       string `json:"id"`
	Nickname string `json:"nickname,omitempty"`
	Photo    string `json:"photo,omitempty"`
}

// transitionsOf returns all transitions of a code, oldest first. A session contains its whole
// history, so reading it once at the end suffices.
func transitionsOf(s session.Session) []transition {
	d := data{Pool: s.Pool, Random: string(s.ID), CreatedAt: session.FormatTime(s.CreatedAt)}
	var all []transition
	add := func(event string, at time.Time) {
		d.Version = len(all) + 1
		all = append(all, transition{event, at, d})
	}
	add(Made, s.CreatedAt)
	if !s.ScannedAt.IsZero() {
		d.User = &user{s.User.ID, s.User.Nickname, s.User.Photo}
		d.ScannedAt = session.FormatTime(s.ScannedAt)
		add(Scanned, s.ScannedAt)
	}
	if !s.ConfirmedAt.IsZero() {
		d.ConfirmedAt = session.FormatTime(s.ConfirmedAt)
		add(Confirmed, s.ConfirmedAt)
	}
	if s.Status.Over() {
		add(endOf(s), s.ExpiresAt)
	}
	return all
}

// endOf returns the event type of a code's end. Expiry is not stored and has no operation, so
// an Expired session with one was withdrawn by the browser.
func endOf(s session.Session) string {
	switch {
	case s.Status == session.Redeemed:
		return Exchanged
	case s.Status == session.Canceled:
		return Canceled
	case s.Op != "":
		return Withdrawn
	default:
		return Expired
	}
}

// message returns the message for a transition. Id and body depend only on the transition, so
// every node and every attempt sends the same. A transition that the store lost and that was
// then repeated has a different time, and so a different id.
func (t transition) message() message {
	d := t.Data
	name := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %d %d", d.Pool, d.Random, t.Type, d.Version, t.At.UnixNano()))
	body, err := json.Marshal(struct {
		Type      string `json:"type"`
		Timestamp string `json:"timestamp"`
		Data      data   `json:"data"`
	}{t.Type, session.FormatTime(t.At), t.Data})
	if err != nil {
		panic(err) // strings and numbers cannot fail
	}
	return message{ID: "msg_" + base64.RawURLEncoding.EncodeToString(name[:16]), Body: string(body)}
}
