package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
)

// stopsInTime shuts a node down, which takes at most 10 s on an idle machine.
func stopsInTime(t *testing.T, n *node) {
	t.Helper()
	n.allowsUnfinished = true
	began, left := time.Now(), make(chan error, 1)
	go func() { left <- n.stop() }()
	select {
	case err := <-left:
		t.Logf("left after %v: %v", time.Since(began), err)
		if err != nil && !strings.Contains(err.Error(), "requests did not finish") { // expected for some connections
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the node does not stop")
		<-left
	}
}

// TestShutdownEndsInTimeWhateverPeersDo opens hundreds of connections of each
// kind that could delay it.
func TestShutdownEndsInTimeWhateverPeersDo(t *testing.T) {
	t.Parallel()
	n := startHostile(t, func(ln net.Listener) net.Listener { return ln })
	c := n.gene("p1")
	for _, hostile := range []struct {
		name  string
		times int
		sent  string
		then  []byte // sent after the head of the response; nil: the response is not read
	}{
		{"unknown pool", 150, handshake("userPoolId=nobody", ""), []byte{}},
		{"no answer to a close", 100, handshake("userPoolId=p1", ""), wsconntest.EndlessFrame()},
		{"half a head", 50, "POST /api/v2/qrcode/gene HTTP/1.1\r\nHost: x\r\n", nil},
		{"half a body", 50, "POST /api/v2/qrcode/gene HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", nil},
		{"an event stream", 50, "GET /api/v2/qrcode/events?random=" + c.random + " HTTP/1.1\r\nHost: x\r\n\r\n", nil},
		{"a check that waits", 50, "GET /api/v2/qrcode/check?wait=25&random=" + c.random + " HTTP/1.1\r\nHost: x\r\nX-Browser-Key: " + c.key + "\r\n\r\n", nil},
		{"nothing", 50, "", nil},
		{"handshake, no body", 700, handshake("userPoolId=p1", "Content-Length: 5\r\n"), nil},
	} {
		for range hostile.times {
			conn := dialFrom(t, n, "127.0.0.2")
			_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
			_, _ = io.WriteString(conn, hostile.sent)
			if hostile.then == nil {
				continue
			}
			if res, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil); err != nil || res.StatusCode != 101 {
				t.Fatalf("%s: %v %v", hostile.name, res, err)
			}
			_, _ = conn.Write(hostile.then)
		}
	}
	stopsInTime(t, n)
}

// TestShutdownEndsInTimeWhileHandshakesHang has all slots hang, and hundreds of
// handshakes wait.
func TestShutdownEndsInTimeWhileHandshakesHang(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	n := startHostile(t, func(ln net.Listener) net.Listener { return hangingListener{ln, released} })
	waited := 0 // at the same time; on a busy machine the first have given up before the last one comes
	for range 700 {
		fmt.Fprint(dialFrom(t, n, "127.0.0.2"), handshake("userPoolId=p1", ""))
		waited = max(waited, n.srv.WaitingHandshakes())
	}
	eventually(t, "handshakes wait", func() bool {
		waited = max(waited, n.srv.WaitingHandshakes())
		return waited >= server.MaxHandshakes
	})
	stopsInTime(t, n)
	close(released)
}

// startHostile starts a node with high limits, because all connections come from one address.
func startHostile(t *testing.T, wrap func(net.Listener) net.Listener) *node {
	return startOn(t, memNode(), wrap, func(o *server.Options) {
		o.Limits = login.Limits{CodesPerAddress: 10_000, WatchersPerCode: 1000, CheckRate: 1000}
	}, newPool(t, nil))
}

// hangingListener accepts connections whose writes never return, not even after Close.
type hangingListener struct {
	net.Listener
	released chan struct{}
}

func (l hangingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return hangingConn{conn, l.released}, err
}

type hangingConn struct {
	net.Conn
	released chan struct{}
}

func (c hangingConn) Write([]byte) (int, error) {
	<-c.released
	return 0, net.ErrClosed
}
