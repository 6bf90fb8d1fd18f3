package login

import (
	"context"
	"fmt"
	"slices"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// A typed code stands for a code until its first scan, for users who cannot scan. It is derived
// from the code (see pool.TypedCode). The records of all nodes have, under a keyed hash of the
// typed code, whose it is.
const (
	typedPrefix = "typed:" // of the names of these records
	typedOwner  = "code"   // their field, the id of the code
)

// TypedCode returns the typed code of a view's code, as `WDJB-MJHT`: always the same one. It is
// valid in the pool, until the code is scanned or ends.
//
// Errors: ErrTypedCodesOff, ErrCredentials if the caller is not the browser, session.ErrUsed if
// the code was scanned, session.ErrOver if it has ended, TooMany, ErrUnavailable.
func (s *Service) TypedCode(ctx context.Context, v View) (string, error) {
	switch st := v.Code.Status; {
	case !v.Pool.TypedCodes:
		return "", ErrTypedCodesOff
	case !v.IsBrowser:
		return "", ErrCredentials
	case st.Over() || v.Pool.TypedCode(v.Code, 0) == "": // the secret that derives it was removed
		return "", session.ErrOver
	case st != session.Waiting:
		return "", session.ErrUsed
	}
	if err := s.countLook(string(v.Code.ID) + " typed"); err != nil {
		return "", err
	}
	var typed string
	err := s.withStore(ctx, func(ctx context.Context) error {
		n, err := s.claimTyped(ctx, v.Pool, v.Code)
		typed = v.Pool.TypedCode(v.Code, n)
		return err
	})
	return typed, err
}

// claimTyped returns the number of the typed code that belongs to a code. If none does, it claims
// the first one that belongs to no other code.
func (s *Service) claimTyped(ctx context.Context, p *pool.Pool, code session.Session) (int, error) {
	var names [pool.TypedCodes]string
	for n := range names {
		names[n] = typedPrefix + p.TypedName(code, p.TypedCode(code, n))
	}
	id := string(code.ID)
	records, err := s.records.Get(ctx, names[:]...)
	if err != nil {
		return 0, err
	}
	if n := slices.IndexFunc(records, func(r map[string]string) bool { return r[typedOwner] == id }); n >= 0 {
		return n, nil
	}
	claim := kv.Change{If: map[string]string{typedOwner: ""}, Set: map[string]string{typedOwner: id}, Expiry: code.ExpiresAt}
	for n, name := range names {
		_, isOwn, err := s.records.Change(ctx, name, claim)
		if err != nil {
			return 0, err
		}
		if isOwn {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%d typed codes belong to other codes", len(names)) // with 30,000 codes, one in 10^23
}

// findTyped returns the code that a typed code of p belongs to, or session.ErrNotFound.
func (s *Service) findTyped(ctx context.Context, p *pool.Pool, typed string) (id session.ID, err error) {
	names := p.TypedNames(typed)
	for i := range names {
		names[i] = typedPrefix + names[i]
	}
	var records []map[string]string
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		records, err = s.records.Get(ctx, names...)
		return err
	})
	if err != nil {
		return "", err
	}
	for _, record := range records {
		if id, err := session.ParseID(record[typedOwner]); err == nil {
			return id, nil
		}
	}
	return "", session.ErrNotFound
}
