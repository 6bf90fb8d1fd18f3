package redisstore

import (
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// announcement is a session.Snapshot as scripts publish it: with the same JSON keys, and times
// as numbers, because scripts cannot format them.
type announcement struct {
	ID      session.ID     // "id"
	Version int64          // "v"
	Op      session.OpID   // "op"
	Status  session.Status // "s"
	shown
	ExpiresAt int64 // "e": Unix time, ms
	ChangedAt int64 // "t": Unix time, ms
}

// set sets the field of a name in JSON.
func (a *announcement) set(name, value string) (err error) {
	switch name {
	case "id":
		a.ID = session.ID(value)
	case "v":
		a.Version, err = number(value)
	case "op":
		a.Op = operation(value)
	case "s":
		a.Status, err = status(value)
	case "e":
		a.ExpiresAt, err = number(value)
	case "t":
		a.ChangedAt, err = number(value)
	default:
		a.shown.set(name, value)
	}
	return err
}

func (a announcement) snapshot() session.Snapshot {
	return session.Snapshot{
		ID: a.ID, Version: a.Version, Op: a.Op, Status: a.Status, UserID: a.UserID, Nickname: a.Nickname, Photo: a.Photo,
		ExpiresAt: time.UnixMilli(a.ExpiresAt).UTC(), ChangedAt: time.UnixMilli(a.ChangedAt).UTC(),
	}
}

// parseAnnouncement reads what a script published.
func parseAnnouncement(text string) (session.Snapshot, error) {
	var a announcement
	err := members(text, a.set)
	return a.snapshot(), err
}

// announceNew returns the announcement of a new session.
func announceNew(s session.Session) string {
	return fmt.Sprintf(`{"id":%q,"v":%d,"op":%q,"s":%d,"e":%d,"t":%d}`,
		s.ID, s.Version, s.Op, s.Status, s.ExpiresAt.UnixMilli(), s.CreatedAt.UnixMilli())
}

// announceRow returns the announcement of a row of a transition of a session, in which apply.lua
// replaces <field>.
func announceRow(id session.ID, r session.Row) string {
	return `{"id":"` + string(id) + `","v":<version>,"op":"<op>","s":<status><shown>,"e":<expiresAt>,"t":<` + string(changedAt(r)) + `>}`
}

// changedAt returns the field with the time at which the status that r leads to was reached. A
// row that does not change the status is one of a scanned code.
func changedAt(r session.Row) session.Field {
	switch to, changed := r.WrittenStatus(); {
	case !changed, to == session.Scanned:
		return session.FieldScannedAt
	case to == session.Confirmed:
		return session.FieldConfirmedAt
	default:
		return session.FieldExpiresAt
	}
}
