package authorization

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
)

// RepeatWindow is how long a refresh token may be repeated after its first use, from the
// contract: a client whose connection broke tries again within seconds.
const RepeatWindow = 10 * time.Second

// RefreshRequest is what a client that has authenticated asks for.
type RefreshRequest struct {
	Pool, Client string
	Token        string
	Scope        Scope     // "": all that the user authorized
	Lifetimes    Lifetimes // of the client; Refresh is not used: a login ends when it began to
}

// Refresh replaces a refresh token, and returns what its successor and the other tokens are
// made from. Within RepeatWindow the last replaced token gives the same result again; any other
// spent token is ErrReused, with which only Login and SID are set. Other errors, ErrInvalid and
// ErrScope, change nothing.
func (s *Store) Refresh(ctx context.Context, req RefreshRequest) (Grant, error) {
	t, r, err := s.find(ctx, req.Token, req.Pool, req.Client)
	if err != nil {
		return Grant{}, err
	}
	scope, err := r.login.Scope.narrow(req.Scope)
	if err != nil {
		return Grant{}, err
	}
	now := s.Now()
	if r.decide(t, now) == rotate {
		if r, err = s.rotate(ctx, r, t, newIssue(now, r.ends, req.Lifetimes)); err != nil {
			return Grant{}, err
		}
	}
	if r.decide(t, now) != repeat { // also after the rotation: another node may have decided first
		return Grant{Login: r.login, SID: r.sid}, s.reused(ctx, r)
	}
	next := t.successor(r.salt)
	g := r.issue.grant(r.sid, r.login, scope)
	g.Refresh, g.AccessID = next.text(), next.accessID(r.salt, scope)
	return g, nil
}

// rotate stores the successor of t, unless another call did so before, and returns the record as
// it is then.
func (s *Store) rotate(ctx context.Context, r record, t refreshToken, i issue) (record, error) {
	issued, err := json.Marshal(i)
	if err != nil {
		return record{}, fmt.Errorf("authorization: %w", err)
	}
	old, next := hash(t.text()), hash(t.successor(r.salt).text())
	fields, _, err := s.records.Change(ctx, loginRecord(r.sid), kv.Change{
		If: map[string]string{fieldCurrent: old, fieldRevoked: ""},
		Set: map[string]string{
			fieldCurrent: next, fieldPrevious: old, fieldRotated: millis(s.Now()), fieldIssue: string(issued),
		},
		Expiry: r.ends,
	})
	if err != nil {
		return record{}, err
	}
	return readRecord(r.sid, fields)
}

// reused revokes a login, and returns ErrReused once it is revoked.
func (s *Store) reused(ctx context.Context, r record) error {
	if err := s.revoke(ctx, r.sid, r.ends); err != nil {
		return err
	}
	return ErrReused
}

// find returns a genuine refresh token of a client with its record, whether or not it is spent.
func (s *Store) find(ctx context.Context, token, pool, client string) (refreshToken, record, error) {
	t, err := parseRefreshToken(token)
	if err != nil {
		return t, record{}, err
	}
	found, err := s.records.Get(ctx, loginRecord(t.sid))
	if err != nil {
		return t, record{}, err
	}
	r, err := readRecord(t.sid, found[0])
	if err != nil {
		return t, record{}, err
	}
	if !t.isFrom(r.salt) || r.login.Pool != pool || r.login.Client != client {
		return t, record{}, ErrInvalid
	}
	return t, r, nil
}

// decision is what is done with a refresh token that the login's salt proves to be genuine.
type decision int8

const (
	revoke decision = iota // it was spent before: somebody has a copy
	rotate                 // it is valid
	repeat                 // it was the last one to be rotated, a moment ago
)

// decide is pure.
func (r record) decide(t refreshToken, now time.Time) decision {
	switch shown := hash(t.text()); {
	case isHash(shown, r.current):
		return rotate
	case isHash(shown, r.previous) && now.Sub(r.rotated) <= RepeatWindow:
		return repeat
	}
	return revoke
}

// RefreshToken returns the login of a refresh token that is valid now, without using it, and
// when the login ends.
func (s *Store) RefreshToken(ctx context.Context, token, pool, client string) (l Login, ends time.Time, err error) {
	t, r, err := s.find(ctx, token, pool, client)
	if err == nil && r.decide(t, s.Now()) != rotate {
		err = ErrInvalid
	}
	return r.login, r.ends, err
}

// EndByRefresh is End for the login of a client's refresh token, also of a spent one.
func (s *Store) EndByRefresh(ctx context.Context, token, pool, client string) (Login, error) {
	_, r, err := s.find(ctx, token, pool, client)
	if err != nil {
		return Login{}, err
	}
	return r.login, s.revoke(ctx, r.sid, r.ends)
}
