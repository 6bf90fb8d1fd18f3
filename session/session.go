// Package session is the domain of scanlogin: codes and their logins, the protocol that
// changes them, the events that observers receive, and the contracts of [Store] and
// [Bus], which together guarantee that every node shows every browser the same state.
//
// The protocol is a table (protocol.go). [Change.Transition] compiles its rows for one action
// to data: guards and writes. A [Store] knows no protocol rule: it executes transitions
// atomically and announces what it stored. [Transition.On] is pure and defines what a
// transition does. A [Bus] delivers the announcements, and the
// stored state whenever an announcement may have been lost. The package does no I/O and
// imports only the standard library.
package session

import (
	"crypto/rand"
	"encoding/base64"
	"time"
)

// ID identifies a code. It is public: the QR code contains it.
type ID string

// IDLength is the length of an ID in characters: 30 letters and digits are 178 bits.
const IDLength = 30

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewID returns a random ID from crypto/rand.
func NewID() ID {
	id := make([]byte, 0, IDLength)
	var buf [2 * IDLength]byte
	for {
		rand.Read(buf[:]) // never fails (crypto/rand, Go 1.24)
		for _, b := range buf {
			// 248 is the largest multiple of 62 in a byte. Larger values would
			// make the first characters more likely.
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

// ParseID returns text as an ID, or [ErrNotFound] if text is malformed. A malformed ID
// never reaches the store, and a client cannot tell it from an unknown one.
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

// OpID identifies an operation on a code. A retry after a lost response recognizes its
// own write by it, and two operations that wrote the same state can be told apart.
type OpID string

// NewOpID returns an OpID of 128 random bits.
func NewOpID() OpID {
	var buf [16]byte
	rand.Read(buf[:])
	return OpID(base64.RawURLEncoding.EncodeToString(buf[:]))
}

// Retention is how long the store keeps a code after its end, so that late requests
// learn how it ended. The API contract requires at least one minute.
const Retention = 90 * time.Second

// Session is a code and the login that it stands for. It is a value: steps return another one.
type Session struct {
	ID      ID     `json:"id"`
	Pool    string `json:"pool"`    // id of the user pool
	Version int64  `json:"version"` // starts at 1, incremented by each step
	Op      OpID   `json:"op"`      // operation that wrote this version; empty after expiry
	Status  Status `json:"status"`
	User    User   `json:"user,omitzero"` // the user who scanned; zero before the scan

	// Payload is the text in the QR code. It is stored because it must not change when
	// the code's end or the settings do.
	Payload    string `json:"payload"`
	CustomData string `json:"customData,omitempty"` // JSON object from the page: untrusted
	Client     Client `json:"client,omitzero"`      // the browser that requested the code

	Salt     []byte `json:"salt"`     // 16 random bytes that never leave the store and the nodes; the code's secrets are derived from them
	SecretID string `json:"secretId"` // id of the pool secret that the code's secrets are derived from
	// Grant and GrantHash name the one credential that redeems the code: its kind, and
	// its HashSecret. BrowserHash is the HashSecret of the browser key. The caller of
	// Store.Create derives them from the salt. They are empty in records of releases
	// that did not store them.
	Grant       Grant  `json:"grant,omitempty"`
	GrantHash   []byte `json:"grantHash,omitempty"`
	BrowserHash []byte `json:"browserHash,omitempty"`

	// Authorization is what the code was requested for, if its grant is an authorization
	// code or a device code. A code with a ticket that was created with the app id of an OAuth
	// client has only ClientID; otherwise it is zero.
	Authorization Authorization `json:"authorization,omitzero"`

	CookieHash []byte `json:"cookieHash,omitempty"` // SHA-256 of the browser cookie
	Challenge  string `json:"challenge,omitempty"`  // RFC 7636, S256: the exchange needs the verifier; empty: none
	Count      int    `json:"count"`                // number of this code on its page, from 1; refreshes do not count

	// Match is the check that the phone's user sees the page. It is set when the code is
	// created, like Challenge.
	Match Match `json:"match,omitempty"`
	// StepUp is what this code requires in addition to its pool, see [StepUp.Tightened]. It
	// is set when the code is created.
	StepUp     StepUp `json:"stepUp,omitzero"`
	Mismatches int    `json:"mismatches,omitempty"` // number of wrong numbers so far
	Trace      string `json:"trace,omitempty"`      // W3C traceparent of the request that created the code; empty if it was not traced

	// ScanQueued is true if the scan was queued for the pool's webhook before it was
	// stored. Program versions without this field store false.
	ScanQueued bool `json:"scanQueued,omitempty"`

	CreatedAt   time.Time `json:"createdAt"`
	ScannedAt   time.Time `json:"scannedAt,omitzero"`
	ConfirmedAt time.Time `json:"confirmedAt,omitzero"`
	ExpiresAt   time.Time `json:"expiresAt"` // when the code expires; after its end, when it ended
}

// Grant is the kind of credential that redeems a code. A code has exactly one, fixed when it
// is created.
type Grant string

const (
	GrantTicket            Grant = "ticket"             // the ticket of the SDKs
	GrantAuthorizationCode Grant = "authorization_code" // RFC 6749, 4.1
	GrantDeviceCode        Grant = "device_code"        // RFC 8628
)

// Authorization is the part of an authorization request (OIDC Core 3.1.2.1, RFC 8628 3.1) that the
// exchange of its code depends on. It never changes.
type Authorization struct {
	ClientID    string `json:"clientId"`
	RedirectURI string `json:"redirectUri"` // as requested
	Scope       string `json:"scope"`       // granted, separated by spaces
	Nonce       string `json:"nonce,omitempty"`
	RequestHash []byte `json:"requestHash"`         // HashSecret of the id of the authorization request
	TypedCode   int    `json:"typedCode,omitempty"` // of a device: number of the typed code that it shows, see pool.Pool.TypedCode
}

// Match is a check that the phone's user sees the page.
type Match string

const (
	MatchNone   Match = ""       // no check
	MatchDigits Match = "digits" // the phone sends the two digits that the page shows
)

// Client describes the browser that requested a code, as it was then. Browser and proxies
// supply the values: show them, do not trust them.
type Client struct {
	IP        string `json:"ip,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
}

// Snapshot is the part of a session that watchers receive: no e-mail, no claims, nothing
// that a secret is derived from. It is complete, so a watcher needs only the newest one.
type Snapshot struct {
	ID        ID        `json:"id"`
	Version   int64     `json:"v"`
	Op        OpID      `json:"op,omitempty"`
	Status    Status    `json:"s"`
	UserID    string    `json:"u,omitempty"`
	Nickname  string    `json:"n,omitempty"`
	Photo     string    `json:"p,omitempty"`
	ExpiresAt time.Time `json:"e"`
	ChangedAt time.Time `json:"t,omitzero"` // when the code reached this status
}

// Snapshot returns the snapshot of s.
func (s Session) Snapshot() Snapshot {
	return Snapshot{
		ID: s.ID, Version: s.Version, Op: s.Op, Status: s.Status,
		UserID: s.User.ID, Nickname: s.User.Nickname, Photo: s.User.Photo,
		ExpiresAt: s.ExpiresAt, ChangedAt: s.changedAt(),
	}
}

// changedAt returns when the code reached its status.
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

// At returns s as it is at now: a code past its end is Expired, with the next version.
// Nothing is stored for that, so this version has no operation.
func (s Session) At(now time.Time) Session {
	if s.Status.Over() || now.Before(s.ExpiresAt) {
		return s
	}
	s.Status = Expired
	s.Version++
	s.Op = ""
	return s
}

// AsNew returns s as a store creates it with the operation op: version 1, waiting, with times
// in whole milliseconds, of which the end is rounded up.
func (s Session) AsNew(op OpID) Session {
	s.Version, s.Status, s.Op = 1, Waiting, op
	s.CreatedAt = s.CreatedAt.Truncate(time.Millisecond)
	s.ExpiresAt = s.ExpiresAt.Add(time.Millisecond - 1).Truncate(time.Millisecond)
	return s
}
