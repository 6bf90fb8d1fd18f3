package topology

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Values from deploy/scanlogin.yaml that clients know.
const (
	api    = "/api/v2/qrcode"
	poolID = "example"
	origin = "https://www.example.com"
)

// forgedAddress is the X-Forwarded-For header that all clients send.
const forgedAddress = "203.0.113.7"

// answer is the answer to an API call.
type answer struct {
	status int
	header http.Header
	raw    string

	Code    int            `json:"code"`
	Message string         `json:"message"`
	Data    map[string]any `json:"data"`
}

// call makes an API call through the load balancer. All clients except browsers
// authenticate as the site. It repeats the call on code 1000 from a node, whose
// Redis may wait for a busy disk. Code 1000 from the load balancer is repeated
// only if that one does not retry by itself.
func (d *deployment) call(t *testing.T, from *http.Client, method, path string, body any) (a *answer) {
	t.Helper()
	d.eventually(t, "an answer to "+path, func() bool {
		a = d.try(t, from, method, path, body)
		return a.Code != 1000 || a.header.Get("X-Request-Id") == "" && d.kind.retries
	})
	return a
}

func (d *deployment) try(t *testing.T, from *http.Client, method, path string, body any) *answer {
	t.Helper()
	payload := []byte{}
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.balancerAddr+api+path, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", forgedAddress)
	if from == d.browser {
		req.Header.Set("Origin", origin)
	} else {
		req.SetBasicAuth(poolID, d.poolSecret)
	}
	resp, err := from.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if err := json.Unmarshal(raw, a); err != nil {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	return a
}

func (a *answer) ok(t *testing.T) map[string]any {
	t.Helper()
	if a.status != http.StatusOK || a.Code != http.StatusOK {
		t.Fatalf("%d: %s", a.status, a.raw)
	}
	return a.Data
}

// vouch returns the body with which the app's back end acts for a phone user.
func (d *deployment) vouch(random, user string) map[string]any {
	return map[string]any{"random": random, "user": map[string]any{"id": user, "nickname": user}}
}

// step makes a phone step. The answer must contain the browser's real address.
func (d *deployment) step(t *testing.T, name, random, user string) {
	t.Helper()
	data := d.call(t, d.phone, "POST", "/"+name, d.vouch(random, user)).ok(t)
	if seen := data["browser"].(map[string]any)["ip"]; seen != browserIP {
		t.Errorf("the phone sees the browser address %v, want %s", seen, browserIP)
	}
}

// redeem exchanges a ticket in the query, where careless logs would record it.
func (d *deployment) redeem(t *testing.T, ticket, user string) {
	t.Helper()
	path := "/userinfo?ticket=" + url.QueryEscape(ticket)
	if data := d.call(t, d.site, "POST", path, nil).ok(t); data["id"] != user {
		t.Errorf("the ticket was exchanged for %v, want %s", data["id"], user)
	}
	if again := d.call(t, d.site, "POST", path, nil); again.Code != 2246 {
		t.Errorf("the ticket was exchanged twice: %s", again.raw)
	}
}

// message is a message to a page.
type message struct {
	Event      string  `json:"event"`
	Random     string  `json:"random"`
	BrowserKey string  `json:"browserKey"`
	Ticket     *string `json:"ticket"`
}

// page is the WebSocket of a login page. Like a browser, it reads messages at once.
type page struct {
	conn     *websocket.Conn
	messages chan message // closed when the connection ends
	closed   error        // why the connection ended; read it after messages is closed
	last     string       // the last event
}

// open opens a page.
func (d *deployment) open(t *testing.T) *page {
	t.Helper()
	p, err := d.dial(t, "userPoolId="+poolID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// resume reconnects a page, and retries until that succeeds.
func (d *deployment) resume(t *testing.T, code message) (p *page) {
	t.Helper()
	d.eventually(t, "the page reconnects", func() bool {
		var err error
		p, err = d.dial(t, "userPoolId="+poolID+"&random="+code.Random, "key."+code.BrowserKey)
		return err == nil
	})
	return p
}

func (d *deployment) dial(t *testing.T, query string, offers ...string) (*page, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+d.balancerAddr+api+"/ws?"+query, &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: d.browser.Transport},
		HTTPHeader:   http.Header{"Origin": {origin}, "X-Forwarded-For": {forgedAddress}},
		Subprotocols: append([]string{"scanlogin.v1"}, offers...),
	})
	if err != nil {
		return nil, err
	}
	p := &page{conn: conn, messages: make(chan message, 100)} // more than any test receives
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.read()
	}()
	t.Cleanup(func() {
		conn.CloseNow()
		<-done
	})
	return p, nil
}

func (p *page) read() {
	defer close(p.messages)
	for {
		_, text, err := p.conn.Read(context.Background()) // CloseNow ends it
		var m message
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if err != nil {
			p.closed = err
			return
		}
		p.messages <- m
	}
}

// next returns the next message, which must have that event. The previous
// message may be repeated first.
func (p *page) next(t *testing.T, event string) message {
	t.Helper()
	deadline := time.After(timeout)
	for {
		select {
		case m, open := <-p.messages:
			switch {
			case !open:
				t.Fatalf("connection closed before event %s: %v", event, p.closed)
			case m.Event == event:
				p.last = event
				return m
			case m.Event != p.last:
				t.Fatalf("got message %+v, want event %s", m, event)
			}
		case <-deadline:
			t.Fatalf("no event %s within %v", event, timeout)
		}
	}
}

// closeStatus waits until the connection ends and returns the close code, -1
// without a close frame.
func (p *page) closeStatus(t *testing.T) websocket.StatusCode {
	t.Helper()
	deadline := time.After(timeout)
	for {
		select {
		case _, open := <-p.messages:
			if !open {
				return websocket.CloseStatus(p.closed)
			}
		case <-deadline:
			t.Fatalf("the socket is still open after %v", timeout)
		}
	}
}

// secrets are values that no log may contain.
type secrets struct{ ticket, key string }

// login performs one complete login.
func (d *deployment) login(t *testing.T, user string) secrets {
	t.Helper()
	began := time.Now()
	p := d.open(t)
	code := p.next(t, "code")
	d.step(t, "scanned", code.Random, user)
	p.next(t, "scanned")
	d.step(t, "confirm", code.Random, user)
	ticket := *p.next(t, "confirmed").Ticket
	d.redeem(t, ticket, user)
	if status := p.closeStatus(t); status != websocket.StatusNormalClosure {
		t.Errorf("closed with %v", status)
	}
	t.Logf("%s logged in within %v", user, time.Since(began).Round(time.Millisecond))
	return secrets{ticket, code.BrowserKey}
}
