package oidc

import (
	"context"
	"errors"
	"net/http"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
)

// ExchangeTicket exchanges a ticket for the tokens of an OAuth client, once: all of the client's
// scopes, without nonce. req has no client yet; shown are its credentials. Errors: those of
// [login.Service.AuthenticateClient] and [login.Service.RedeemTicket].
func (p *Provider) ExchangeTicket(ctx context.Context, by *login.Caller, shown login.Credentials, req login.RedeemTicketRequest) (Tokens, error) {
	of, client, err := p.login.AuthenticateClient(ctx, by, shown)
	if err != nil {
		return Tokens{}, err
	}
	if p.signer == nil || len(p.signer.Keys()) == 0 {
		return Tokens{}, login.ErrUnavailable // before the ticket is spent
	}
	req.Client = client
	code, err := p.login.RedeemTicket(ctx, by, of, req)
	if err != nil {
		return Tokens{}, err
	}
	// The ticket is spent: a client that disconnects must not keep its tokens from being recorded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	g, err := p.login.BeginTokens(ctx, of, client, code)
	if errors.Is(err, login.ErrGrant) {
		err = login.ErrTicket
	}
	if err != nil {
		return Tokens{}, err
	}
	return p.sign(g, "")
}

// ReadUser returns the user of an access token as far as its scope grants, and the scope. r names
// the pool as the requests below the shared path do. Errors: [login.ErrNotLoggedIn], if UserInfo
// would refuse the token; [login.ErrUnavailable].
func (p *Provider) ReadUser(r *http.Request, by *login.Caller, text string) (session.User, []string, error) {
	of, t, err := p.readAccess(&call{r: r, by: by}, text)
	if err != nil {
		return session.User{}, nil, login.ErrNotLoggedIn
	}
	l, err := p.login.LoginOfAccess(r.Context(), of, t)
	if errors.Is(err, authorization.ErrInvalid) || err == nil && !authorization.Scope(t.Scope).Has("openid") {
		err = login.ErrNotLoggedIn
	}
	if err != nil {
		return session.User{}, nil, err
	}
	return l.User, authorization.Scope(t.Scope).Names(), nil
}
