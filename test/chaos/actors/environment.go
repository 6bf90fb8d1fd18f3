// Package actors simulates the users of scanlogin: pages over every transport, phones,
// sites, and attackers. Actors talk to the nodes over HTTP and WebSocket only; they
// record every call and every answer, and judge none of them.
package actors

import (
	"bytes"
	"context"
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

// World is where stories happen.
type World struct {
	Nodes      []string // addresses
	Client     *http.Client
	Log        *history.Log
	Pools      []Pool
	Transports []Transport
	UserKey    string // under which the app signs its users' tokens
	SiteSecret string

	conns atomic.Int64
}

// Pool is a tenant, and how long its codes live.
type Pool struct {
	ID    string
	Terms history.Terms
}

// callTime is how long a call may take. The contract promises an answer within
// 2 s; who needs longer is frozen, or its node is.
const callTime = 6 * time.Second

const api = "/api/v2/qrcode/"

// request is a call to one node.
type request struct {
	node   int
	path   string // after api
	body   map[string]any
	header http.Header
	proven bool
	within time.Duration // 0: callTime
}

// answer is what came of it.
type answer struct {
	code int // as in history.Event
	http int
	data json.RawMessage
}

// ask makes a call and returns its answer with the event that tells of it,
// which the caller completes and notes.
func (w *World) ask(ctx context.Context, do history.Do, who string, q request) (answer, history.Event) {
	e := history.Event{Call: w.Log.Now(), Do: do, Who: who, Node: q.node, Proven: q.proven}
	if q.within == 0 {
		q.within = callTime
	}
	ctx, cancel := context.WithTimeout(ctx, q.within)
	defer cancel()
	a := w.send(ctx, q)
	e.Return, e.Answer, e.HTTP = w.Log.Now(), a.code, a.http
	return a, e
}

func (w *World) send(ctx context.Context, q request) answer {
	method, body := http.MethodGet, []byte(nil)
	if q.body != nil {
		method = http.MethodPost
		body, _ = json.Marshal(q.body) // texts only
	}
	r, err := http.NewRequestWithContext(ctx, method, w.Nodes[q.node]+api+q.path, bytes.NewReader(body))
	if err != nil {
		return answer{code: history.NotSent}
	}
	if q.header != nil {
		r.Header = q.header.Clone()
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", address())
	response, err := w.Client.Do(r)
	if err != nil {
		return answer{code: unanswered(err)}
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

// unanswered tells a call that certainly did not arrive from one that may have.
func unanswered(err error) int {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return history.NotSent
	}
	return history.None
}

// address is whom a call comes from, as the balancer before the nodes says:
// everybody lives elsewhere, so nobody takes another's share of the limits.
func address() string {
	return netip.AddrFrom4([4]byte{10, byte(rand.IntN(256)), byte(rand.IntN(256)), byte(rand.IntN(256))}).String()
}

// status is a status message, or the data of `check`; and the message that
// tells of a new code.
type status struct {
	Event         string  `json:"event"`
	Random        string  `json:"random"`
	Ticket        *string `json:"ticket"`
	ScannedUserID *string `json:"scannedUserId"`
	Version       int64   `json:"version"`
	BrowserKey    string  `json:"browserKey"`
}

func (s status) seen() *history.Seen {
	seen := &history.Seen{Status: s.Event, Version: s.Version, Ticket: s.Ticket != nil}
	if s.ScannedUserID != nil {
		seen.User = *s.ScannedUserID
	}
	return seen
}

// token is what the app gives its user.
func (w *World) token(user string) string {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "nickname": user, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(w.UserKey))
	if err != nil {
		panic(err) // HMAC cannot fail
	}
	return text
}

func (w *World) someNode(r *rand.Rand) int { return r.IntN(len(w.Nodes)) }

// pause waits for a random time, and reports whether ctx still lives.
func pause(ctx context.Context, r *rand.Rand, least, most time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(least + time.Duration(r.Int64N(int64(most-least)+1))):
		return true
	}
}
