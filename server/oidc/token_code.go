package oidc

import (
	"context"
	"errors"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
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
		if err := p.login.RevokeReplayed(ctx, c.by, of, client, code); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	g, err := p.login.BeginTokens(ctx, of, client, code)
	if err != nil {
		return err
	}
	return p.writeTokens(c, g, code.Authorization.Nonce)
}
