package session

import (
	"crypto/sha256"
	"time"
)

// Change is an action with its parameters.
type Change struct {
	Action Action
	// User is the phone's user. Scan, Confirm, Cancel and Mismatch need its ID; the
	// others ignore it. Scan stores all but its Auth, Confirm only its Auth.
	User User
	// Op is the id of the operation. The caller finds it in the result if this call
	// changed the code. If it is empty, one is created.
	Op OpID
	// TTL is how long the code stays valid after a Scan (at least) or a Confirm (exactly).
	// The other actions ignore it.
	TTL time.Duration

	// The following fields have no effect on [Step].

	// Pool is the pool that the code must belong to; "" accepts any. Redeem needs it:
	// the authenticated pool.
	Pool string
	// Loaded is the Op of the session that the caller loaded and decided on. The change
	// is refused with ErrStale if another operation is stored. "" if it was not loaded:
	// then a Confirm is refused with ErrMatchRequired if the code needs a number.
	Loaded OpID
	// First says that a Scan must be the first one: a repetition is refused with ErrUsed
	// too. The other actions ignore it.
	First bool
	// ScanQueued is stored with a Scan, see [Session.ScanQueued].
	ScanQueued bool
	// Credential is what a Redeem shows. The other actions ignore it.
	Credential Credential

	verified bool // the caller has compared credential and number with the session
}

// Credential is what a site shows to redeem a code.
type Credential struct {
	Grant     Grant
	SecretIDs []string // ids of the pool's accepted secrets
	Hash      []byte   // [HashSecret] of the credential
	Challenge string   // BASE64URL(SHA-256(verifier)); "" if no verifier was shown
}

// HashSecret returns the SHA-256 of a secret, as sessions store it. Secrets are random, so
// the hash need not be slow.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// credential returns the text of FieldCredential: "" without a hash.
func credential(g Grant, hash []byte) string {
	if len(hash) == 0 {
		return ""
	}
	return string(g) + ":" + string(hash)
}

// Transition compiles the rows of the protocol table for c. It creates an operation id if c
// has none.
func (c Change) Transition() Transition {
	if c.Op == "" {
		c.Op = NewOpID()
	}
	return c.compile()
}

func (c Change) compile() Transition {
	t := Transition{Change: c, Op: c.Op, Durable: c.Action == Redeem}
	for _, r := range protocol {
		switch {
		case r.action != c.Action:
		case r.write == nil && c.First:
		case r.write == nil:
			t.Repeated = append(t.Repeated, Row{Guards: c.guards(r)})
		default:
			t.Rows = append(t.Rows, c.row(r))
		}
	}
	return t
}

// row compiles a row that writes.
func (c Change) row(r rule) Row {
	row := Row{Guards: c.guards(r), Writes: r.write(c)}
	if r.when != nil {
		row.Guards = append(row.Guards, r.when(c)...)
	}
	if c.Loaded != "" {
		row.Guards = append(row.Guards, equals(FieldOp, string(c.Loaded)))
	}
	if r.to != r.from {
		row.Writes = append(row.Writes, Write{Field: FieldStatus, Text: r.to.text()})
	}
	return row
}

// guards returns the guards that rows have in common: status, user and pool.
func (c Change) guards(r rule) []Guard {
	guards := make([]Guard, 0, 8)
	guards = append(guards, equals(FieldStatus, r.from.text()))
	if c.Action.byPhone() && r.from != Waiting {
		guards = append(guards, equals(FieldUserID, c.User.ID))
	}
	if c.Pool != "" && c.Action != Redeem {
		guards = append(guards, equals(FieldPool, c.Pool))
	}
	return guards
}

// Refusal returns why t was [Refused], given the session as the store returned it:
// ErrOtherPool, ErrCredential, the errors of the protocol (ErrNotScanned, ErrOtherUser,
// ErrUsed, ErrNotConfirmed, ErrOver), ErrVerifier, ErrMatchRequired, or else ErrStale: the
// change was decided on another operation than the stored one. Decide again on s, once.
func (t Transition) Refusal(s Session) error {
	c := t.Change
	isRedeem := c.Action == Redeem && !c.verified
	switch {
	case isRedeem && !c.Credential.belongsTo(s, c.Pool):
		return ErrCredential
	case c.Pool != "" && c.Pool != s.Pool && !c.verified:
		return ErrOtherPool
	case !isAllowed(c.Action, s.Status):
		return refusal(c.Action, s.Status)
	case c.Action.byPhone() && s.User.ID != "" && s.User.ID != c.User.ID:
		if s.Status == Scanned {
			return ErrOtherUser
		}
		return ErrUsed
	case c.First && s.Status == Scanned:
		return ErrUsed
	case isRedeem && c.Credential.Challenge != s.Challenge:
		return ErrVerifier
	case c.Action == Confirm && c.Loaded == "" && s.Match != MatchNone:
		return ErrMatchRequired
	}
	return ErrStale
}

// belongsTo reports whether cr is the credential of s, regardless of the verifier.
func (cr Credential) belongsTo(s Session, pool string) bool {
	cr.Challenge = s.Challenge
	return Row{Guards: credentialShown(Change{Pool: pool, Credential: cr})}.holds(s)
}
