package session

import (
	"slices"
	"strconv"
	"time"
)

// Field names a part of a session that guards compare or writes change. A store keeps each
// of them as a text.
type Field string

// Fields that guards compare. Status and Mismatches are decimal numbers, no mismatches are "".
const (
	FieldOp         Field = "op"
	FieldStatus     Field = "status"
	FieldUserID     Field = "userId" // "" before the scan
	FieldMismatches Field = "mismatches"
	FieldPool       Field = "pool"
	FieldSecretID   Field = "secretId"
	FieldCredential Field = "credential" // grant and hash, see [Session.GrantHash]
	FieldChallenge  Field = "challenge"
	FieldMatch      Field = "match"
)

// Fields that writes change, besides FieldStatus and FieldMismatches.
const (
	FieldUser        Field = "user" // the whole user, with its id
	FieldAuth        Field = "auth" // the user's Auth, see [ParseAuth]
	FieldScanQueued  Field = "scanQueued"
	FieldScannedAt   Field = "scannedAt"
	FieldConfirmedAt Field = "confirmedAt"
	FieldExpiresAt   Field = "expiresAt"
)

// Test is the comparison of a [Guard].
type Test int8

const (
	OneOf    Test = iota // the field equals one of the values; never holds without a value
	LessThan             // the field is a number below the first value
)

// Guard is a condition on a field of the stored session.
type Guard struct {
	Field  Field
	Test   Test
	Values []string
}

// Effect is what a [Write] does to its field.
type Effect int8

const (
	Set       Effect = iota // sets Text, or User for FieldUser
	Increment               // adds 1 to a number
	SetTime                 // sets the store's time plus After
	Extend                  // as SetTime, unless the field is later already
)

// Write changes a field of the stored session.
type Write struct {
	Field  Field
	Effect Effect
	Text   string
	User   *User         // not modified
	After  time.Duration // in whole milliseconds, the rest is ignored
}

// Row is an alternative of a [Transition]: its writes happen if all its guards hold.
type Row struct {
	Guards []Guard
	Writes []Write
}

// Transition is a [Change] as data, which a [Store] executes without knowing the protocol. It
// executes the writes of the first row whose guards hold, provided that the code has not
// ended by the store's clock, increments the version and sets Op.
type Transition struct {
	Change Change // what it was compiled from
	Op     OpID   // id of the operation, never empty
	Rows   []Row
	// Repeated are the states that the change would lead to, without writes: if one
	// holds, the change repeats an earlier one.
	Repeated []Row
	// Durable says that the step must not be lost in a failover: a store with replicas
	// waits for them.
	Durable bool
}

// Outcome is the result of a [Transition].
type Outcome int8

const (
	// Refused means that nothing was written. [Transition.Refusal] returns the reason.
	Refused Outcome = iota
	// Applied means that this call wrote the next version.
	Applied
	// AppliedBefore means that an earlier call with the same operation id wrote the
	// stored version: this call is a retry after a lost response. Of the calls with one
	// operation id, one that succeeds may report Applied and another AppliedBefore.
	AppliedBefore
	// Unchanged means that another operation led to the state that the change leads to,
	// for the same user. Nothing was written, and there is nothing to tell observers.
	Unchanged
)

// Stored reports whether the operation's write is the stored version.
func (o Outcome) Stored() bool { return o == Applied || o == AppliedBefore }

// String returns the name of the outcome, for logs and tests.
func (o Outcome) String() string {
	return [...]string{"refused", "applied", "applied before", "unchanged"}[o]
}

// On is the reference implementation of a store's Apply: it returns s, which is stored at
// now, as the store has it after t. It is pure, and truncates now to milliseconds.
//
// The session is s at now for Refused and Unchanged, the next version for Applied, and s
// itself for AppliedBefore.
func (t Transition) On(s Session, now time.Time) (Session, Outcome) {
	if t.Op != "" && s.Op == t.Op {
		return s, AppliedBefore
	}
	now = now.Truncate(time.Millisecond)
	if now.Before(s.ExpiresAt) {
		for _, row := range t.Rows {
			if row.holds(s) {
				return row.write(s, t.Op, now), Applied
			}
		}
	}
	s = s.At(now)
	return s, t.WithoutWrite(s)
}

// WithoutWrite returns the outcome of t on a session on which no row wrote: Unchanged or
// Refused. s is the session as it is now, with expiry applied.
func (t Transition) WithoutWrite(s Session) Outcome {
	if slices.ContainsFunc(t.Repeated, func(r Row) bool { return r.holds(s) }) {
		return Unchanged
	}
	return Refused
}

func (r Row) holds(s Session) bool {
	for _, g := range r.Guards {
		if !g.holds(s) {
			return false
		}
	}
	return true
}

func (g Guard) holds(s Session) bool {
	value := s.Text(g.Field)
	if g.Test == LessThan {
		return number(value) < number(g.Values[0])
	}
	return slices.Contains(g.Values, value)
}

// number reads a number that this package or a store wrote; anything else is 0.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// Text returns the value of a field that guards compare.
func (s Session) Text(f Field) string {
	switch f {
	case FieldOp:
		return string(s.Op)
	case FieldStatus:
		return s.Status.text()
	case FieldUserID:
		return s.User.ID
	case FieldMismatches:
		return countText(s.Mismatches)
	case FieldPool:
		return s.Pool
	case FieldSecretID:
		return s.SecretID
	case FieldCredential:
		return credential(s.Grant, s.GrantHash)
	case FieldChallenge:
		return s.Challenge
	case FieldMatch:
		return string(s.Match)
	}
	panic("session: no guard compares " + string(f))
}

// write returns the next version of s, written by op at now.
func (r Row) write(s Session, op OpID, now time.Time) Session {
	s.Version++
	s.Op = op
	for _, w := range r.Writes {
		s = w.on(s, now)
	}
	return s
}

func (w Write) on(s Session, now time.Time) Session {
	at := now.Add(w.After.Truncate(time.Millisecond))
	switch w.Field {
	case FieldStatus:
		s.Status = Status(number(w.Text)) // #nosec G115 -- compiled from a Status
	case FieldUser:
		s.User = *w.User
	case FieldAuth:
		s.User.Auth, _ = ParseAuth(w.Text) // compiled from an Auth
	case FieldScanQueued:
		s.ScanQueued = w.Text != ""
	case FieldMismatches:
		s.Mismatches++
	case FieldScannedAt:
		s.ScannedAt = at
	case FieldConfirmedAt:
		s.ConfirmedAt = at
	case FieldExpiresAt:
		if w.Effect == SetTime || at.After(s.ExpiresAt) {
			s.ExpiresAt = at
		}
	default:
		panic("session: no write changes " + string(w.Field))
	}
	return s
}

// WrittenStatus returns the status that the row leads to; ok is false if it does not write
// the status.
func (r Row) WrittenStatus() (to Status, ok bool) {
	for _, w := range r.Writes {
		if w.Field == FieldStatus {
			return Status(number(w.Text)), true // #nosec G115 -- compiled from a Status
		}
	}
	return 0, false
}

// text returns the status as guards and writes have it.
func (s Status) text() string { return strconv.Itoa(int(s)) }

func equals(f Field, value string) Guard { return Guard{Field: f, Values: []string{value}} }

// countText returns a count as guards have it: "" for 0, so that records need not store it.
func countText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
