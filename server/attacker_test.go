package server_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/session"
)

// observer is the attacker with a photo of the code (see docs/threat-model.md). It knows the addresses of the
// server and records everything that it receives.
type observer struct {
	*node
	random string
	client *http.Client // with another address than site and page
	ctx    context.Context

	mu       sync.Mutex
	received []string
}

func (o *observer) receive(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.received = append(o.received, text)
}

// guess returns random text in the format of a key, a cookie or the second half of a ticket.
func guess(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(session.NewID()) + "..")[:n])
}

// ask makes a request and records the response.
func (o *observer) ask(method, path, body string, h ...string) {
	req, err := http.NewRequestWithContext(o.ctx, method, o.url+"/api/v2/qrcode"+path, strings.NewReader(body))
	if err != nil {
		o.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(h); i += 2 {
		req.Header.Set(h[i], h[i+1])
	}
	res, err := o.client.Do(req)
	if err != nil {
		return // the round has ended
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		o.receive(lines.Text())
	}
}

// watch opens a socket and records its messages.
func (o *observer) watch(query string, offers ...string) {
	conn, _, err := websocket.Dial(o.ctx, o.url+"/api/v2/qrcode/ws?"+query, &websocket.DialOptions{
		Subprotocols: append([]string{"scanlogin.v1"}, offers...), HTTPClient: o.client,
	})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		_, text, err := conn.Read(o.ctx)
		if err != nil {
			return
		}
		o.receive(string(text))
	}
}

// attack makes all attempts concurrently, and repeats them until ctx ends.
func (o *observer) attack() {
	attempts := []func(){
		func() { o.ask("GET", "/check?random="+o.random, "") },
		func() { o.ask("GET", "/check?wait=20&random="+o.random, "") },
		func() { o.ask("GET", "/check?random="+o.random, "", "X-Browser-Key", guess(32)) },
		func() { o.ask("GET", "/check?random="+o.random, "", "Cookie", "scanlogin_browser="+guess(16)) },
		func() { o.ask("GET", "/check?random="+o.random, "", "Authorization", basic("p1", otherSecret)) },
		func() { o.ask("GET", "/check?random="+o.random, "", "Authorization", basic("p2", otherSecret)) },
		func() { o.ask("GET", "/events?random="+o.random, "") },
		func() {
			o.ask("GET", "/events?random="+o.random, "", "Last-Event-Id", "99", "X-Browser-Key", guess(32))
		},
		func() { o.watch("random=" + o.random) },
		func() { o.watch("random="+o.random, "key."+guess(32)) },
		func() { o.watch("userPoolId=p1&random="+o.random, "key."+guess(32)) }, // tries to resume a code of another page
		func() {
			o.ask("POST", "/userinfo", `{"ticket":"`+o.random+"."+guess(32)+`"}`)
		},
		func() {
			o.ask("POST", "/userinfo", `{"ticket":"`+o.random+"."+guess(32)+`"}`, "Authorization", basic("p2", otherSecret))
		},
		func() {
			o.ask("POST", "/confirm", `{"random":"`+o.random+`"}`, "Authorization", userToken(o, "mallory"))
		},
	}
	var all sync.WaitGroup
	for _, attempt := range attempts {
		all.Go(func() {
			for o.ctx.Err() == nil {
				attempt()
			}
		})
	}
	all.Wait()
}

// TestAnObserverNeverGetsTheTicket runs it on both nodes, concurrently with
// the browser, from before the scan until after the exchange.
func TestAnObserverNeverGetsTheTicket(t *testing.T) {
	a, b, _ := pair(t, nil, newPool(t, nil), secondPool(t))
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 66)}}
	elsewhere := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
	t.Cleanup(elsewhere.CloseIdleConnections)
	for round := range 3 {
		c := a.gene("p1")
		page := b.dial("random="+c.random, nil, "key."+c.key)
		page.event("waiting")
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		observers := []*observer{{node: a, random: c.random, client: elsewhere, ctx: ctx}, {node: b, random: c.random, client: elsewhere, ctx: ctx}}
		var attacks sync.WaitGroup
		for _, o := range observers {
			attacks.Go(o.attack)
		}
		eventually(t, "the attack is under way", func() bool {
			return observers[0].count() > 50 && observers[1].count() > 50
		})
		retryUntilServed(t, func() answer { return a.phone("scanned", c.random, "alice") })
		page.event("scanned")
		retryUntilServed(t, func() answer { return b.phone("confirm", c.random, "alice") })
		ticket, _ := page.event("confirmed")["ticket"].(string)
		if ticket == "" {
			t.Fatal("the browser got no ticket")
		}
		before := observers[0].count()
		eventually(t, "the attack goes on", func() bool { return observers[0].count() > before+50 })
		u := a.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok()
		if u["id"] != "alice" {
			t.Errorf("round %d: exchanged for %v", round, u)
		}
		stop()
		attacks.Wait()
		for _, o := range observers {
			o.checkLearnedNothing(ticket, c.key)
		}
	}
}

func (o *observer) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.received)
}

// checkLearnedNothing searches all that was received for secrets of the code. Messages about
// codes that the observer itself requested contain their keys.
func (o *observer) checkLearnedNothing(ticket, key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, mac, _ := strings.Cut(ticket, ".")
	sawScan := false
	for _, text := range o.received {
		ofCode := strings.Contains(text, o.random) && !strings.Contains(text, `"event":"code"`)
		if strings.Contains(text, mac) || strings.Contains(text, key) || strings.Contains(text, "alice@example.com") ||
			ofCode && (strings.Contains(text, `"isBrowser":true`) || strings.Contains(text, `"scannedUserId":"`)) {
			o.Errorf("the observer received %s", text)
		}
		sawScan = sawScan || ofCode && strings.Contains(text, `"event":"scanned"`)
	}
	if !sawScan {
		o.Error("the observer did not see the scan, so the test shows nothing")
	}
}

// retryUntilServed repeats a call of the phone while the attacker uses up the limit of the
// address.
func retryUntilServed(t testing.TB, call func() answer) {
	t.Helper()
	eventually(t, "the phone's call is served", func() bool { return call().status == 200 })
}
