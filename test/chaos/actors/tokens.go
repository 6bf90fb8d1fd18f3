package actors

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// tokens are those of one answer.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

// grant is an authorization code.
type grant string

// code is the login code that the authorization code is of.
func (g grant) code() string {
	id, _, _ := strings.Cut(string(g), ".")
	return id
}

// exchange exchanges an authorization code on a node.
func (c *client) exchange(ctx context.Context, node int, g grant) (tokens, int) {
	return c.tokenCall(ctx, history.Event{Action: history.Exchange, Code: g.code(), Node: node}, c.exchangeForm(g))
}

func (c *client) exchangeForm(g grant) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {string(g)}, "redirect_uri": {c.RedirectURI}, "code_verifier": {c.asked.verifier}}
}

// exchangeWith is exchange with another verifier, which must have no effect.
func (c *client) exchangeWith(ctx context.Context, node int, g grant, verifier string) {
	form := c.exchangeForm(g)
	form.Set("code_verifier", verifier)
	c.tokenCall(ctx, history.Event{Action: history.Exchange, Code: g.code(), Node: node, Foreign: true}, form)
}

// refresh replaces a refresh token of the login with a code on a node.
func (c *client) refresh(ctx context.Context, node int, code, token string) (tokens, int) {
	return c.tokenCall(ctx, history.Event{Action: history.Refresh, Code: code, Node: node, Token: fingerprint(token)}, refreshForm(token))
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// steal tries to use another client's code and refresh token, which must have no effect.
func (c *client) steal(ctx context.Context, node int, g grant, token string) {
	c.tokenCall(ctx, history.Event{Action: history.Exchange, Code: g.code(), Node: node, Foreign: true}, c.exchangeForm(g))
	if token != "" {
		c.tokenCall(ctx, history.Event{Action: history.Refresh, Code: g.code(), Node: node, Foreign: true, Token: fingerprint(token)}, refreshForm(token))
	}
}

// tokenCall makes a request to the token endpoint, and records it as like describes it.
func (c *client) tokenCall(ctx context.Context, like history.Event, form url.Values) (got tokens, answer int) {
	a, e := c.env.callEndpoint(ctx, like.Action, "client "+c.ID, endpointRequest{
		node: like.Node, pool: c.pool.ID, path: "token", header: c.authenticate(form), form: form,
	})
	e.Code, e.Foreign, e.Token, e.Client = like.Code, like.Foreign, like.Token, c.ID
	if e.Answer == history.OK {
		if json.Unmarshal(a.body, &got) != nil {
			e.Answer = history.Malformed
		}
		e.Tokens = &history.Tokens{
			AccessToken: fingerprint(got.Access), RefreshToken: fingerprint(got.Refresh),
			Access: c.env.claims(got.Access), ID: c.env.claims(got.ID),
		}
		e.User = e.Tokens.ID.Subject
	}
	c.env.Log.Add(e)
	return got, e.Answer
}

// authenticate adds the client's credentials to a form, or returns the header that has them.
func (c *client) authenticate(form url.Values) http.Header {
	if c.Secret == "" {
		form.Set("client_id", c.ID)
		return nil
	}
	r := http.Request{Header: make(http.Header)}
	r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	return r.Header
}

// userinfo requests the user of an access token.
func (c *client) userinfo(ctx context.Context, node int, code, token string) int {
	a, e := c.env.callEndpoint(ctx, history.UserInfo, "client "+c.ID, endpointRequest{
		node: node, pool: c.pool.ID, path: "me", header: http.Header{"Authorization": {"Bearer " + token}},
	})
	e.Code, e.Token, e.Client = code, fingerprint(token), c.ID
	var user struct{ Sub string }
	if e.Answer == history.OK && json.Unmarshal(a.body, &user) != nil {
		e.Answer = history.Malformed
	}
	e.User = user.Sub
	c.env.Log.Add(e)
	return e.Answer
}

// introspect asks whether a token is valid. The client needs a secret.
func (c *client) introspect(ctx context.Context, node int, code, token string) int {
	form := url.Values{"token": {token}}
	a, e := c.env.callEndpoint(ctx, history.Introspect, "client "+c.ID, endpointRequest{
		node: node, pool: c.pool.ID, path: "token/introspection", header: c.authenticate(form), form: form,
	})
	e.Code, e.Token, e.Client = code, fingerprint(token), c.ID
	var found struct {
		Active             bool
		Iss, Sub, SID, JTI string
		Client             string `json:"client_id"`
	}
	switch {
	case e.Answer != history.OK:
	case json.Unmarshal(a.body, &found) != nil:
		e.Answer = history.Malformed
	case !found.Active:
		e.Answer = history.Refused
	default:
		e.User = found.Sub
		e.Tokens = &history.Tokens{Access: history.Claims{Issuer: found.Iss, Subject: found.Sub, Client: found.Client, SID: found.SID, JTI: found.JTI}}
	}
	c.env.Log.Add(e)
	return e.Answer
}

// fingerprint is a token in the history; "" if there is none.
func fingerprint(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}

// claims returns the claims of a token that the nodes signed; none of any other.
func (env *Environment) claims(token string) history.Claims {
	var all struct {
		jwt.RegisteredClaims
		Client string `json:"client_id"`
		SID    string `json:"sid"`
		Nonce  string `json:"nonce"`
	}
	_, err := jwt.ParseWithClaims(token, &all, func(*jwt.Token) (any, error) { return env.TokenKey, nil },
		jwt.WithValidMethods([]string{"ES256"}))
	if err != nil {
		return history.Claims{}
	}
	if all.Client == "" && len(all.Audience) == 1 { // an ID token
		all.Client = all.Audience[0]
	}
	return history.Claims{Issuer: all.Issuer, Subject: all.Subject, Client: all.Client, SID: all.SID, Nonce: all.Nonce, JTI: all.ID}
}
