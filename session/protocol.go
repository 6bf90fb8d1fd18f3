package session

import "time"

// Action is what a phone, a site or a browser asks for.
type Action string

const (
	Scan     Action = "scan"     // phone: the user scanned the code
	Confirm  Action = "confirm"  // phone: the user agrees
	Cancel   Action = "cancel"   // phone: the user declines
	Mismatch Action = "mismatch" // phone: the user agrees, with a number that the page does not show
	Redeem   Action = "redeem"   // site: exchange the ticket for the user
	Withdraw Action = "withdraw" // browser: discard this code ("not me")
)

// Change is an action with its parameters.
type Change struct {
	Action Action
	// User is the phone's user. Scan, Confirm, Cancel and Mismatch need its ID; the
	// others ignore it.
	User User
	// Op is the id of the operation. The caller finds it in the result of Apply if this
	// call changed the code. If it is empty, Apply creates one.
	Op OpID
	// TTL is how long the code stays valid after a Scan (at least) or a Confirm (exactly).
	// The other actions ignore it.
	TTL time.Duration
}

// rule is a row of the protocol table: action is allowed in status from and leads to
// status to. A row with equal statuses is a repetition: it succeeds without a change for
// the user who caused the status, because phones retry. Mismatch is the exception: each
// one counts.
type rule struct {
	action   Action
	from, to Status
}

// MaxMismatches is the number of wrong numbers that ends a code. Two typing errors are
// forgiven; a phone that guesses among 90 numbers succeeds with one code in thirty, and
// is known as the user of the token.
const MaxMismatches = 3

// lastMismatch is the action that Step substitutes for the Mismatch that ends the code.
const lastMismatch Action = "last mismatch"

// protocol is the complete protocol, except for expiry.
var protocol = [...]rule{
	{Scan, Waiting, Scanned},
	{Scan, Scanned, Scanned},

	{Confirm, Scanned, Confirmed},
	{Confirm, Confirmed, Confirmed},
	{Confirm, Redeemed, Redeemed},

	{Cancel, Scanned, Canceled},
	{Cancel, Canceled, Canceled},

	{Mismatch, Scanned, Scanned}, // increments Mismatches
	{lastMismatch, Scanned, Canceled},

	{Redeem, Confirmed, Redeemed}, // no repetition: a ticket works once

	{Withdraw, Waiting, Expired},
	{Withdraw, Scanned, Expired},
	{Withdraw, Expired, Expired},
}

// refusal returns the error for an action that the protocol does not allow in a status.
func refusal(a Action, from Status) error {
	switch from {
	case Waiting, Scanned:
		if a == Redeem {
			return ErrNotConfirmed
		}
		return ErrNotScanned // the phone's decisions, in Waiting
	case Expired:
		return ErrOver
	default:
		return ErrUsed
	}
}

// Step applies c to s at the time now. It returns the next version of s, or s unchanged
// if c repeats the step that led to its status. Step is pure; whether the result becomes
// the stored state is decided by [Store.Swap].
//
// Errors: [ErrOver], [ErrNotScanned], [ErrOtherUser], [ErrUsed], [ErrNotConfirmed]. The
// session is then returned as it is at now.
func Step(s Session, c Change, now time.Time) (Session, error) {
	s = s.At(now)
	if c.Action == Mismatch && s.Mismatches+1 >= MaxMismatches {
		c.Action = lastMismatch
	}
	to, ok := next(c.Action, s.Status)
	if !ok {
		return s, refusal(c.Action, s.Status)
	}
	if s.User.ID != "" && c.byPhone() && s.User.ID != c.User.ID {
		if s.Status == Scanned {
			return s, ErrOtherUser
		}
		return s, ErrUsed
	}
	if to == s.Status && c.Action != Mismatch {
		return s, nil
	}
	return s.advance(to, c, now), nil
}

// Advances reports whether c leads from s to a new version, provided that s has not
// expired. If it does not, [Apply] on the same s stores nothing.
func Advances(s Session, c Change) bool {
	next, err := Step(s, c, time.Time{})
	return err == nil && next.Version != s.Version
}

func next(a Action, from Status) (to Status, ok bool) {
	for _, r := range protocol {
		if r.action == a && r.from == from {
			return r.to, true
		}
	}
	return 0, false
}

func (c Change) byPhone() bool {
	switch c.Action {
	case Scan, Confirm, Cancel, Mismatch, lastMismatch:
		return true
	}
	return false
}

// advance returns the next version of s, with status to.
func (s Session) advance(to Status, c Change, now time.Time) Session {
	s.Version++
	s.Op = ""
	s.Status = to
	switch c.Action {
	case Scan:
		s.User = c.User
		s.ScannedAt = now
		if end := now.Add(c.TTL); end.After(s.ExpiresAt) {
			s.ExpiresAt = end
		}
	case Confirm:
		s.ConfirmedAt = now
		s.ExpiresAt = now.Add(c.TTL)
	case Mismatch:
		s.Mismatches++ // does not extend the code's life
	case lastMismatch:
		s.Mismatches++
		s.ExpiresAt = now
	default: // the code ends
		s.ExpiresAt = now
	}
	return s
}
