// Package authorization stores what users authorized clients to do: one record for each
// login with OpenID Connect, which its tokens name by their `sid`.
//
// It guarantees that a refresh token is rotated once, on whichever node; that a spent one
// revokes all tokens of its login, except the last one within [RepeatWindow], which gives the
// same tokens again because responses get lost; that a revocation is visible to the next
// call on every node, and takes effect even if it arrives before the record; and that the
// storage alone yields no token. No record outlives its tokens.
package authorization

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/secret"
	"github.com/scanlogin/scanlogin/session"
)

var (
	// ErrInvalid means that there is no such authorization or token, that it has ended
	// or was revoked, or that it belongs to another client.
	ErrInvalid = errors.New("the token is invalid, has expired or was revoked")
	// ErrReused is an ErrInvalid: a spent refresh token was shown again, and all tokens of
	// its login have been revoked.
	ErrReused = fmt.Errorf("%w: it was used before", ErrInvalid)
	// ErrScope means that more was requested than the user authorized.
	ErrScope = errors.New("the scope exceeds what the user authorized")
)

// Login is what a user authorized a client for.
type Login struct {
	Pool     string       `json:"pool"`
	Client   string       `json:"client"`
	Scope    Scope        `json:"scope"`
	User     session.User `json:"user"`
	AuthTime time.Time    `json:"authTime"` // when the user was authenticated
	AMR      []string     `json:"amr,omitempty"`
	ACR      string       `json:"acr,omitempty"`
}

// Lifetimes are those of a client's tokens.
type Lifetimes struct{ Access, ID, Refresh time.Duration }

// Grant is what the tokens of one response are made from.
type Grant struct {
	Login
	SID     string // names the login
	Scope   Scope  // of the access token; at most that of the login
	Refresh string // refresh token; "" if the user did not authorize offline access

	AccessID      string    // `jti` of the access token
	Issued        time.Time // in whole seconds, like the others
	AccessExpires time.Time // not after the end of the authorization, like IDExpires
	IDExpires     time.Time
}

// Store stores authorizations in a kv.Store. Its methods may be called concurrently. An error
// that is none of this package means that the storage did not answer.
type Store struct{ records kv.Store }

// New returns a Store.
func New(records kv.Store) *Store { return &Store{records} }

// Now estimates the storage's clock without I/O.
func (s *Store) Now() time.Time { return s.records.Now() }

// Names of records.
func loginRecord(sid string) string { return "oidc:login:" + sid }
func tokenRecord(id string) string  { return "oidc:revoked:" + id }

// Fields of the record of a login.
const (
	fieldLogin    = "login"    // JSON
	fieldOwner    = "owner"    // see owner
	fieldEnds     = "ends"     // Unix time, ms: when the record expires
	fieldRevoked  = "revoked"  // "1": all tokens of the login are invalid
	fieldSalt     = "salt"     // of the refresh tokens
	fieldCurrent  = "current"  // hash of the refresh token that is valid
	fieldPrevious = "previous" // hash of the one that was rotated last
	fieldRotated  = "rotated"  // Unix time, ms: when that was
	fieldIssue    = "issue"    // JSON: times of the tokens that were issued then
)

// owner returns the value of fieldOwner for a user.
func owner(pool, user string) string { return strconv.Quote(pool) + " " + strconv.Quote(user) }

// LoginsOf describes the records of a user of a pool, which end with their deletion.
func LoginsOf(pool, user string) kv.Selection {
	return kv.Selection{Names: loginRecord("*"), Field: fieldOwner, Value: owner(pool, user)}
}

// Begin stores the authorization of a login, and returns what its first tokens are made
// from. If the login was revoked before, nothing is stored, and the tokens are revoked like those
// that were issued before a revocation. A second call for a sid is ErrInvalid.
func (s *Store) Begin(ctx context.Context, sid string, l Login, t Lifetimes) (Grant, error) {
	now := s.Now()
	ends := now.Add(l.lifetime(t))
	text, err := json.Marshal(l)
	if err != nil {
		return Grant{}, fmt.Errorf("authorization: %w", err)
	}
	set := map[string]string{fieldLogin: string(text), fieldOwner: owner(l.Pool, l.User.ID), fieldEnds: millis(ends)}
	g := newIssue(now, ends, t).grant(sid, l, l.Scope)
	g.AccessID = newID()
	if l.Scope.Has(offlineAccess) {
		salt := string(secret.Random())
		g.Refresh = newRefreshToken(salt, sid, string(secret.Random())).text()
		set[fieldSalt], set[fieldCurrent] = salt, hash(g.Refresh)
	}
	stored, done, err := s.records.Change(ctx, loginRecord(sid), kv.Change{
		If: map[string]string{fieldRevoked: "", fieldLogin: ""}, Set: set, Expiry: ends,
	})
	if err == nil && !done && stored[fieldRevoked] == "" {
		err = ErrInvalid
	}
	if err != nil {
		return Grant{}, err
	}
	return g, nil
}

// lifetime returns how long the authorization lasts: that of its longest token.
func (l Login) lifetime(t Lifetimes) time.Duration {
	if l.Scope.Has(offlineAccess) {
		return t.Refresh
	}
	return max(t.Access, t.ID)
}

// Active returns the authorization of an access token with this sid and jti.
func (s *Store) Active(ctx context.Context, sid, id string) (Login, error) {
	found, err := s.records.Get(ctx, loginRecord(sid), tokenRecord(id))
	if err != nil {
		return Login{}, err
	}
	if found[1][fieldRevoked] != "" {
		return Login{}, ErrInvalid
	}
	r, err := readRecord(sid, found[0])
	return r.login, err
}

// Revoke revokes all tokens of a login, also those whose record is stored later. It deletes
// what is stored about the user. The mark is kept for the longest of the lifetimes.
func (s *Store) Revoke(ctx context.Context, sid string, t Lifetimes) error {
	return s.revoke(ctx, sid, s.Now().Add(max(t.Access, t.ID, t.Refresh)))
}

// End revokes all tokens of a client's login that has not ended, and returns it. It is
// ErrInvalid if there is nothing to revoke.
func (s *Store) End(ctx context.Context, sid, pool, client string) (Login, error) {
	found, err := s.records.Get(ctx, loginRecord(sid))
	if err != nil {
		return Login{}, err
	}
	r, err := readRecord(sid, found[0])
	if err == nil && (r.login.Pool != pool || r.login.Client != client) {
		err = ErrInvalid
	}
	if err != nil {
		return Login{}, err
	}
	return r.login, s.revoke(ctx, sid, r.ends)
}

func (s *Store) revoke(ctx context.Context, sid string, until time.Time) error {
	_, _, err := s.records.Change(ctx, loginRecord(sid), kv.Change{
		Set: map[string]string{fieldRevoked: "1", fieldLogin: "", fieldOwner: ""}, Expiry: until, Durable: true,
	})
	return err
}

// RevokeAccess revokes one access token, which expires at until.
func (s *Store) RevokeAccess(ctx context.Context, id string, until time.Time) error {
	_, _, err := s.records.Change(ctx, tokenRecord(id), kv.Change{
		Set: map[string]string{fieldRevoked: "1"}, Expiry: until, Durable: true,
	})
	return err
}

// record is a stored authorization.
type record struct {
	sid   string
	login Login
	ends  time.Time

	salt, current, previous string
	rotated                 time.Time
	issue                   issue
}

// readRecord returns the record of a login; ErrInvalid if there is none, or if it was revoked.
func readRecord(sid string, fields map[string]string) (record, error) {
	if fields[fieldRevoked] != "" || fields[fieldLogin] == "" {
		return record{}, ErrInvalid
	}
	r := record{
		sid: sid, ends: fromMillis(fields[fieldEnds]), rotated: fromMillis(fields[fieldRotated]),
		salt: fields[fieldSalt], current: fields[fieldCurrent], previous: fields[fieldPrevious],
	}
	d := json.NewDecoder(strings.NewReader(fields[fieldLogin]))
	d.UseNumber() // numbers of the user's claims are not rounded
	if err := d.Decode(&r.login); err != nil {
		return record{}, fmt.Errorf("%w: invalid record: %w", ErrInvalid, err)
	}
	if text := fields[fieldIssue]; text != "" {
		if err := json.Unmarshal([]byte(text), &r.issue); err != nil {
			return record{}, fmt.Errorf("%w: invalid record: %w", ErrInvalid, err)
		}
	}
	return r, nil
}

// issue are the times of tokens that are issued together, in Unix seconds.
type issue struct {
	At     int64 `json:"at"`
	Access int64 `json:"access"` // expiry
	ID     int64 `json:"id"`     // expiry
}

// newIssue returns the times of tokens issued now, which do not outlive the authorization.
func newIssue(now, ends time.Time, t Lifetimes) issue {
	until := func(d time.Duration) int64 { return min(now.Add(d).Unix(), ends.Unix()) }
	return issue{At: now.Unix(), Access: until(t.Access), ID: until(t.ID)}
}

func (i issue) grant(sid string, l Login, scope Scope) Grant {
	return Grant{
		Login: l, SID: sid, Scope: scope,
		Issued: time.Unix(i.At, 0), AccessExpires: time.Unix(i.Access, 0), IDExpires: time.Unix(i.ID, 0),
	}
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func fromMillis(text string) time.Time {
	ms, _ := strconv.ParseInt(text, 10, 64) // what this package wrote, or 0
	return time.UnixMilli(ms)
}
