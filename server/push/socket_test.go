package push

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// event reads the next message, which must be that event, and returns its code.
func event(t testing.TB, conn *websocket.Conn, want string) session.ID {
	t.Helper()
	var m struct {
		Event  string
		Random session.ID
	}
	text := read(t, conn)
	if err := json.Unmarshal([]byte(text), &m); err != nil || m.Event != want {
		t.Fatalf("%s, want %s", text, want)
	}
	return m.Random
}

func TestASocketThatWatchesEndsWithItsCode(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	conn := n.dial("random="+string(code.ID), keyProtocol+n.pool.BrowserKey(code))
	event(t, conn, "waiting")
	n.step(code.ID, session.Scan)
	event(t, conn, "scanned")
	n.step(code.ID, session.Cancel)
	event(t, conn, "canceled")
	closed(t, conn, websocket.StatusNormalClosure)
	eventually(t, "nothing is left", func() bool {
		free, _ := n.Handshakes()
		return n.Sockets() == 0 && n.hub.Watches() == 0 && n.login.Usage().Connections == 0 && free == MaxHandshakes
	})
	if got := n.pushes(); got != 2 {
		t.Errorf("%d pushes, want those of the scan and the cancel", got)
	}
}

func TestAnOpenSocketContinuesWithTheNextCodeUntilTheLast(t *testing.T) {
	n := start(t, func(_ *login.Limits, p *pool.Pool) { p.MaxCodes = 2 })
	conn := n.dial("pool=p1")
	for range 2 {
		id := event(t, conn, "code")
		n.step(id, session.Scan)
		event(t, conn, "scanned")
		n.step(id, session.Cancel)
		event(t, conn, "canceled")
	}
	closed(t, conn, statusCode(statusExhausted))
}

// A code that cannot be stored was subscribed to before.
func TestNothingRemainsOfACodeThatCannotBeStored(t *testing.T) {
	n := start(t, nil)
	failed := n.store.Fail(errors.New("the store is away"))
	closed(t, n.dial("pool=p1"), websocket.StatusTryAgainLater)
	if failed() == 0 {
		t.Fatal("nothing was stored")
	}
	eventually(t, "nothing is left", func() bool { return n.Sockets() == 0 && n.hub.Watches() == 0 })
}

func statusCode[T ~int](code T) websocket.StatusCode { return websocket.StatusCode(code) }

// TestRefreshWithdrawsTheCode and a second one within refreshPause is served later.
func TestRefreshWithdrawsTheCode(t *testing.T) {
	n := start(t, nil)
	conn := n.dial("pool=p1")
	first := event(t, conn, "code")
	refresh := func() session.ID {
		t.Helper()
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"action":"refresh"}`)); err != nil {
			t.Fatal(err)
		}
		id := event(t, conn, "code")
		return id
	}
	second := refresh()
	began := time.Now()
	third := refresh()
	if took := time.Since(began); took < refreshPause/2 {
		t.Errorf("a second refresh was served after %v", took)
	}
	for _, id := range []session.ID{first, second} {
		if code, err := n.store.Load(t.Context(), id); err != nil || code.Status != session.Expired || code.Op == "" {
			t.Errorf("a code that was replaced: %v, %v", code.Status, err)
		}
	}
	if code, err := n.store.Load(t.Context(), third); err != nil || code.Status != session.Waiting {
		t.Errorf("the last code: %v, %v", code.Status, err)
	}
}

// TestResumeNeedsTheBrowserKey and the same challenge.
func TestResumeNeedsTheBrowserKey(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	key := keyProtocol + n.pool.BrowserKey(code)
	if id := event(t, n.dial("pool=p1&random="+string(code.ID), key), "waiting"); id != code.ID {
		t.Error("another code than the one that was resumed")
	}
	const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	event(t, n.dial("pool=p1&random="+string(code.ID)), "code")
	event(t, n.dial("pool=p1&random="+string(code.ID)+"&method=S256&challenge="+challenge, key), "code")
	event(t, n.dial("pool=p1&random=unknown", key), "code")
	event(t, n.dial("pool=p1&random="+string(session.NewID()), key), "code")
}

// TestCodesAreCountedOverConnections has a page resume a code that ended while it was away.
func TestCodesAreCountedOverConnections(t *testing.T) {
	n := start(t, func(_ *login.Limits, p *pool.Pool) { p.MaxCodes = 1 })
	code := n.create()
	n.step(code.ID, session.Scan)
	n.step(code.ID, session.Cancel)
	closed(t, n.dial("pool=p1&random="+string(code.ID), keyProtocol+n.pool.BrowserKey(code)), statusCode(statusExhausted))
}

// TestARefreshThatCannotBeStoredClosesTheSocket, so that the page connects again.
func TestARefreshThatCannotBeStoredClosesTheSocket(t *testing.T) {
	n := start(t, nil)
	conn := n.dial("pool=p1")
	event(t, conn, "code")
	n.store.Fail(errors.New("the store is away"))
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"action":"refresh"}`)); err != nil {
		t.Fatal(err)
	}
	closed(t, conn, websocket.StatusTryAgainLater)
}

func TestUnknownMessagesCloseASocket(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	for query, message := range map[string]string{
		"pool=p1":                          `{"action":"confirm"}`,
		"pool=p1&random=x":                 "no JSON",
		"random=" + string(code.ID):        `{"action":"refresh"}`,
		"random=" + string(code.ID) + "&x": "[]",
	} {
		conn := n.dial(query)
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		closed(t, conn, websocket.StatusPolicyViolation)
	}
}

// TestShutdownClosesAllPagesWith1012 and no handshake begins afterwards.
func TestShutdownClosesAllPagesWith1012(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	pages := []*websocket.Conn{n.dial("pool=p1"), n.dial("random=" + string(code.ID))}
	for _, page := range pages {
		read(t, page)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.shutdown()
	}()
	for _, page := range pages {
		closed(t, page, websocket.StatusServiceRestart)
	}
	<-ended
	if open := n.Sockets(); open != 0 {
		t.Errorf("%d sockets are open", open)
	}
	if _, res, err := websocket.Dial(t.Context(), n.url+"/ws?pool=p1", nil); err == nil || res == nil || res.StatusCode == 101 {
		t.Errorf("a handshake after the shutdown: %v, %v", res, err)
	}
}

// TestCloseDoesNotWaitForPeersThatDoNotAnswer has a page that never reads.
func TestCloseDoesNotWaitForPeersThatDoNotAnswer(t *testing.T) {
	n := start(t, nil)
	n.dial("pool=p1")
	eventually(t, "the socket is open", func() bool { return n.hub.Watches() == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n.Stop()
	n.Shutdown(ctx)
	if !n.Close() {
		t.Error("the socket has not ended")
	}
}
