package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
)

// callTime is how long a call may take; the server answers within 2 s.
const callTime = 10 * time.Second

const api = "/api/v2/qrcode/"

// refusal is an answer that is no success.
type refusal struct {
	path string
	code int
	text string
}

// Error says what to do about refusals that a benchmark meets.
func (r refusal) Error() string {
	cure := ""
	switch r.code {
	case http.StatusTooManyRequests:
		cure = "; raise the server's limits for the run"
	case 1001:
		cure = "; --secret is not the pool's"
	case 2020:
		cure = "; --user-key is not the pool's identity.jwt.hs256_secret, or, without --user-key, the pool does not allow vouching"
	case 2224:
		cure = "; --pool names none of the server's"
	}
	return fmt.Sprintf("%s was answered %d (%s)%s", r.path, r.code, r.text, cure)
}

// post makes a call and reads its data into into, unless that is nil.
func (t *target) post(ctx context.Context, path string, authorize func(*http.Request), body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, t.phones()+api+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	authorize(q)
	response, err := t.client.Do(q)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	var answer struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%s was answered %s, which is not scanlogin's: %w", path, response.Status, err)
	}
	if answer.Code != http.StatusOK {
		return refusal{path, answer.Code, answer.Message}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Data, into)
}

func (t *target) asSite(q *http.Request) { q.SetBasicAuth(t.pool, t.secret) }

// phone is one user's.
type phone struct {
	t     *target
	user  string
	token string // "" where the pool's secret vouches for the user
}

func (t *target) newPhone(user string) (*phone, error) {
	p := &phone{t: t, user: user}
	if t.userKey == "" {
		return p, nil
	}
	var err error
	p.token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "nickname": user, "exp": time.Now().Add(24 * time.Hour).Unix(),
	}).SignedString([]byte(t.userKey))
	return p, err
}

// step makes one of the phone's calls: scanned, confirm or cancel.
func (p *phone) step(ctx context.Context, path, random string) error {
	if p.token == "" {
		return p.t.post(ctx, path, p.t.asSite, map[string]any{"random": random, "user": map[string]string{"id": p.user, "nickname": p.user}}, nil)
	}
	bearer := func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+p.token) }
	return p.t.post(ctx, path, bearer, map[string]string{"random": random}, nil)
}

// exchange exchanges a ticket, which must be user's.
func (t *target) exchange(ctx context.Context, ticket, user string) error {
	var got struct {
		ID string `json:"id"`
	}
	if err := t.post(ctx, "userinfo", t.asSite, map[string]string{"ticket": ticket}, &got); err != nil {
		return err
	}
	if got.ID != user {
		return fmt.Errorf("the ticket of %q was exchanged for %q", user, got.ID)
	}
	return nil
}

// message is what a page is told.
type message struct {
	Event      string `json:"event"`
	Random     string `json:"random"`
	Ticket     string `json:"ticket"`
	BrowserKey string `json:"browserKey"`
}

// page is a login page with an open socket.
type page struct {
	conn   *websocket.Conn
	random string
	key    string
}

// dialer connects pages to url, from an address of this machine if one is
// given: between two addresses there are 28,000 connections at most.
type dialer struct {
	url, pool string
	client    *http.Client
}

func newDialer(url, pool, from string) *dialer {
	d := &net.Dialer{Timeout: callTime}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	return &dialer{url, pool, &http.Client{Transport: &http.Transport{DialContext: d.DialContext}}}
}

// open opens a page and waits until it shows a code; with the page of before,
// it goes on with that one's code.
func (d *dialer) open(ctx context.Context, before *page) (*page, error) {
	query, offers := url.Values{"userPoolId": {d.pool}}, []string{"scanlogin.v1"}
	p := new(page)
	if before != nil {
		p.random, p.key = before.random, before.key
		query.Set("random", p.random)
		offers = append(offers, "key."+p.key)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var err error
	p.conn, _, err = websocket.Dial(ctx, d.url+api+"ws?"+query.Encode(), &websocket.DialOptions{Subprotocols: offers, HTTPClient: d.client})
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, "waiting"); err != nil {
		_ = p.conn.CloseNow()
		return nil, err
	}
	return p, nil
}

// next returns what the page is told next, and notes a new code.
func (p *page) next(ctx context.Context) (message, error) {
	_, text, err := p.conn.Read(ctx)
	if err != nil {
		return message{}, closed(err)
	}
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return message{}, err
	}
	if m.Event == "code" {
		p.random, p.key = m.Random, m.BrowserKey
	}
	return m, nil
}

// await waits until the page is told event.
func (p *page) await(ctx context.Context, event string) error {
	for {
		m, err := p.next(ctx)
		if err != nil {
			return fmt.Errorf("instead of %s: %w", event, err)
		}
		if m.Event == event {
			return nil
		}
	}
}

// closed says what a close code means to who measures.
func closed(err error) error {
	switch code := websocket.CloseStatus(err); int(code) {
	case 1013:
		return fmt.Errorf("%w: the node is full, or its store does not answer; raise limits.sockets, sockets_per_address and codes_per_address for the run", err)
	case 4404:
		return fmt.Errorf("%w: --pool names none of the server's", err)
	}
	return err
}

// sources returns n addresses of this machine's loopback network, none if url
// is elsewhere.
func sources(address string, n int) []string {
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(u.Hostname(), "127.") {
		return []string{""}
	}
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("127.0.0.%d", 2+i)
	}
	return all
}
