// Package actors simulates the users of scanlogin: pages over every transport, phones,
// sites, OAuth clients, and unproven watchers. Actors use HTTP and WebSocket only. They record every
// call and every answer, and check none of them.
package actors

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// Environment is what all actors share.
type Environment struct {
	Nodes      []string // URLs
	Client     *http.Client
	Log        *history.Log
	Pools      []Pool
	Transports []Transport
	UserKey    string // signs the tokens of the app's users
	SiteSecret string
	TokenKey   *ecdsa.PublicKey // verifies the tokens of OAuth clients

	conns atomic.Int64
}

// Pool is a user pool with the lifetimes of its codes.
type Pool struct {
	ID      string
	Terms   history.Lifetimes
	Clients []Client
}

// Client is an OAuth client of a pool.
type Client struct {
	ID          string
	Secret      string // "": a public client
	RedirectURI string
}

// callTime is how long a call may take. A node answers within 2 s, unless it or this
// process is frozen.
const callTime = 6 * time.Second

const api = "/api/v2/qrcode/"

// request is a call to one node.
type request struct {
	node    int
	path    string // without the prefix api
	body    map[string]any
	header  http.Header
	proven  bool
	request string        // state of the authorization request that the call names
	timeout time.Duration // 0: callTime
}

// answer is the answer to a request.
type answer struct {
	code int // as Answer in history.Event
	http int
	data json.RawMessage
}

// call makes a call and returns the answer and its event, which the caller
// completes and records.
func (env *Environment) call(ctx context.Context, action history.Action, actor string, q request) (answer, history.Event) {
	e := history.Event{Call: env.Log.Now(), Action: action, Actor: actor, Node: q.node, Proven: q.proven, Request: q.request}
	if q.timeout == 0 {
		q.timeout = callTime
	}
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	a := env.send(ctx, q)
	e.Return, e.Answer, e.HTTP = env.Log.Now(), a.code, a.http
	return a, e
}

func (env *Environment) send(ctx context.Context, q request) answer {
	method, body := http.MethodGet, []byte(nil)
	if q.body != nil {
		method = http.MethodPost
		body, _ = json.Marshal(q.body) // cannot fail for these types
	}
	r, err := http.NewRequestWithContext(ctx, method, env.Nodes[q.node]+api+q.path, bytes.NewReader(body))
	if err != nil {
		return answer{code: history.NotSent}
	}
	if q.header != nil {
		r.Header = q.header.Clone()
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", randomAddress())
	response, err := env.Client.Do(r)
	if err != nil {
		return answer{code: codeOf(err)}
	}
	defer response.Body.Close()
	var in struct {
		Code int             `json:"code"`
		Data json.RawMessage `json:"data"`
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || json.Unmarshal(text, &in) != nil {
		return answer{code: history.None, http: response.StatusCode}
	}
	return answer{code: in.Code, http: response.StatusCode, data: in.Data}
}

// codeOf returns the Answer for an error: NotSent if the request certainly did not
// reach the server.
func codeOf(err error) int {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return history.NotSent
	}
	return history.None
}

// randomAddress returns a value for X-Forwarded-For. All callers have different
// addresses, so that they do not share limits.
func randomAddress() string {
	return netip.AddrFrom4([4]byte{10, byte(rand.IntN(256)), byte(rand.IntN(256)), byte(rand.IntN(256))}).String()
}

// status is a status message, the data of `check`, or the message with a new code.
type status struct {
	Event         string   `json:"event"`
	Random        string   `json:"random"`
	Ticket        *string  `json:"ticket"`
	ScannedUserID *string  `json:"scannedUserId"`
	Version       int64    `json:"version"`
	BrowserKey    string   `json:"browserKey"`
	Redirect      redirect `json:"redirect"`
}

func (s status) state() *history.State {
	seen := &history.State{Status: s.Event, Version: s.Version, Ticket: s.Ticket != nil, Redirect: s.Redirect.state()}
	if s.ScannedUserID != nil {
		seen.User = *s.ScannedUserID
	}
	return seen
}

// token returns a token of the app for a user.
func (env *Environment) token(user string) string {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "nickname": user, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(env.UserKey))
	if err != nil {
		panic(err) // HMAC cannot fail
	}
	return text
}

func (env *Environment) randomNode(r *rand.Rand) int { return r.IntN(len(env.Nodes)) }

// pause waits for a random time and reports whether ctx is still active.
func pause(ctx context.Context, r *rand.Rand, least, most time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(least + time.Duration(r.Int64N(int64(most-least)+1))):
		return true
	}
}
