package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/session"
)

func lifetimes(c *pool.Client) authorization.Lifetimes {
	return authorization.Lifetimes{Access: c.AccessTokenTTL, ID: c.IDTokenTTL, Refresh: c.RefreshTokenTTL}
}

// loginOf returns the login of a user at the client that a confirmed code of p was created for.
func loginOf(p *pool.Pool, code session.Session) authorization.Login {
	auth := code.User.Auth
	methods := append([]string{qrMethod}, slices.DeleteFunc(slices.Clone(auth.AMR), func(m string) bool { return m == qrMethod })...)
	return authorization.Login{
		Pool: code.Pool, Client: code.Authorization.ClientID, Scope: authorization.Scope(strings.Join(strings.Fields(code.Authorization.Scope), " ")),
		User: code.User, AuthTime: authTime(p, code), AMR: methods, ACR: auth.ACR,
	}
}

// qrMethod is the authentication method of every login; RFC 8176 has no value for it.
const qrMethod = "qr"

// authTime returns when the user authenticated, in whole seconds: at the login to the app if the
// phone's token stated its time, else at the confirm. In a pool without step-up, the confirm is the
// authentication that max_age asks for (OIDC Core 3.1.2.1). It is never later than the confirm.
func authTime(p *pool.Pool, code session.Session) time.Time {
	confirmed := code.ConfirmedAt.UTC().Truncate(time.Second)
	stated := time.Unix(code.User.Auth.Time, 0).UTC()
	if code.User.Auth.Time == 0 || stated.After(confirmed) || p.StepUp.IsZero() && code.StepUp.MaxAge > 0 {
		return confirmed
	}
	return stated
}

// BeginTokens stores the login of a code that its client redeemed, and returns what its tokens
// are made from. If the code was used a second time meanwhile, they are revoked already. Errors:
// ErrGrant, if the pool no longer accepts the secret of the code; ErrUnavailable.
func (s *Service) BeginTokens(ctx context.Context, p *pool.Pool, c *pool.Client, code session.Session) (g authorization.Grant, err error) {
	sid := p.SID(code)
	if sid == "" {
		return g, ErrGrant
	}
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		g, err = s.logins.Begin(ctx, sid, loginOf(p, code), lifetimes(c))
		return err
	})
	return g, asGrant(err)
}

// asGrant returns authorization.ErrInvalid as ErrGrant.
func asGrant(err error) error {
	if errors.Is(err, authorization.ErrInvalid) {
		return fmt.Errorf("%w: %w", ErrGrant, err)
	}
	return err
}

// RevokeReplayed revokes the tokens of a code that was used a second time, whether or not they
// were issued before. The error is ErrUnavailable.
func (s *Service) RevokeReplayed(ctx context.Context, by *Caller, p *pool.Pool, c *pool.Client, code session.Session) error {
	err := s.withStore(ctx, func(ctx context.Context) error { return s.logins.Revoke(ctx, p.SID(code), lifetimes(c)) })
	if err == nil {
		s.emitTokens(by, session.EventTokenReused, loginOf(p, code))
	}
	return err
}

// RefreshTokens replaces a refresh token of a client that has authenticated. scope may be less
// than the user authorized; "" is all of it. A token that was spent before revokes its login.
// Errors: ErrGrant, authorization.ErrScope, TooMany, ErrUnavailable.
func (s *Service) RefreshTokens(ctx context.Context, by *Caller, p *pool.Pool, c *pool.Client, shown RefreshToken) (g authorization.Grant, err error) {
	if err := s.checkGuesses(by, session.Session{}); err != nil {
		return g, err
	}
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		g, err = s.logins.Refresh(ctx, authorization.RefreshRequest{
			Pool: p.ID, Client: c.ID, Token: shown.Token, Scope: authorization.Scope(shown.Scope), Lifetimes: lifetimes(c),
		})
		return err
	})
	if errors.Is(err, authorization.ErrReused) {
		s.emitTokens(by, session.EventTokenReused, g.Login)
	}
	if err != nil {
		return authorization.Grant{}, s.countFailure(ctx, by, asGrant(err))
	}
	return g, nil
}

// RefreshToken is a refresh token with the scope that a client requests; "": all that the user
// authorized.
type RefreshToken struct{ Token, Scope string }

// LoginOfAccess returns the login of a verified access token. Errors: authorization.ErrInvalid, if
// it was revoked or its client no longer exists; ErrUnavailable.
func (s *Service) LoginOfAccess(ctx context.Context, p *pool.Pool, t token.AccessToken) (l authorization.Login, err error) {
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		l, err = s.logins.Active(ctx, t.SID, t.ID)
		return err
	})
	if err != nil {
		return l, err
	}
	own, c := s.pools.Client(t.Client)
	if c == nil || own.ID != p.ID || l.Pool != p.ID || l.Client != t.Client {
		return authorization.Login{}, authorization.ErrInvalid
	}
	return l, nil
}

// LoginOfRefresh returns the login of a client's refresh token, and when it ends. Errors:
// authorization.ErrInvalid, ErrUnavailable.
func (s *Service) LoginOfRefresh(ctx context.Context, p *pool.Pool, c *pool.Client, text string) (l authorization.Login, ends time.Time, err error) {
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		l, ends, err = s.logins.RefreshToken(ctx, text, p.ID, c.ID)
		return err
	})
	return l, ends, err
}

// RevokeRefresh revokes the login of a client's refresh token. Errors: as LoginOfRefresh.
func (s *Service) RevokeRefresh(ctx context.Context, by *Caller, p *pool.Pool, c *pool.Client, text string) error {
	return s.endLogin(ctx, by, func(ctx context.Context) (authorization.Login, error) {
		return s.logins.EndByRefresh(ctx, text, p.ID, c.ID)
	})
}

// EndLogin revokes the tokens of a login at a client. Errors: as LoginOfRefresh.
func (s *Service) EndLogin(ctx context.Context, by *Caller, p *pool.Pool, c *pool.Client, sid string) error {
	return s.endLogin(ctx, by, func(ctx context.Context) (authorization.Login, error) {
		return s.logins.End(ctx, sid, p.ID, c.ID)
	})
}

func (s *Service) endLogin(ctx context.Context, by *Caller, end func(context.Context) (authorization.Login, error)) error {
	var l authorization.Login
	err := s.withStore(ctx, func(ctx context.Context) (err error) {
		l, err = end(ctx)
		return err
	})
	if err == nil {
		s.emitTokens(by, session.EventTokensRevoked, l)
	}
	return err
}

// RevokeAccess revokes a verified access token alone. The error is ErrUnavailable.
func (s *Service) RevokeAccess(ctx context.Context, by *Caller, p *pool.Pool, t token.AccessToken) error {
	err := s.withStore(ctx, func(ctx context.Context) error { return s.logins.RevokeAccess(ctx, t.ID, t.Expires) })
	if err == nil {
		s.emitTokens(by, session.EventTokensRevoked, authorization.Login{Pool: p.ID, Client: t.Client, User: session.User{ID: t.Subject}})
	}
	return err
}
