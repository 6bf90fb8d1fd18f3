package oidc

import (
	"net/http"
	"slices"
	"strings"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/web"
)

// Bounds of what a request may have stored, in bytes: several times what clients send.
const (
	maxState = 2048
	maxNonce = 512
)

// auth answers the authorization endpoint with the authorization page (RFC 6749, 3.1; OIDC Core
// 3.1.2). A request whose client or redirect URI is invalid gets an error page; all other errors
// go to the redirect URI.
func (p *Provider) auth(c *call) error {
	of, client, err := p.clientOf(c)
	if err != nil {
		return err
	}
	a := &login.Authorization{Issuer: p.login.Issuer(of.ID), AuthorizationRequest: login.AuthorizationRequest{
		Pool: of.ID, ClientID: client.ID, RedirectURI: c.form["redirect_uri"], ResponseMode: login.ModeQuery,
	}}
	if err := p.readRequest(c.form, of, client, a); err != nil {
		return p.answerError(c, a, err)
	}
	cookie := p.RequestCookie(c.r)
	isNew := cookie == ""
	if isNew {
		cookie = newCookieValue()
	}
	id, err := p.login.BeginAuthorization(c.r.Context(), c.by, of, a.AuthorizationRequest, cookie)
	if err != nil {
		return p.answerError(c, a, err)
	}
	if isNew {
		p.setRequestCookie(c.w, cookie)
	}
	web.Authorize(c.w, web.AuthorizePage{
		Site: web.Site{Pool: of.ID, Name: of.Name, Color: of.OwnColor()}, PoolLogo: of.Logo, Client: client.Name, Logo: client.Logo,
		Request: id, Cancel: a.Issuer + "/auth/cancel", Lang: p.pageLang(c), FormAction: formAction(a),
	})
	return nil
}

// clientOf returns the client of an authorization request and its pool. Its errors must not
// redirect: the redirect URI may be an attacker's.
func (p *Provider) clientOf(c *call) (*pool.Pool, *pool.Client, error) {
	of, client := p.login.Client(c.form["client_id"])
	switch {
	case c.form["client_id"] == "":
		return nil, nil, errInvalidRequest.because("client_id is required")
	case client == nil || c.pool != "" && c.pool != of.ID:
		return nil, nil, errInvalidRequest.because("client_id is not a client of this issuer")
	case c.form["redirect_uri"] == "":
		return nil, nil, errInvalidRequest.because("redirect_uri is required")
	case !client.AllowsRedirect(c.form["redirect_uri"]):
		return nil, nil, errInvalidRequest.because("redirect_uri is not one of the client's; they are compared character by character")
	}
	return of, client, nil
}

// readRequest validates the parameters of a request, and stores them in a, beginning with those
// that an error response needs.
func (p *Provider) readRequest(form params, of *pool.Pool, client *pool.Client, a *login.Authorization) error {
	if len(form["state"]) > maxState {
		return errInvalidRequest.because("state is too long")
	}
	a.State = form["state"]
	switch form["response_mode"] {
	case "", login.ModeQuery:
	case login.ModeFormPost:
		a.ResponseMode = login.ModeFormPost
	default:
		return errInvalidRequest.because("response_mode must be query or form_post")
	}
	for _, check := range []func() error{
		func() error { return checkUnsupported(form) },
		func() error { return checkResponseType(form["response_type"]) },
		func() error { return checkPKCE(form, of, client) },
		func() error { return checkPrompt(form) },
		func() error { return readStepUp(form, of, a) },
		func() error { return p.readUserHint(form, a) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	a.Scope = strings.Join(client.Grant(strings.Fields(form["scope"])), " ")
	a.Nonce, a.Challenge = form["nonce"], form["code_challenge"]
	switch {
	case a.Scope == "":
		return errInvalidScope
	case len(a.Nonce) > maxNonce:
		return errInvalidRequest.because("nonce is too long")
	}
	return nil
}

// checkUnsupported refuses parameters that change the meaning of the others (OIDC Core 6.1, 6.2
// and 7.2.1).
func checkUnsupported(form params) error {
	switch {
	case form["request"] != "":
		return errRequest
	case form["request_uri"] != "":
		return errRequestURI
	case form["registration"] != "":
		return errRegistration
	}
	return nil
}

func checkResponseType(text string) error {
	switch text {
	case "code":
		return nil
	case "":
		return errInvalidRequest.because("response_type is required")
	}
	return errResponseType
}

// checkPKCE refuses a request without a challenge if the client or its pool requires one, and
// every method but S256: without a method, the challenge would be the verifier (RFC 7636, 4.3).
func checkPKCE(form params, of *pool.Pool, client *pool.Client) error {
	challenge, method := form["code_challenge"], form["code_challenge_method"]
	switch {
	case challenge == "" && (client.RequirePKCE || of.RequirePKCE):
		return errInvalidRequest.because("code_challenge is required (PKCE, RFC 7636)")
	case challenge != "" && method != "S256", challenge == "" && method != "":
		return errInvalidRequest.because("code_challenge_method must be S256, with a code_challenge")
	}
	if login.CheckChallenge(challenge, method) != nil {
		return errInvalidRequest.because("code_challenge must be 43 base64url characters: the SHA-256 of the verifier")
	}
	return nil
}

// checkPrompt reads prompt. There is no session at this server: each request is a new login, so
// prompt=none always fails, and every other value is satisfied.
func checkPrompt(form params) error {
	prompts := strings.Fields(form["prompt"])
	if slices.Contains(prompts, "none") {
		if len(prompts) > 1 {
			return errInvalidRequest.because("prompt=none cannot be combined with other values")
		}
		return errLoginRequired
	}
	return nil
}

// readUserHint reads id_token_hint: the user for whom alone the request is answered with a code (OIDC
// Core 3.1.2.2). A token that cannot be verified is refused, since ignoring it would answer for any user.
func (p *Provider) readUserHint(form params, a *login.Authorization) error {
	hint := form["id_token_hint"]
	if hint == "" {
		return nil
	}
	t, err := p.signer.ReadID(hint, a.Issuer)
	if err != nil {
		return errInvalidRequest.because("id_token_hint is not an ID token of this issuer")
	}
	a.User = t.Subject
	return nil
}

// answerError returns an error to the client by way of the browser.
func (p *Provider) answerError(c *call, a *login.Authorization, err error) error {
	row, description := describe(err)
	p.logError(c, row, err)
	p.login.EmitRefused(c.by, c.endpoint.call(), row.name)
	p.redirect(c, a, a.Answer(map[string]string{"error": row.name, "error_description": description}))
	return nil
}

// redirect sends the browser to the client. 303 makes it a GET without a body (RFC 9700, 4.12).
func (p *Provider) redirect(c *call, a *login.Authorization, to login.Redirect) {
	if to.Fields != nil {
		web.FormPost(c.w, web.FormPostPage{Action: to.URL, Fields: to.Fields, Lang: p.pageLang(c), FormAction: formAction(a)})
		return
	}
	h := c.w.Header()
	h.Set("Location", to.URL)
	h.Set("Referrer-Policy", "no-referrer")
	c.w.WriteHeader(http.StatusSeeOther)
}

// formAction returns where the forms of the authorization page lead besides this server, for its
// content security policy. Browsers apply it to redirects too, and what a client answers to an
// authorization response is often a redirect to another of its hosts: any host is allowed.
func formAction(a *login.Authorization) string {
	scheme, _, _ := strings.Cut(a.RedirectURI, ":")
	if scheme == "http" { // of this machine
		return "http: https:"
	}
	return scheme + ":"
}
