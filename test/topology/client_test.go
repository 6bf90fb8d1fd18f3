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

// What deploy/scanlogin.yaml has, and clients know.
const (
	api    = "/api/v2/qrcode"
	poolID = "example"
	origin = "https://www.example.com"
)

// forged is the address that all clients claim to call from.
const forged = "203.0.113.7"

// answer is one of the REST interface.
type answer struct {
	status int
	header http.Header
	raw    string

	Code    int            `json:"code"`
	Message string         `json:"message"`
	Data    map[string]any `json:"data"`
}

// call makes a call through the balancer. All but browsers prove to be the
// site. A node whose Redis waits for a busy disk says so, and as clients do we
// ask again; not if it is the balancer that has no answer, unless it has to leave
// that to clients.
func (s *site) call(t *testing.T, from *http.Client, method, path string, body any) (a *answer) {
	t.Helper()
	s.eventually(t, "an answer to "+path, func() bool {
		a = s.try(t, from, method, path, body)
		return a.Code != 1000 || a.header.Get("X-Request-Id") == "" && s.kind.asksAgain
	})
	return a
}

func (s *site) try(t *testing.T, from *http.Client, method, path string, body any) *answer {
	t.Helper()
	payload := []byte{}
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.balancerAddr+api+path, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", forged)
	if from == s.browser {
		req.Header.Set("Origin", origin)
	} else {
		req.SetBasicAuth(poolID, s.poolSecret)
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

// vouch is the body with which the app's back end speaks for a phone.
func (s *site) vouch(random, user string) map[string]any {
	return map[string]any{"random": random, "user": map[string]any{"id": user, "nickname": user}}
}

// step makes a step of the phone, which must see whence the page really calls.
func (s *site) step(t *testing.T, name, random, user string) {
	t.Helper()
	data := s.call(t, s.phone, "POST", "/"+name, s.vouch(random, user)).ok(t)
	if seen := data["browser"].(map[string]any)["ip"]; seen != browserIP {
		t.Errorf("the phone is told that %v asks, not %s", seen, browserIP)
	}
}

// redeem exchanges a ticket, which stands in the query, where logs may see it.
func (s *site) redeem(t *testing.T, ticket, user string) {
	t.Helper()
	path := "/userinfo?ticket=" + url.QueryEscape(ticket)
	if data := s.call(t, s.site, "POST", path, nil).ok(t); data["id"] != user {
		t.Errorf("the ticket is %v's, not %s's", data["id"], user)
	}
	if again := s.call(t, s.site, "POST", path, nil); again.Code != 2246 {
		t.Errorf("the ticket worked twice: %s", again.raw)
	}
}

// message is one that a page is told.
type message struct {
	Event      string  `json:"event"`
	Random     string  `json:"random"`
	BrowserKey string  `json:"browserKey"`
	Ticket     *string `json:"ticket"`
}

// page is a login page's socket. As in a browser, what comes is read at once.
type page struct {
	conn     *websocket.Conn
	messages chan message // closed at the end
	closed   error        // how it ended; to be read then
	last     string       // event
}

// open opens a page.
func (s *site) open(t *testing.T) *page {
	t.Helper()
	p, err := s.dial(t, "userPoolId="+poolID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// resume opens a page's socket again, as often as it takes.
func (s *site) resume(t *testing.T, code message) (p *page) {
	t.Helper()
	s.eventually(t, "the page connects again", func() bool {
		var err error
		p, err = s.dial(t, "userPoolId="+poolID+"&random="+code.Random, "key."+code.BrowserKey)
		return err == nil
	})
	return p
}

func (s *site) dial(t *testing.T, query string, offers ...string) (*page, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+s.balancerAddr+api+"/ws?"+query, &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: s.browser.Transport},
		HTTPHeader:   http.Header{"Origin": {origin}, "X-Forwarded-For": {forged}},
		Subprotocols: append([]string{"scanlogin.v1"}, offers...),
	})
	if err != nil {
		return nil, err
	}
	p := &page{conn: conn, messages: make(chan message, 100)} // more than a story has
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

// next returns the next message, which must be of that event. The one before
// may come again.
func (p *page) next(t *testing.T, event string) message {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m, open := <-p.messages:
			switch {
			case !open:
				t.Fatalf("waiting for %s: %v", event, p.closed)
			case m.Event == event:
				p.last = event
				return m
			case m.Event != p.last:
				t.Fatalf("%+v instead of %s", m, event)
			}
		case <-deadline:
			t.Fatalf("no %s", event)
		}
	}
}

// end waits for the end and returns how the socket was closed, -1 for not at
// all.
func (p *page) end(t *testing.T) websocket.StatusCode {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, open := <-p.messages:
			if !open {
				return websocket.CloseStatus(p.closed)
			}
		case <-deadline:
			t.Fatal("the socket stays open")
		}
	}
}

// secrets are what no log may hold.
type secrets struct{ ticket, key string }

// login is the whole story.
func (s *site) login(t *testing.T, user string) secrets {
	t.Helper()
	began := time.Now()
	p := s.open(t)
	code := p.next(t, "code")
	p.next(t, "waiting")
	s.step(t, "scanned", code.Random, user)
	p.next(t, "scanned")
	s.step(t, "confirm", code.Random, user)
	ticket := *p.next(t, "confirmed").Ticket
	s.redeem(t, ticket, user)
	if status := p.end(t); status != websocket.StatusNormalClosure {
		t.Errorf("closed with %v", status)
	}
	t.Logf("%s logged in within %v", user, time.Since(began).Round(time.Millisecond))
	return secrets{ticket, code.BrowserKey}
}
