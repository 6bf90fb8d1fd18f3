package push

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// dial opens a socket.
func (n *node) dial(query string, offers ...string) *websocket.Conn {
	n.t.Helper()
	conn, _, err := websocket.Dial(n.t.Context(), n.url+"/ws?"+query, &websocket.DialOptions{Subprotocols: append([]string{subprotocol}, offers...)})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// closed reads until a socket is closed, and fails the test unless it is with that code.
func closed(t testing.TB, conn *websocket.Conn, want websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			if got := websocket.CloseStatus(err); got != want {
				t.Errorf("closed with %v, want %d", err, want)
			}
			return
		}
	}
}

// read returns the next message.
func read(t testing.TB, conn *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	_, text, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBrowserKeyIsOfferedBesideTheSubprotocol(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  string
	}{
		{nil, ""},
		{[]string{"scanlogin.v1"}, ""},
		{[]string{"scanlogin.v1, key.abc"}, "abc"},
		{[]string{"key.abc ,scanlogin.v1"}, "abc"},
		{[]string{"key.abc", "scanlogin.v1"}, "abc"},
		{[]string{"key.abc"}, ""},
		{[]string{"key.abc, scanlogin.v2"}, ""},
		{[]string{"scanlogin.v1, key."}, ""},
	} {
		r := &http.Request{Header: http.Header{"Sec-Websocket-Protocol": test.lines}}
		if got := offeredKey(r); got != test.want {
			t.Errorf("%q: %q, want %q", test.lines, got, test.want)
		}
	}
}

func TestRequestsThatAreNoHandshakeAreErrors(t *testing.T) {
	n := start(t, nil)
	if _, text := n.get("/ws?pool=p1"); !strings.Contains(text, ErrNoHandshake.Error()) {
		t.Errorf("no upgrade: %q", text)
	}
	for query, want := range map[string]string{
		"":        "random or userPoolId is required",
		"pool=p1": login.ErrOrigin.Error(),
	} {
		_, res, err := websocket.Dial(t.Context(), n.url+"/ws?"+query, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://evil.example.com"}}})
		if err == nil || res == nil || res.StatusCode != http.StatusTeapot {
			t.Fatalf("%q: %v, %v", query, res, err)
		}
		text := make([]byte, 100)
		if size, _ := res.Body.Read(text); !strings.Contains(string(text[:size]), want) {
			t.Errorf("%q: %q, want %q", query, text[:size], want)
		}
	}
	if free, waiting := n.Handshakes(); free != MaxHandshakes || waiting != 0 {
		t.Errorf("%d free, %d waiting", free, waiting)
	}
}

func TestRefusalsForPagesAreCloseFrames(t *testing.T) {
	n := start(t, func(_ *login.Limits, p *pool.Pool) { p.RequirePKCE = true })
	closed(t, n.dial("pool=unknown"), 4404)
	closed(t, n.dial("random="+string(session.NewID())), 4404)
	closed(t, n.dial("pool=p1"), websocket.StatusPolicyViolation)
	closed(t, n.dial("pool=p1&method=S256&challenge=short"), websocket.StatusPolicyViolation)
	n.store.Fail(errors.New("away"))
	closed(t, n.dial("random="+string(session.NewID())), websocket.StatusTryAgainLater)
}

func TestSocketsBeyondTheLimitOfConnectionsAreClosed(t *testing.T) {
	n := start(t, func(l *login.Limits, _ *pool.Pool) { l.SocketsPerAddress = 1 })
	first := n.dial("pool=p1")
	read(t, first)
	closed(t, n.dial("pool=p1"), websocket.StatusTryAgainLater)
	_ = first.CloseNow()
	eventually(t, "the connection is released", func() bool { return n.login.Usage().Connections == 0 })
	read(t, n.dial("pool=p1"))
}
