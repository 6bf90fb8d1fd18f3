package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/web"
)

// endSession answers RP-Initiated Logout 1.0. There is no session of a browser here: each login
// needs the phone. What can be ended is the login at the client, with its refresh token, and only
// an ID token of that login (id_token_hint) says which one. Without one nothing happens, so another
// site cannot log anybody out; the page then asks the user to continue to the client, instead of
// being redirected.
func (p *Provider) endSession(c *call) error {
	of, client, sid, err := p.readHint(c)
	if err != nil {
		return err
	}
	back, err := returnAddress(c, client)
	if err != nil {
		return err
	}
	page := web.LoggedOutPage{Lang: p.pageLang(c), Continue: back}
	if of != nil {
		page.Site = web.Site{Pool: of.ID, Name: of.Name, Color: of.OwnColor()}
	}
	if client != nil {
		page.Client = client.Name
	}
	if sid == "" {
		web.LoggedOut(c.w, page)
		return nil
	}
	err = p.login.EndLogin(c.r.Context(), c.by, of, client, sid)
	if err != nil && !errors.Is(err, authorization.ErrInvalid) { // which has ended before
		return err
	}
	if back == "" {
		page.Ended = true
		web.LoggedOut(c.w, page)
		return nil
	}
	c.w.Header().Set("Location", back)
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// readHint returns the client that a logout is about, and the login that the hint proves; sid is
// "" without a hint, and client is nil if the request names none.
func (p *Provider) readHint(c *call) (of *pool.Pool, client *pool.Client, sid string, err error) {
	hint, clientID := c.form["id_token_hint"], c.form["client_id"]
	if hint == "" {
		of, client = p.login.Client(clientID)
		if clientID != "" && (client == nil || c.pool != "" && of.ID != c.pool) {
			return nil, nil, "", errInvalidRequest.because("client_id is not a client of this issuer")
		}
		return of, client, "", nil
	}
	poolID := c.pool
	if poolID == "" {
		poolID, _ = strings.CutPrefix(token.ClaimedIssuer(hint), p.login.Issuer(""))
	}
	t, err := p.signer.ReadID(hint, p.login.Issuer(poolID))
	if err != nil {
		return nil, nil, "", errInvalidRequest.because("id_token_hint is not an ID token of this issuer")
	}
	of, client = p.login.Client(t.Client)
	if client == nil || of.ID != poolID || clientID != "" && clientID != t.Client {
		return nil, nil, "", errInvalidRequest.because("id_token_hint is of another client than client_id, or of one that no longer exists")
	}
	return of, client, t.SID, nil
}

// returnAddress returns where the user continues after the logout; "" if the request does not say.
// It is an address that the client registered, character by character, or an error.
func returnAddress(c *call, client *pool.Client) (string, error) {
	address := c.form["post_logout_redirect_uri"]
	switch {
	case address == "":
		return "", nil
	case client == nil:
		return "", errInvalidRequest.because("post_logout_redirect_uri needs id_token_hint or client_id")
	case !slices.Contains(client.PostLogoutRedirectURIs, address):
		return "", errInvalidRequest.because("post_logout_redirect_uri is not one of the client's; they are compared character by character")
	}
	state := c.form["state"]
	if len(state) > maxState {
		return "", errInvalidRequest.because("state is too long")
	}
	if state == "" {
		return address, nil
	}
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + url.Values{"state": {state}}.Encode(), nil
}
