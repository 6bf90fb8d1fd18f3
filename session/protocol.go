package session

import (
	"strconv"
	"time"
)

// Action is what a phone, a site or a browser asks for.
type Action string

const (
	Scan     Action = "scan"     // phone: the user scanned the code
	Confirm  Action = "confirm"  // phone: the user agrees
	Cancel   Action = "cancel"   // phone: the user declines
	Mismatch Action = "mismatch" // phone: the user agrees, with a number that the page does not show
	Redeem   Action = "redeem"   // site: exchange the ticket, or the credential of another grant, for the user
	Withdraw Action = "withdraw" // browser: discard this code ("not me")
)

// rule is a row of the protocol table: action is allowed in status from if when holds, and
// leads to status to with the effects of write. The first row that is allowed decides. A
// phone's action in a status after the scan is allowed only for the user who scanned.
//
// A row with equal statuses and no write is a repetition: it succeeds without a change,
// because phones retry.
type rule struct {
	action   Action
	from, to Status
	when     func(Change) []Guard
	write    func(Change) []Write
}

// MaxMismatches is the number of wrong numbers that ends a code. Two typing errors are
// forgiven; a phone that guesses among 90 numbers succeeds with one code in thirty, and
// is known as the user of the token.
const MaxMismatches = 3

// protocol is the complete protocol, except for expiry.
var protocol = [...]rule{
	{Scan, Waiting, Scanned, nil, setScanned},
	{Scan, Scanned, Scanned, nil, nil},

	{Confirm, Scanned, Confirmed, numberChecked, setConfirmed},
	{Confirm, Confirmed, Confirmed, nil, nil},
	{Confirm, Redeemed, Redeemed, nil, nil},

	{Cancel, Scanned, Canceled, nil, setEnded},
	{Cancel, Canceled, Canceled, nil, nil},

	{Mismatch, Scanned, Scanned, triesLeft, countMismatch}, // does not extend the code's life
	{Mismatch, Scanned, Canceled, nil, countLastMismatch},

	{Redeem, Confirmed, Redeemed, credentialShown, setEnded}, // no repetition: a ticket works once

	{Withdraw, Waiting, Expired, nil, setEnded},
	{Withdraw, Scanned, Expired, nil, setEnded},
	{Withdraw, Expired, Expired, nil, nil},
}

func setScanned(c Change) []Write {
	c.User.Auth = Auth{} // that of the confirm counts
	writes := []Write{
		{Field: FieldUser, User: &c.User},
		{Field: FieldScannedAt, Effect: SetTime},
		{Field: FieldExpiresAt, Effect: Extend, After: c.TTL},
	}
	if c.ScanQueued {
		writes = append(writes, Write{Field: FieldScanQueued, Text: "1"})
	}
	return writes
}

func setConfirmed(c Change) []Write {
	writes := []Write{
		{Field: FieldConfirmedAt, Effect: SetTime},
		{Field: FieldExpiresAt, Effect: SetTime, After: c.TTL},
	}
	if auth := c.User.Auth.text(); auth != "" {
		writes = append(writes, Write{Field: FieldAuth, Text: auth})
	}
	return writes
}

func setEnded(Change) []Write {
	return []Write{{Field: FieldExpiresAt, Effect: SetTime}}
}

func countMismatch(Change) []Write {
	return []Write{{Field: FieldMismatches, Effect: Increment}}
}

func countLastMismatch(c Change) []Write {
	return append(countMismatch(c), setEnded(c)...)
}

// triesLeft holds if another mismatch does not end the code.
func triesLeft(Change) []Guard {
	return []Guard{{Field: FieldMismatches, Test: LessThan, Values: []string{strconv.Itoa(MaxMismatches - 1)}}}
}

// numberChecked holds if the code needs no number, or if the caller compared the number with
// the session that it loaded.
func numberChecked(c Change) []Guard {
	if c.Loaded != "" || c.verified {
		return nil
	}
	return []Guard{equals(FieldMatch, string(MatchNone))}
}

// credentialShown holds if the code's credential was shown, with the verifier if it needs one.
func credentialShown(c Change) []Guard {
	if c.verified {
		return nil
	}
	shown := Guard{Field: FieldCredential}
	if len(c.Credential.Hash) > 0 { // without a hash the guard has no value, and never holds
		shown.Values = []string{credential(c.Credential.Grant, c.Credential.Hash)}
	}
	return []Guard{
		equals(FieldPool, c.Pool),
		{Field: FieldSecretID, Values: c.Credential.SecretIDs},
		shown,
		equals(FieldChallenge, c.Credential.Challenge),
	}
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
// if c repeats the step that led to its status. Step is pure and stores nothing; what is
// stored is decided by [Store.Apply]. The caller has verified what c depends on:
// the ticket with its verifier, and the number on the page.
//
// Errors: [ErrOver], [ErrNotScanned], [ErrOtherUser], [ErrUsed], [ErrNotConfirmed]. The
// session is then returned as it is at now.
func Step(s Session, c Change, now time.Time) (Session, error) {
	c.verified = true
	c.Pool, c.Loaded, c.First, c.ScanQueued = "", "", false, false
	t := c.compile()
	s, outcome := t.On(s.At(now), now)
	if outcome == Refused {
		return s, t.Refusal(s)
	}
	return s, nil
}

// Advances reports whether c leads from s to a new version, provided that s has not
// expired. If it does not, a step on the same s stores nothing.
func Advances(s Session, c Change) bool {
	next, err := Step(s, c, time.Time{})
	return err == nil && next.Version != s.Version
}

// isAllowed reports whether the protocol has a row for an action in a status.
func isAllowed(a Action, from Status) bool {
	for _, r := range protocol {
		if r.action == a && r.from == from {
			return true
		}
	}
	return false
}

func (a Action) byPhone() bool {
	switch a {
	case Scan, Confirm, Cancel, Mismatch:
		return true
	}
	return false
}
