package session

import "time"

// Action is what somebody wants to do with a code.
type Action string

const (
	Scan     Action = "scan"     // the phone: I see it
	Confirm  Action = "confirm"  // the phone: I agree
	Cancel   Action = "cancel"   // the phone: I decline
	Mismatch Action = "mismatch" // the phone: I agree, with a number that the page does not show
	Redeem   Action = "redeem"   // the site: the ticket for the user
	Withdraw Action = "withdraw" // the browser: not me, another code please
)

// Change is an action with what it brings along.
type Change struct {
	Action Action
	// User is whose phone does it; its ID must be set for what the phone
	// does, and is of no meaning for the others.
	User User
	// Op names the operation, so that its caller recognises in what Apply
	// returns whether this was it; empty: Apply makes one.
	Op OpID
	// TTL is how long the code may live from a Scan (at least) and from a
	// Confirm (exactly); of no meaning for the others.
	TTL time.Duration
}

// rule is a row of the protocol: action leads from a status to another.
// A row that leads to where it began is a repetition: for the user who led the
// code there it is a success that changes nothing, because phones retry. The
// one exception is Mismatch, of which each counts.
type rule struct {
	action   Action
	from, to Status
}

// MaxMismatches is how many wrong numbers end a code: enough for a slip of the
// finger; who guesses one of ninety numbers is right with one code in thirty,
// and has shown with each who they are.
const MaxMismatches = 3

// lastMismatch is what Step makes of the Mismatch that is one too many.
const lastMismatch Action = "last mismatch"

// protocol is all that may happen to a code, but for time's end.
var protocol = [...]rule{
	{Scan, Waiting, Scanned},
	{Scan, Scanned, Scanned},

	{Confirm, Scanned, Confirmed},
	{Confirm, Confirmed, Confirmed},
	{Confirm, Redeemed, Redeemed},

	{Cancel, Scanned, Canceled},
	{Cancel, Canceled, Canceled},

	{Mismatch, Scanned, Scanned}, // with one more to its count
	{lastMismatch, Scanned, Canceled},

	{Redeem, Confirmed, Redeemed}, // no repetition: a ticket works once

	{Withdraw, Waiting, Expired},
	{Withdraw, Scanned, Expired},
	{Withdraw, Expired, Expired},
}

// refusal says why an action is refused at a status for which the protocol
// has no row.
func refusal(a Action, from Status) error {
	switch from {
	case Waiting, Scanned:
		if a == Redeem {
			return ErrNotConfirmed
		}
		return ErrNotScanned // only what the phone decides has no row, at Waiting
	case Expired:
		return ErrOver
	default:
		return ErrUsed
	}
}

// Step returns what c makes of s at now, one version higher, or s itself where
// c repeats the step that led here. It is pure: whether the result comes true
// is for [Store.Swap] to say.
//
// Errors: [ErrOver], [ErrNotScanned], [ErrOtherUser], [ErrUsed],
// [ErrNotConfirmed]; s is then returned as it stands at now.
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
	return s.moved(to, c, now), nil
}

// Moves reports whether c leads s on to another version if it comes in time. If
// not, [Apply] on the same s changes nothing, whatever the time.
func Moves(s Session, c Change) bool {
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

// moved returns s one version on, at status to.
func (s Session) moved(to Status, c Change, now time.Time) Session {
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
		s.Mismatches++ // and no longer a life
	case lastMismatch:
		s.Mismatches++
		s.ExpiresAt = now
	default: // over
		s.ExpiresAt = now
	}
	return s
}
