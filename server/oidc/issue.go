package oidc

import (
	"net/http"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
)

// Tokens is the response of the token endpoint (RFC 6749, 5.1; OIDC Core 3.1.3.3).
type Tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"` // with the scope openid
	Scope        string `json:"scope"`
}

// writeTokens answers with the tokens of a grant. nonce is as in sign.
func (p *Provider) writeTokens(c *call, g authorization.Grant, nonce string) error {
	out, err := p.sign(g, nonce)
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, out)
}

// sign returns the tokens of a grant. nonce is that of the authorization request, "" for a
// refresh (OIDC Core 12.2) and for a ticket.
func (p *Provider) sign(g authorization.Grant, nonce string) (Tokens, error) {
	issuer := p.login.Issuer(g.Pool)
	access, err := p.signer.SignAccess(token.AccessToken{
		Issuer: issuer, Subject: g.User.ID, Client: g.Client, Scope: string(g.Scope), ID: g.AccessID, SID: g.SID, Issued: g.Issued, Expires: g.AccessExpires,
		AuthTime: g.AuthTime, ACR: g.ACR,
	})
	if err != nil {
		return Tokens{}, err
	}
	out := Tokens{
		AccessToken: access, TokenType: "Bearer", ExpiresIn: int64(g.AccessExpires.Sub(g.Issued).Seconds()),
		RefreshToken: g.Refresh, Scope: string(g.Scope),
	}
	if g.Scope.Has(pool.ScopeOpenID) {
		out.IDToken, err = p.signer.SignID(token.IDToken{
			Issuer: issuer, Subject: g.User.ID, Client: g.Client, Issued: g.Issued, Expires: g.IDExpires,
			AuthTime: g.AuthTime, Nonce: nonce, ACR: g.ACR, AMR: g.AMR, SID: g.SID, AccessToken: access,
		})
	}
	return out, err
}
