package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// page is a login page with an open WebSocket.
type page struct {
	kind kind
	conn *websocket.Conn
	pageState
	ticket   string
	redirect string // to the OAuth client
}

// pageState is what a page has beside its connection.
type pageState struct {
	random string // the code, or the channel
	key    string // the browser key

	request, cookie string // of an authorization request
}

// dialer opens pages of one kind.
type dialer struct {
	kind      kind
	url, pool string
	client    *http.Client
}

// sourceAddresses is how many loopback addresses pages connect from: between two
// addresses there are at most 28,000 connections.
const sourceAddresses = 16

// newDialers returns dialers with different source addresses, or a single one
// if the server is not on this machine.
func (s *system) newDialers() []*dialer {
	return newDialers(s.kind, s.last().url, s.pool)
}

func newDialers(k kind, address, pool string) []*dialer {
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(u.Hostname(), "127.") {
		return []*dialer{newDialer(k, address, pool, nil)}
	}
	all := make([]*dialer, sourceAddresses)
	for i := range all {
		all[i] = newDialer(k, address, pool, net.IPv4(127, 0, 0, byte(2+i)))
	}
	return all
}

func newDialer(k kind, address, pool string, from net.IP) *dialer {
	d := &net.Dialer{Timeout: callTime}
	if from != nil {
		d.LocalAddr = &net.TCPAddr{IP: from}
	}
	return &dialer{k, address, pool, &http.Client{Transport: upgrader{d}}}
}

// upgrader is an http.RoundTripper for handshakes only. It has no goroutines, as http.Transport has
// for each connection: they took the pages half of a core while they connected.
type upgrader struct{ dialer *net.Dialer }

// RoundTrip implements http.RoundTripper.
func (u upgrader) RoundTrip(q *http.Request) (*http.Response, error) {
	conn, err := u.dialer.DialContext(q.Context(), "tcp", q.URL.Host)
	if err != nil {
		return nil, err
	}
	interrupted := context.AfterFunc(q.Context(), func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer interrupted()
	if err := q.Write(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	r := bufio.NewReaderSize(conn, 1<<10)
	answer, err := http.ReadResponse(r, q)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	body := io.Reader(answer.Body)
	if answer.StatusCode == http.StatusSwitchingProtocols {
		body = r
	}
	answer.Body = struct {
		io.Reader
		io.WriteCloser
	}{body, conn}
	return answer, nil
}

// open opens a page and waits until it has received its state. A page of scanlogin
// continues with the code in had, if there is one; for other kinds, that is the
// channel.
func (d *dialer) open(ctx context.Context, had pageState) (*page, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	p := &page{kind: d.kind, pageState: had}
	address, options := d.url+"/ws", &websocket.DialOptions{HTTPClient: d.client}
	if d.kind.isScanlogin() {
		query := url.Values{"userPoolId": {d.pool}}
		options.Subprotocols = []string{"scanlogin.v1"}
		if had.key != "" {
			query.Set("random", had.random)
			options.Subprotocols = append(options.Subprotocols, "key."+had.key)
		}
		if had.request != "" {
			query.Set("request", had.request)
			options.HTTPHeader = http.Header{"Cookie": {had.cookie}}
		}
		address = d.url + api + "ws?" + query.Encode()
	}
	var err error
	if p.conn, _, err = websocket.Dial(ctx, address, options); err != nil {
		return nil, err
	}
	if err := p.awaitState(ctx); err != nil {
		_ = p.conn.CloseNow()
		return nil, err
	}
	return p, nil
}

// awaitState waits for the first state, or until the page has subscribed.
func (p *page) awaitState(ctx context.Context) error {
	if p.kind.isScanlogin() {
		return p.await(ctx, status)
	}
	hello := fmt.Sprintf("{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":%q}}", p.random)
	if err := p.conn.Write(ctx, websocket.MessageText, []byte(hello)); err != nil {
		return err
	}
	return p.await(ctx, `"subscribe":{`)
}

// status is in each message of scanlogin that has the status of a code. The code is its first
// status; of older versions, the message after it.
const status = `"version":`

// never is a text that no message contains: awaiting it reads until the
// connection ends.
const never = "no such text"

// await reads until a message contains the text. It answers heartbeats, and
// remembers new codes and tickets.
func (p *page) await(ctx context.Context, text string) error {
	for {
		_, message, err := p.conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("no message with %s: %w", text, explainClose(err))
		}
		if err := p.handle(ctx, message); err != nil {
			return err
		}
		if bytes.Contains(message, []byte(text)) {
			return nil
		}
	}
}

// Texts in the message that ends a login: of a site, and of an OAuth client.
const (
	hasTicket   = `"ticket":"`
	hasRedirect = `"redirect":"`
)

// remembered are the texts in messages with something to remember.
var remembered = [][]byte{[]byte(`"event":"code"`), []byte(hasTicket), []byte(hasRedirect)}

func (p *page) handle(ctx context.Context, message []byte) error {
	if !p.kind.isScanlogin() {
		if strings.TrimSpace(string(message)) == "{}" { // centrifuge's heartbeats are messages
			return p.conn.Write(ctx, websocket.MessageText, []byte("{}"))
		}
		if bytes.Contains(message, []byte(`"error":{`)) {
			return errors.New(string(message))
		}
		return nil
	}
	if !slices.ContainsFunc(remembered, func(text []byte) bool { return bytes.Contains(message, text) }) {
		return nil
	}
	var m struct{ Event, Random, BrowserKey, Ticket, Redirect string }
	if err := json.Unmarshal(message, &m); err != nil {
		return err
	}
	if m.Event == "code" {
		p.random, p.key = m.Random, m.BrowserKey
	}
	p.ticket, p.redirect = m.Ticket, m.Redirect
	return nil
}

// explainClose adds the cure for close codes that a benchmark can meet.
func explainClose(err error) error {
	switch code := websocket.CloseStatus(err); int(code) {
	case 1013:
		return fmt.Errorf("%w: the node is full, or its store does not answer; raise limits.sockets, sockets_per_address and codes_per_address for the run", err)
	case 4404:
		return fmt.Errorf("%w: --pool is not a pool of the server", err)
	}
	return err
}
