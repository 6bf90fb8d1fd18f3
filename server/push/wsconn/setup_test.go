package wsconn

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpoint is an HTTP server whose connections are those of a Group.
type endpoint struct {
	*Group
	http   *httptest.Server
	closed atomic.Int64 // how often Closed was called
	refuse *CloseFrame  // connections are not served
}

func start(t *testing.T) *endpoint { return startOn(t, (*httptest.Server).Start) }

func startOn(t *testing.T, listen func(*httptest.Server)) *endpoint {
	t.Helper()
	e := &endpoint{Group: NewGroup(Options{Subprotocol: "test", MaxMessage: 4 << 10, MaxMessageRate: 10})}
	e.http = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := &handler{endpoint: e}
		var err error
		if h.conn, err = e.Accept(rw, r, h); err != nil {
			return
		}
		if refuse := e.refuse; !e.Add(h.conn) || refuse != nil {
			go h.conn.Refuse(refuse)
			return
		}
		h.conn.Start()
	}))
	listen(e.http)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { e.Heartbeat(ctx); close(ended) }()
	t.Cleanup(func() {
		e.Abort()
		asynctest.Eventually(t, "all connections are closed", func() bool { return e.Len() == 0 })
		cancel()
		<-ended
		e.Close()
		e.http.Close()
	})
	return e
}

// handler accepts all messages but "garbage".
type handler struct {
	endpoint *endpoint
	conn     *Conn
}

func (h *handler) Message(text []byte) *CloseFrame {
	if string(text) == "garbage" {
		return &CloseFrame{StatusPolicyViolation, "garbage"}
	}
	return nil
}

func (h *handler) Closed() { h.endpoint.closed.Add(1) }

func (h *handler) Shutdown() { go h.conn.Close(&CloseFrame{StatusServiceRestart, "connect again"}) }

// dial opens a TCP connection.
func (e *endpoint) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", e.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// open opens a WebSocket connection; more is sent in the packet of the handshake.
func (e *endpoint) open(t *testing.T, more []byte) net.Conn {
	t.Helper()
	return wsconntest.Upgrade(t, e.dial(t), "/", more)
}

// isIdle waits until that many connections are idle: they wait in the poller.
func (e *endpoint) isIdle(t *testing.T, connections int, when string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return // they wait inside the library
	}
	asynctest.Eventually(t, "connections are idle "+when, func() bool { return e.poller.len() == connections })
}
