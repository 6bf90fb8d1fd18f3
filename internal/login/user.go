package login

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/session"
)

// FullUser is the user who confirmed a code, with a token if tokens are issued.
type FullUser struct {
	session.User
	Token          string    // "" if there is none
	TokenExpiresAt time.Time // zero if there is none
}

func (s *Service) fullUser(p *pool.Pool, code session.Session) (FullUser, error) {
	text, expires, err := s.signer.Token(p, code)
	if err != nil && !errors.Is(err, token.ErrNone) {
		return FullUser{}, err
	}
	return FullUser{User: code.User, Token: text, TokenExpiresAt: expires}, nil
}

// IdentifyTime bounds what an issuer may take to identify the user.
const IdentifyTime = 10 * time.Second

// freshEnough is how old an issuer's answer may be when the user confirms.
const freshEnough = 10 * time.Second

// phoneUser returns the phone's user: the one that its token names, or the one that the
// app's back end names. The phone belongs to pool own, the code to p.
func (s *Service) phoneUser(ctx context.Context, by *Caller, req PhoneRequest, own, p *pool.Pool) (session.User, error) {
	if by.Credentials != nil {
		if !by.isSite {
			return session.User{}, s.wrongCredentials(by)
		}
		return vouchedUser(req.User, p, by.site)
	}
	if req.Token == "" {
		return session.User{}, ErrNotLoggedIn
	}
	ctx, cancel := context.WithTimeout(ctx, IdentifyTime)
	defer cancel()
	user, err := identify(ctx, own, req.Token, s.store.Now(), req.maxAge)
	switch {
	case err == nil && own.ID != p.ID:
		return session.User{}, ErrOtherPool
	case errors.Is(err, identity.ErrRefused) && identity.AcceptedByAny(ctx, req.Token, s.store.Now(), s.pools.IdentitiesExcept(own)):
		return session.User{}, fmt.Errorf("%w: %w", ErrOtherPool, err)
	}
	return user, err
}

// identify asks a pool's identity for the user of a token. A pool without identity accepts
// no token.
func identify(ctx context.Context, p *pool.Pool, token string, now time.Time, maxAge time.Duration) (session.User, error) {
	if p.Identity == nil {
		return session.User{}, fmt.Errorf("pool %s: %w", p.ID, ErrNoIdentity)
	}
	user, err := p.Identity.Identify(ctx, token, now, maxAge)
	if err != nil {
		return session.User{}, fmt.Errorf("pool %s: %w", p.ID, err)
	}
	return user, nil
}

// vouchedUser returns the user that the back end of the pool site names for a code of pool p.
func vouchedUser(user *session.User, p, site *pool.Pool) (session.User, error) {
	switch {
	case site.ID != p.ID:
		return session.User{}, ErrOtherPool
	case !p.AllowsVouching():
		return session.User{}, fmt.Errorf("pool %s: %w", p.ID, ErrNoVouching)
	case user == nil || user.ID == "":
		return session.User{}, FieldError{"user.id", Required}
	}
	u, err := user.Bounded()
	switch {
	case errors.Is(err, session.ErrUsername):
		return session.User{}, FieldError{"user.username", NotUsername}
	case err != nil:
		return session.User{}, FieldError{"user.id", NotUserID}
	}
	return u, nil
}
