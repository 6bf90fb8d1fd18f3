package actors

import (
	"context"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// client is an OAuth client during one login: it sends the browser to the authorization
// page, and exchanges the code with which the browser returns.
type client struct {
	Client
	env   *Environment
	pool  Pool
	asked authorizationRequest
}

// authorizationRequest is the request of a login. The browser that sent it has id and cookie.
type authorizationRequest struct {
	id, cookie             string
	state, nonce, verifier string
}

// requestID finds the id of the request in the authorization page.
var requestID = regexp.MustCompile(`<scan-login [^>]*request="([A-Za-z0-9_-]+)"`)

// begin sends the page to the authorization endpoint, until a node shows the page.
func (c *client) begin(ctx context.Context, rnd *rand.Rand, page string) bool {
	return retry(ctx, rnd, func() int {
		asked := authorizationRequest{state: cryptorand.Text(), nonce: cryptorand.Text(), verifier: cryptorand.Text() + cryptorand.Text()}
		challenge := sha256.Sum256([]byte(asked.verifier))
		a, e := c.env.callEndpoint(ctx, history.Authorize, page, endpointRequest{
			node: c.env.randomNode(rnd), pool: c.pool.ID, path: "auth", query: url.Values{
				"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.RedirectURI}, "scope": {"openid profile offline_access"},
				"state": {asked.state}, "nonce": {asked.nonce}, "response_mode": {[]string{"query", "form_post"}[rnd.IntN(2)]},
				"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
			},
		})
		e.Request, e.Client, e.Lifetimes = asked.state, c.ID, &c.pool.Terms
		if e.Answer == history.OK {
			found := requestID.FindSubmatch(a.body)
			if found == nil {
				e.Answer = history.Malformed
			} else {
				asked.id, asked.cookie = string(found[1]), cookieOf(a.header)
				c.asked = asked
			}
		}
		c.env.Log.Add(e)
		return e.Answer
	}) == history.OK
}

// cookieOf returns the cookies that an answer sets, as the browser sends them.
func cookieOf(header http.Header) string {
	var all []string
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		all = append(all, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(all, "; ")
}

// state returns what names the request in the history; "" if there is no client.
func (c *client) state() string {
	if c == nil {
		return ""
	}
	return c.asked.state
}

// header returns what the page of the request sends with each call: nothing without a client.
func (c *client) header() http.Header {
	if c == nil {
		return make(http.Header)
	}
	return http.Header{"Cookie": {c.asked.cookie}}
}

// nameIn adds the request to the query of a page's call, if there is a client.
func (c *client) nameIn(query url.Values) {
	if c != nil {
		query.Set("request", c.asked.id)
	}
}

// redirect has the parameters with which a browser returns to the client; nil if it does not.
type redirect map[string]string

// UnmarshalJSON reads both forms: an address, and a form to post.
func (r *redirect) UnmarshalJSON(text []byte) error {
	var address string
	if json.Unmarshal(text, &address) != nil {
		var form struct{ Fields map[string]string }
		err := json.Unmarshal(text, &form)
		*r = form.Fields
		return err
	}
	to, err := url.Parse(address)
	if err != nil {
		return err
	}
	*r = make(redirect)
	for name, values := range to.Query() {
		(*r)[name] = values[0]
	}
	return nil
}

// state is history.State.Redirect.
func (r redirect) state() string {
	if r != nil && r["code"] == "" {
		return "error"
	}
	return r["state"]
}
