package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// codeGrant exchanges an authorization code for tokens (RFC 6749, 4.1.3). A second use of a code
// revokes the tokens of the first, also if it comes before they are issued (RFC 9700, 2.1.1).
func (p *Provider) codeGrant(c *call, of *pool.Pool, client *pool.Client) error {
	for _, name := range []string{"code", "redirect_uri"} {
		if c.form[name] == "" {
			return errInvalidRequest.because(name + " is required")
		}
	}
	if p.signer == nil || len(p.signer.Keys()) == 0 {
		return errServer // before the code is spent
	}
	code, err := p.login.RedeemCode(c.r.Context(), c.by, login.RedeemCodeRequest{
		Pool: of, Client: client, Code: c.form["code"], RedirectURI: c.form["redirect_uri"], Verifier: c.form["code_verifier"],
	})
	// The code is spent: a client that disconnects must not keep its tokens from being recorded
	// or revoked.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.r.Context()), recordTime)
	defer cancel()
	if errors.Is(err, login.ErrReplayed) {
		if err := p.authorizations.Revoke(ctx, of.SID(code), lifetimes(client)); err != nil {
			return unavailable(err)
		}
	}
	if err != nil {
		return err
	}
	g, err := p.authorizations.Begin(ctx, of.SID(code), authorizedLogin(code), lifetimes(client))
	switch {
	case errors.Is(err, authorization.ErrInvalid): // a second use of the code was faster
		g = revokedGrant(of.SID(code), authorizedLogin(code), lifetimes(client), p.authorizations.Now())
	case err != nil:
		return unavailable(err)
	}
	return p.writeTokens(c, g, code.Authorization.Nonce)
}

// authorizedLogin returns what the user of a code authorized its client for.
func authorizedLogin(code session.Session) authorization.Login {
	return authorization.Login{
		Pool: code.Pool, Client: code.Authorization.ClientID, Scope: newScope(code.Authorization.Scope), User: code.User,
		AuthTime: code.ConfirmedAt, AMR: []string{"qr"}, // RFC 8176 has no value for it
	}
}

// revokedGrant returns a grant whose tokens are revoked already, by the mark of their login: the
// order of two uses of a code changes no response, only what the tokens are good for.
func revokedGrant(sid string, l authorization.Login, t authorization.Lifetimes, now time.Time) authorization.Grant {
	now = now.Truncate(time.Second)
	return authorization.Grant{
		Login: l, SID: sid, Scope: l.Scope, AccessID: rand.Text(), Issued: now, AccessExpires: now.Add(t.Access), IDExpires: now.Add(t.ID),
	}
}
