package session

import "time"

// Action is what somebody wants to do with a code.
type Action string

const (
	Scan     Action = "scan"     // the phone: I see it
	Confirm  Action = "confirm"  // the phone: I agree
	Cancel   Action = "cancel"   // the phone: I decline
	Redeem   Action = "redeem"   // the site: the ticket for the user
	Withdraw Action = "withdraw" // the browser: not me, another code please
)

// Change is an action with what it brings along.
type Change struct {
	Action Action
	// User is who scans, confirms or cancels; its ID must be set for these
	// and is of no meaning for the others.
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
// code there it is a success that changes nothing, because phones retry.
type rule struct {
	action   Action
	from, to Status
}

// protocol is all that may happen to a code, but for time's end.
var protocol = [...]rule{
	{Scan, Waiting, Scanned},
	{Scan, Scanned, Scanned},

	{Confirm, Scanned, Confirmed},
	{Confirm, Confirmed, Confirmed},
	{Confirm, Redeemed, Redeemed},

	{Cancel, Scanned, Canceled},
	{Cancel, Canceled, Canceled},

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
		return ErrNotScanned // only Confirm and Cancel at Waiting have no row
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
	if to == s.Status {
		return s, nil
	}
	return s.moved(to, c, now), nil
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
	return c.Action == Scan || c.Action == Confirm || c.Action == Cancel
}

// moved returns s one version on, at status to.
func (s Session) moved(to Status, c Change, now time.Time) Session {
	s.Version++
	s.Op = ""
	s.Status = to
	switch to {
	case Scanned:
		s.User = c.User
		s.ScannedAt = now
		if end := now.Add(c.TTL); end.After(s.ExpiresAt) {
			s.ExpiresAt = end
		}
	case Confirmed:
		s.ConfirmedAt = now
		s.ExpiresAt = now.Add(c.TTL)
	default: // over
		s.ExpiresAt = now
	}
	return s
}
