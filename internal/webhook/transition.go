package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// The types of what is told.
const (
	Made      = "code.made"
	Scanned   = "code.scanned"
	Confirmed = "code.confirmed"
	Exchanged = "code.exchanged"
	Canceled  = "code.canceled"
	Withdrawn = "code.withdrawn" // by the browser: "not me"
	Expired   = "code.expired"   // by time
)

// Events returns all types, in the order of a code's life.
func Events() []string {
	return []string{Made, Scanned, Confirmed, Exchanged, Canceled, Withdrawn, Expired}
}

// transition is something that happened to a code. Its data are those of that
// moment, whatever happened since.
type transition struct {
	Type string
	At   time.Time
	Data data
}

// data is what a receiver learns. No ticket, no key, no e-mail and no further
// claim is in it: those are for who exchanges the ticket.
type data struct {
	Pool        string `json:"pool"`
	Random      string `json:"random"`
	Version     int    `json:"version"` // 1 when made, one higher with each step
	User        *user  `json:"user,omitempty"`
	CreatedAt   string `json:"createdAt"`
	ScannedAt   string `json:"scannedAt,omitempty"`
	ConfirmedAt string `json:"confirmedAt,omitempty"`
}

// user is who scanned.
type user struct {
	ID       string `json:"id"`
	Nickname string `json:"nickname,omitempty"`
	Photo    string `json:"photo,omitempty"`
}

// transitionsOf returns all that has happened to a code, oldest first: a session
// holds its whole history, so that it is enough to look at its end.
func transitionsOf(s session.Session) []transition {
	d := data{Pool: s.Pool, Random: string(s.ID), CreatedAt: iso(s.CreatedAt)}
	var all []transition
	happened := func(event string, at time.Time) {
		d.Version = len(all) + 1
		all = append(all, transition{event, at, d})
	}
	happened(Made, s.CreatedAt)
	if !s.ScannedAt.IsZero() {
		d.User = &user{s.User.ID, s.User.Nickname, s.User.Photo}
		d.ScannedAt = iso(s.ScannedAt)
		happened(Scanned, s.ScannedAt)
	}
	if !s.ConfirmedAt.IsZero() {
		d.ConfirmedAt = iso(s.ConfirmedAt)
		happened(Confirmed, s.ConfirmedAt)
	}
	if s.Status.Over() {
		happened(endOf(s), s.ExpiresAt)
	}
	return all
}

// endOf is how a code that is over ended. Time writes nothing, so an end that
// has an operation was the browser's.
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

// iso writes a time as the REST interface does.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// message makes what is sent. Id and body depend on the transition alone, so
// that whoever tells it, and however often, tells the same; and a transition
// that the store lost, and that then came about another way, is another one.
func (t transition) message() message {
	d := t.Data
	name := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %d %d", d.Pool, d.Random, t.Type, d.Version, t.At.UnixNano()))
	body, err := json.Marshal(struct {
		Type      string `json:"type"`
		Timestamp string `json:"timestamp"`
		Data      data   `json:"data"`
	}{t.Type, iso(t.At), t.Data})
	if err != nil {
		panic(err) // strings and numbers alone cannot fail
	}
	return message{ID: "msg_" + base64.RawURLEncoding.EncodeToString(name[:16]), Body: string(body)}
}
