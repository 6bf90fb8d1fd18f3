package actors

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// endpointRequest is a request to an endpoint of OpenID Connect of a pool's issuer.
type endpointRequest struct {
	node   int
	pool   string
	path   string     // below the issuer
	query  url.Values // nil for a POST
	form   url.Values // nil for a GET
	header http.Header
}

// endpointAnswer is the answer to it.
type endpointAnswer struct {
	code   int // as Answer in history.Event
	http   int
	header http.Header
	body   []byte
}

// callEndpoint is call for the endpoints of OpenID Connect, which have errors of their own.
func (env *Environment) callEndpoint(ctx context.Context, action history.Action, actor string, q endpointRequest) (endpointAnswer, history.Event) {
	e := history.Event{Call: env.Log.Now(), Action: action, Actor: actor, Node: q.node}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	a := env.sendTo(ctx, q)
	e.Return, e.Answer, e.HTTP = env.Log.Now(), a.code, a.http
	return a, e
}

func (env *Environment) sendTo(ctx context.Context, q endpointRequest) endpointAnswer {
	method, body := http.MethodGet, ""
	if q.form != nil {
		method, body = http.MethodPost, q.form.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, env.Nodes[q.node]+"/oidc/"+q.pool+"/"+q.path+"?"+q.query.Encode(), strings.NewReader(body))
	if err != nil {
		return endpointAnswer{code: history.NotSent}
	}
	if q.header != nil {
		r.Header = q.header.Clone()
	}
	if q.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("X-Forwarded-For", randomAddress())
	response, err := env.Client.Do(r)
	if err != nil {
		return endpointAnswer{code: codeOf(err)}
	}
	defer response.Body.Close()
	a := endpointAnswer{http: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, 1<<20)); err == nil {
		a.code = a.meaning()
	}
	return a
}

// postedError finds the error in a page that posts it to the client.
var postedError = regexp.MustCompile(`<input [^>]*name="error" value="([a-z_]+)"`)

// meaning returns the code of a complete answer: that of the error in the body or, of the
// authorization endpoint, in the redirect to the client; the HTTP status of any other error.
func (a endpointAnswer) meaning() int {
	var in struct {
		Error string `json:"error"`
	}
	switch a.http {
	case http.StatusOK:
		posted := postedError.FindSubmatch(a.body)
		if posted == nil {
			return history.OK
		}
		in.Error = string(posted[1])
	case http.StatusSeeOther:
		to, err := url.Parse(a.header.Get("Location"))
		if err != nil {
			return a.http
		}
		in.Error = to.Query().Get("error")
	default:
		if json.Unmarshal(a.body, &in) != nil {
			return a.http
		}
	}
	switch {
	case in.Error == "invalid_grant" || in.Error == "invalid_token":
		return history.Refused
	case in.Error == "temporarily_unavailable" && a.http == http.StatusTooManyRequests:
		return history.TooMany
	case in.Error == "temporarily_unavailable":
		return history.Busy
	}
	return a.http
}
