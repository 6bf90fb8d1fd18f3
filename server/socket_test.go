package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// page is the socket of a login page.
type page struct {
	testing.TB
	*websocket.Conn
	ctx context.Context
}

// dial opens a socket with additional headers and subprotocols.
func (n *node) dial(query string, h http.Header, offer ...string) *page {
	n.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	conn, res, err := websocket.Dial(ctx, n.url+"/api/v2/qrcode/ws?"+query, &websocket.DialOptions{
		HTTPHeader: h, Subprotocols: append([]string{"scanlogin.v1"}, offer...), HTTPClient: client,
	})
	if err != nil {
		status := "no answer"
		if res != nil {
			status = res.Status
		}
		n.Fatalf("%v (%s)", err, status)
	}
	n.Cleanup(func() { _ = conn.CloseNow(); cancel() })
	return &page{TB: n.TB, Conn: conn, ctx: ctx}
}

// next returns the next message.
func (p *page) next() map[string]any {
	p.Helper()
	_, text, err := p.Read(p.ctx)
	if err != nil {
		p.Fatalf("instead of a message: %v", err)
	}
	validator.message(p, text)
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		p.Fatalf("%s: %v", text, err)
	}
	return m
}

// event returns the next message, which must be that event.
func (p *page) event(want string) map[string]any {
	p.Helper()
	m := p.next()
	if m["event"] != want {
		p.Fatalf("got %v, want %s", m, want)
	}
	return m
}

// closed waits for the close frame, which must have this code.
func (p *page) closed(want websocket.StatusCode) {
	p.Helper()
	_, text, err := p.Read(p.ctx)
	validator.closeCode(p, websocket.CloseStatus(err))
	if got := websocket.CloseStatus(err); got != want {
		p.Fatalf("instead of close %d: %s %v", want, text, err)
	}
}

func (p *page) say(text string) {
	p.Helper()
	validator.message(p, []byte(text))
	if err := p.Write(p.ctx, websocket.MessageText, []byte(text)); err != nil {
		p.Fatal(err)
	}
}

func TestASocketReportsEachState(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	mine := n.dial("random="+c.random, nil, "key."+c.key)
	if mine.Subprotocol() != "scanlogin.v1" {
		t.Errorf("subprotocol %q", mine.Subprotocol())
	}
	other := n.dial("random="+c.random, nil)
	for _, p := range []*page{mine, other} {
		if m := p.event("waiting"); m["version"] != 1.0 || m["random"] != c.random || m["expiresIn"].(float64) < 60 {
			t.Errorf("first: %v", m)
		}
	}
	n.phone("scanned", c.random, "alice").ok()
	if m := mine.event("scanned"); m["isBrowser"] != true || m["scannedUserId"] != "alice" || m["userInfo"].(map[string]any)["nickname"] != "ALICE" {
		t.Errorf("scanned: %v", m)
	}
	if m := other.event("scanned"); m["isBrowser"] != false || m["scannedUserId"] != nil {
		t.Errorf("scanned, without proof: %v", m)
	}
	n.phone("confirm", c.random, "alice").ok()
	m := mine.event("confirmed")
	if ticket, _ := m["ticket"].(string); !strings.HasPrefix(ticket, c.random+".") {
		t.Errorf("confirmed: %v", m)
	}
	if m := other.event("confirmed"); m["ticket"] != nil {
		t.Errorf("confirmed, without proof: %v", m)
	}
	mine.closed(1000)
	other.closed(1000)
	late := n.dial("random="+c.random, nil, "key."+c.key)
	if again := late.event("confirmed"); again["ticket"] != m["ticket"] {
		t.Errorf("a page that connects later gets %v", again)
	}
	late.closed(1000)
}

func TestCookieProvesTheBrowser(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	req, _ := http.NewRequest("GET", n.url, nil)
	for _, cookie := range c.browser.Jar.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	if m := n.dial("random="+c.random, req.Header).event("waiting"); m["isBrowser"] != true {
		t.Errorf("with the cookie: %v", m)
	}
	// An open socket binds its codes to the cookie.
	opened := n.dial("userPoolId=p1", req.Header).event("code")
	if d := n.callWith(c.browser, "GET", "/check?random="+opened["random"].(string), nil).ok(); d["isBrowser"] != true {
		t.Errorf("the open socket's code by cookie: %v", d)
	}
}

func TestAWatchingSocketEndsWithItsCode(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, func(p *pool.Pool) { p.CodeTTL = 5 * time.Second }), newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs = "p2", nil }))
	c := n.gene("p1")
	p := n.dial("random="+c.random, nil)
	p.event("waiting")
	if m := p.event("expired"); m["status"] != -1.0 || m["version"] != 2.0 || m["expiresIn"] != 0.0 {
		t.Errorf("expired: %v", m)
	}
	p.closed(1000)
	c = n.gene("p2")
	p = n.dial("random="+c.random, nil)
	p.event("waiting")
	n.phone("scanned", c.random, "alice").ok()
	p.event("scanned")
	n.phone("cancel", c.random, "alice").ok()
	p.event("canceled")
	p.closed(1000)
}

func TestAnOpenSocketCreatesAndRotatesCodes(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, func(p *pool.Pool) { p.CodeTTL, p.MaxCodes = time.Second, 3 }))
	p := n.dial("userPoolId=p1", nil)
	seen := make(map[any]bool)
	for range 3 {
		m := p.event("code")
		if seen[m["random"]] || m["payload"] == "" || m["expiresIn"] != 1.0 || len(m["browserKey"].(string)) != 43 || !strings.HasSuffix(m["url"].(string), ".png") {
			t.Errorf("code: %v", m)
		}
		seen[m["random"]] = true
		if m["status"] != 0.0 || m["version"] != 1.0 || len(m["userInfo"].(map[string]any)) != 0 || m["isBrowser"] != true {
			t.Errorf("the first status: %v", m)
		}
		for _, name := range []string{"ticket", "scannedUserId"} {
			if value, ok := m[name]; !ok || value != nil {
				t.Errorf("%s of a new code: %v, want null", name, value)
			}
		}
		p.event("expired")
	}
	p.closed(4408)
}

func TestAnOpenSocketContinuesAfterCancel(t *testing.T) {
	n := alone(t, newPool(t, nil))
	p := n.dial("userPoolId=p1", nil)
	first := p.event("code")["random"].(string)
	n.phone("scanned", first, "alice").ok()
	p.event("scanned")
	n.phone("cancel", first, "alice").ok()
	p.event("canceled")
	second := p.event("code")["random"].(string)
	n.phone("scanned", second, "alice").ok()
	n.phone("confirm", second, "alice").ok()
	m := p.next()
	if m["event"] == "scanned" { // may be skipped, because only the newest state is sent
		m = p.next()
	}
	if m["event"] != "confirmed" || m["ticket"] == nil {
		t.Errorf("confirmed: %v", m)
	}
	p.closed(1000)
}

func TestAScannedCodeIsNotRotated(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, func(p *pool.Pool) { p.CodeTTL, p.ConfirmTTL = 10*time.Second, 20*time.Second }))
	p := n.dial("userPoolId=p1", nil)
	random := p.event("code")["random"].(string)
	n.phone("scanned", random, "alice").ok()
	if m := p.event("scanned"); m["expiresIn"].(float64) < 11 {
		t.Errorf("scanned leaves %v s", m["expiresIn"])
	}
	if m := p.event("expired"); m["version"] != 3.0 {
		t.Errorf("expired: %v", m)
	}
	p.event("code")
}

func TestRefreshWithdrawsTheCode(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.MaxCodes = 1 }))
	p := n.dial("userPoolId=p1", nil)
	first := p.event("code")["random"].(string)
	n.phone("scanned", first, "mallory").ok()
	p.event("scanned")
	p.say(`{"action":"refresh"}`)
	second := p.event("code")["random"].(string) // does not count towards max_codes
	n.phone("confirm", first, "mallory").refused(410, 2242)
	if d := n.call("GET", "/check?random="+first, nil).ok(); d["event"] != "expired" {
		t.Errorf("the withdrawn code: %v", d)
	}
	began := time.Now()
	p.say(`{"action":"refresh"}`)
	third := p.event("code")["random"].(string)
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("a refresh within the same second was served after %v", took)
	}
	if second == third {
		t.Error("the same code again")
	}
}

// The first refresh delays the second one, and meanwhile the code that the second one is for
// expires.
func TestRefreshWithdrawsOnlyTheCodeThatWasShown(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, nil))
	for range 10 {
		if cancelDuringARefresh(t, n) {
			return
		}
	}
	t.Error("each refresh ended before the user canceled")
}

// cancelDuringARefresh cancels a code on the phone while its page waits for the second
// refresh, and asserts that the next code is not withdrawn. It reports whether it was
// fast enough: a refresh that follows another waits for a second.
func cancelDuringARefresh(t *testing.T, n *node) bool {
	t.Helper()
	p := n.dial("userPoolId=p1", nil)
	p.event("code")
	p.say(`{"action":"refresh"}`)
	second := p.event("code")["random"].(string)
	n.phone("scanned", second, "alice").ok()
	p.event("scanned")
	p.say(`{"action":"refresh"}`)
	next := make(chan map[string]any)
	go func() { next <- p.next() }()
	if err := p.Ping(t.Context()); err != nil { // after the pong, the refresh has been read
		t.Fatal(err)
	}
	n.phone("cancel", second, "alice")
	if status := <-next; status["event"] != "canceled" {
		return false
	}
	third := p.event("code")["random"].(string)
	if d := n.call("GET", "/check?wait=2&version=1&random="+third, nil).ok(); d["event"] != "waiting" {
		t.Errorf("the code after the withdrawn one: %v", d)
	}
	return true
}

func TestAReconnectingPageKeepsItsCode(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, func(p *pool.Pool) { p.CodeTTL, p.MaxCodes = 10*time.Second, 2 }))
	p := n.dial("userPoolId=p1", nil)
	m := p.event("code")
	random, key := m["random"].(string), m["browserKey"].(string)
	n.phone("scanned", random, "alice").ok()
	p.event("scanned")
	_ = p.CloseNow()

	q := n.dial("userPoolId=p1&random="+random, nil, "key."+key)
	if m := q.event("scanned"); m["random"] != random || m["isBrowser"] != true {
		t.Errorf("resumed: %v", m)
	}
	n.phone("cancel", random, "alice").ok()
	q.event("canceled")
	next := q.event("code") // the rotation continues with the same count
	_ = q.CloseNow()

	for name, again := range map[string]*page{
		"without proof":     n.dial("userPoolId=p1&random="+next["random"].(string), nil),
		"with another key":  n.dial("userPoolId=p1&random="+next["random"].(string), nil, "key."+key),
		"of nothing":        n.dial("userPoolId=p1&random="+string(session.NewID()), nil, "key."+key),
		"of something else": n.dial("userPoolId=p1&random=x", nil, "key."+key),
	} {
		if m := again.event("code"); m["random"] == next["random"] {
			t.Errorf("resumed %s", name)
		}
	}
	if d := n.call("GET", "/check?wait=20&random="+next["random"].(string), nil).ok(); d["event"] != "expired" {
		t.Errorf("the second code: %v", d)
	}
	n.dial("userPoolId=p1&random="+next["random"].(string), nil, "key."+next["browserKey"].(string)).closed(4408)
}

func TestInvalidHandshakesAreRefused(t *testing.T) {
	n := alone(t, newPool(t, nil), secondPool(t))
	c := n.gene("p1")
	n.dial("random="+string(session.NewID()), nil).closed(4404)
	n.dial("random=rubbish", nil).closed(4404)
	n.dial("userPoolId=nobody", nil).closed(4404)
	n.dial("userPoolId=nobody", http.Header{"Origin": {siteOrigin}}).closed(4404)
	n.store.Fail(errors.New("away"))
	n.dial("random="+c.random, nil).closed(1013)
	n.dial("userPoolId=p1", nil).closed(1013)
	n.store.Fail(nil)
	for name, test := range map[string]struct {
		query, origin string
		status        int
	}{
		"no words":                     {"", "", 400},
		"foreign page, watch":          {"random=" + c.random, otherOrigin, 403},
		"foreign page, open":           {"userPoolId=p1", otherOrigin, 403},
		"nobody's page, unknown code":  {"random=rubbish", "https://evil.example.com", 403},
		"null origin":                  {"userPoolId=p1", "null", 403},
		"nobody's page, unknown pool":  {"userPoolId=nobody", "https://evil.example.com", 403},
		"a page of the server's, open": {"userPoolId=p1", n.url, 101},
		"the site's page, watch":       {"random=" + c.random, siteOrigin, 101},
	} {
		h := http.Header{}
		if test.origin != "" {
			h.Set("Origin", test.origin)
		}
		conn, res, err := websocket.Dial(t.Context(), n.url+"/api/v2/qrcode/ws?"+test.query, &websocket.DialOptions{HTTPHeader: h, HTTPClient: client})
		if conn != nil {
			_ = conn.CloseNow()
		}
		if res == nil || res.StatusCode != test.status {
			t.Errorf("%s: %v, %v", name, res, err)
		}
	}
}

func TestSocketsWorkWithGzipAndAnyHost(t *testing.T) {
	n := alone(t, newPool(t, nil))
	p := n.dial("userPoolId=p1", http.Header{"Accept-Encoding": {"gzip, deflate, br"}, "Host": {"other.example.com"}})
	p.event("code")
}

func TestAMissingCodeIsReportedAsExpired(t *testing.T) {
	st := memstore.New()
	bus := sessiontest.NewFaulty(sessiontest.Node{Store: st, Bus: st.Bus()})
	n := start(t, sessiontest.Node{Store: st, Bus: bus}, nil, newPool(t, nil))
	c := n.gene("p1")
	p := n.dial("random="+c.random, nil)
	p.event("waiting")
	bus.Deliver(session.Snapshot{ID: session.ID(c.random)}, session.ErrNotFound)
	if m := p.event("expired"); m["version"] != 2.0 {
		t.Errorf("gone: %v", m)
	}
	p.closed(1000)
}

func TestLostMessagesCloseTheSocketWith1012(t *testing.T) {
	st := memstore.New()
	bus := sessiontest.NewFaulty(sessiontest.Node{Store: st, Bus: st.Bus()})
	n := start(t, sessiontest.Node{Store: st, Bus: bus}, nil, newPool(t, nil))
	c := n.gene("p1")
	p := n.dial("random="+c.random, nil)
	p.event("waiting")
	bus.Deliver(session.Snapshot{ID: session.ID(c.random)}, session.ErrLost)
	p.closed(1012)
}

func TestRepeatedAndOutdatedSnapshotsAreNotSent(t *testing.T) {
	st := memstore.New()
	bus := sessiontest.NewFaulty(sessiontest.Node{Store: st, Bus: st.Bus()})
	bus.Repeat()
	n := start(t, sessiontest.Node{Store: st, Bus: bus}, nil, newPool(t, nil))
	c := n.gene("p1")
	p := n.dial("random="+c.random, nil)
	p.event("waiting")
	n.phone("scanned", c.random, "alice").ok()
	p.event("scanned")
	n.phone("confirm", c.random, "alice").ok()
	p.event("confirmed")
	p.closed(1000)
}

func TestShutdownClosesSocketsWith1012(t *testing.T) {
	n := alone(t, newPool(t, nil))
	pages := make([]*page, 50)
	for i := range pages {
		pages[i] = n.dial("userPoolId=p1", nil)
		pages[i].event("code")
	}
	done := make(chan error, 1)
	go func() { done <- n.stop() }()
	for _, p := range pages {
		p.closed(1012)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestClosedSocketsLeaveNothingBehind(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for range 20 {
		p := n.dial("userPoolId=p1", nil)
		p.event("code")
		_ = p.CloseNow()
	}
	eventually(t, "no watch is left", func() bool { return n.hub.Watches() == 0 })
}

// TestPageAndPhoneMayUseDifferentNodes connects the page to one node and the phone to the other.
func TestPageAndPhoneMayUseDifferentNodes(t *testing.T) {
	a, b, redis := pair(t, nil, newPool(t, nil))
	p := b.dial("userPoolId=p1", nil)
	random := p.event("code")["random"].(string)
	a.phone("scanned", random, "alice").ok()
	p.event("scanned")
	redis.CutPubSub()
	a.phone("confirm", random, "alice").ok()
	ticket := p.event("confirmed")["ticket"].(string)
	p.closed(1000)
	if u := b.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok(); u["id"] != "alice" {
		t.Errorf("user: %v", u)
	}
	a.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).refused(410, 2246)
}

// holdingListener accepts connections whose writes wait for permission.
type holdingListener struct {
	net.Listener
	asks chan struct{} // receives a value before each write
	let  chan struct{} // one value permits one write; closed: all writes
}

func (l holdingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return holdingConn{conn, l}, err
}

type holdingConn struct {
	net.Conn
	from holdingListener
}

func (c holdingConn) Write(p []byte) (int, error) {
	c.from.asks <- struct{}{}
	<-c.from.let
	return c.Conn.Write(p)
}

// TestShutdownWaitsForHandshakesInProgress shuts a node down while it answers
// a handshake.
func TestShutdownWaitsForHandshakesInProgress(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := holdingListener{plain, make(chan struct{}, 10), make(chan struct{})}
	st := memstore.New()
	srv := server.New(server.Options{Hub: hub.New(st.Bus(), st.Now), Options: login.Options{
		PublicURL: "http://" + plain.Addr().String(), Pools: pool.NewRegistry(newPool(t, nil)), Store: st,
	}})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- srv.Run(ctx, ln) }()
	closed := make(chan websocket.StatusCode, 1)
	go func() {
		conn, _, err := websocket.Dial(t.Context(), "ws://"+plain.Addr().String()+"/api/v2/qrcode/ws?userPoolId=p1", &websocket.DialOptions{Subprotocols: []string{"scanlogin.v1"}})
		if err == nil {
			_, _, err = conn.Read(t.Context())
		}
		closed <- websocket.CloseStatus(err)
	}()
	<-ln.asks // the response to the handshake
	leave()
	time.Sleep(300 * time.Millisecond) // all other sockets have been closed
	ln.let <- struct{}{}
	<-ln.asks // the close frame of this socket
	select {
	case err := <-left:
		t.Fatalf("the node stopped (%v) before it closed the socket", err)
	case <-time.After(time.Second):
	}
	close(ln.let)
	if got := <-closed; got != websocket.StatusServiceRestart {
		t.Errorf("closed with %d", got)
	}
	if err := <-left; err != nil {
		t.Error(err)
	}
}
