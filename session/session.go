// Package session is the contract of scanlogin: what a code is, which steps
// its life may take, and what a store and a bus must promise so that every
// node tells every browser the same truth.
//
// The rules are a table (protocol.go) over which [Step] is a pure function.
// A [Store] knows no rule: it keeps version n of a code if n-1 is there and
// the code's end has not come, and announces what it kept. A [Bus] brings the
// announcements, and the state as stored whenever something might have been
// missed. Nothing here does I/O, and nothing here imports anything of ours.
package session

import (
	"crypto/rand"
	"encoding/base64"
	"time"
)

// ID names one code. It is public: it is printed in the picture.
type ID string

// IDLength is the length of an ID in characters: 30 of 62 letters and digits are
// 178 bits.
const IDLength = 30

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewID makes an unguessable ID from crypto/rand.
func NewID() ID {
	id := make([]byte, 0, IDLength)
	var buf [2 * IDLength]byte
	for {
		rand.Read(buf[:]) // never fails (crypto/rand, Go 1.24)
		for _, b := range buf {
			// 248 is the largest multiple of 62 in a byte; what is above
			// would make the first letters likelier.
			if b >= 248 {
				continue
			}
			id = append(id, alphabet[b%62])
			if len(id) == IDLength {
				return ID(id)
			}
		}
	}
}

// ParseID returns text as an ID, or [ErrNotFound] if no code can have that
// name; so a malformed one never reaches the store and looks like an unknown
// one to whoever asked.
func ParseID(text string) (ID, error) {
	if len(text) != IDLength {
		return "", ErrNotFound
	}
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "", ErrNotFound
		}
	}
	return ID(text), nil
}

// OpID names one operation on a code, so that an operation that is tried again
// after a lost answer recognises its own work, and two operations that wrote
// the same thing are told apart.
type OpID string

// NewOpID makes an OpID of 128 random bits.
func NewOpID() OpID {
	var buf [16]byte
	rand.Read(buf[:])
	return OpID(base64.RawURLEncoding.EncodeToString(buf[:]))
}

// Retention is how long a code that is over is still known, so that pages and
// phones that ask late learn how it ended; then the store forgets it. The
// contract promises at least a minute.
const Retention = 90 * time.Second

// Session is one code and the login it stands for: a value, stored whole.
type Session struct {
	ID      ID     `json:"id"`
	Pool    string `json:"pool"`    // id of the user pool
	Version int64  `json:"version"` // 1 when made, one higher with each step
	Op      OpID   `json:"op"`      // the operation that wrote this version; empty if time did
	Status  Status `json:"status"`
	User    User   `json:"user,omitzero"` // who scanned; zero before

	// Payload is the text inside the picture. It is kept because it never
	// changes, whatever happens to the code's end or to settings.
	Payload    string `json:"payload"`
	CustomData string `json:"customData,omitempty"` // JSON object from whoever made the code: untrusted
	Client     Client `json:"client,omitzero"`      // the browser that asked for the code

	Salt       []byte `json:"salt"`                 // 16 random bytes that only the store has; secrets are derived over them
	SecretID   string `json:"secretId"`             // which of the pool's secrets the code's secrets are derived from
	CookieHash []byte `json:"cookieHash,omitempty"` // SHA-256 of the browser cookie the code was made under
	Challenge  string `json:"challenge,omitempty"`  // RFC 7636, S256: the exchange needs its verifier; empty: none
	Count      int    `json:"count"`                // which code of its page this is, from 1; refreshes do not count

	// Match is how the phone has to show that its user sees the page. As the
	// challenge, it is settled when the code is made.
	Match      Match  `json:"match,omitempty"`
	Mismatches int    `json:"mismatches,omitempty"` // wrong numbers so far
	Trace      string `json:"trace,omitempty"`      // W3C traceparent of the call that made the code; empty if that was not traced

	// ScanQueued is whether the scan was queued for the pool's webhook before it
	// was stored. A version before this field stores false.
	ScanQueued bool `json:"scanQueued,omitempty"`

	CreatedAt   time.Time `json:"createdAt"`
	ScannedAt   time.Time `json:"scannedAt,omitzero"`
	ConfirmedAt time.Time `json:"confirmedAt,omitzero"`
	ExpiresAt   time.Time `json:"expiresAt"` // when time ends it; for a code that is over, when it ended
}

// Match is a way to show that the phone's user sees the page.
type Match string

const (
	MatchNothing Match = ""       // none is asked for
	MatchDigits  Match = "digits" // the two digits on the page
)

// Client is the browser that asked for a code, as it was seen then. All of it
// is what the browser and the proxies said: to be shown, not to be trusted.
type Client struct {
	IP        string `json:"ip,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
}

// Snapshot is what watchers are told of a session and no more: no e-mail, no
// claims, nothing that a secret could be derived from. It is whole, so the
// newest one is all that a watcher needs.
type Snapshot struct {
	ID        ID        `json:"id"`
	Version   int64     `json:"v"`
	Op        OpID      `json:"op,omitempty"`
	Status    Status    `json:"s"`
	UserID    string    `json:"u,omitempty"`
	Nickname  string    `json:"n,omitempty"`
	Photo     string    `json:"p,omitempty"`
	ExpiresAt time.Time `json:"e"`
	ChangedAt time.Time `json:"t,omitzero"` // when the code came to this status
}

// Snapshot returns what watchers are told of s.
func (s Session) Snapshot() Snapshot {
	return Snapshot{
		ID: s.ID, Version: s.Version, Op: s.Op, Status: s.Status,
		UserID: s.User.ID, Nickname: s.User.Nickname, Photo: s.User.Photo,
		ExpiresAt: s.ExpiresAt, ChangedAt: s.changedAt(),
	}
}

func (s Session) changedAt() time.Time {
	switch s.Status {
	case Waiting:
		return s.CreatedAt
	case Scanned:
		return s.ScannedAt
	case Confirmed:
		return s.ConfirmedAt
	default:
		return s.ExpiresAt
	}
}

// At returns s as it stands at now: a code whose end has come is expired, one
// version on. Time writes nothing, so that version has no operation.
func (s Session) At(now time.Time) Session {
	if s.Status.Over() || now.Before(s.ExpiresAt) {
		return s
	}
	s.Status = Expired
	s.Version++
	s.Op = ""
	return s
}
