package server_test

import (
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
)

const openSocket = "/api/v2/qrcode/ws?userPoolId=p1"

// TestSocketsThatEndInSeveralWaysAtOnceLeaveNothingBehind and leave nothing behind.
func TestSocketsThatEndInSeveralWaysAtOnceLeaveNothingBehind(t *testing.T) {
	n := alone(t, newPool(t, nil))
	t.Run("at once", func(t *testing.T) {
		for i := range 16 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for range 25 {
					conn := dialTCP(t, n)
					wsconntest.EndSomehow(t, conn, wsconntest.Upgrade(t, conn, openSocket, nil))
				}
			})
		}
	})
	eventually(t, "no socket is left", func() bool {
		return n.srv.Sockets() == 0 && n.srv.Load().Connections == 0 && n.hub.Watches() == 0
	})
}

func dialTCP(t testing.TB, n *node) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", n.url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// TestShutdownWaitsForThePagesCloseFrame has a page answer with a delay.
func TestShutdownWaitsForThePagesCloseFrame(t *testing.T) {
	n := alone(t, newPool(t, nil))
	conn := wsconntest.Upgrade(t, dialTCP(t, n), openSocket, nil)
	done := make(chan error, 1)
	go func() { done <- n.stop() }()
	if code := closeCode(t, conn); code != 1012 {
		t.Errorf("closed with %d", code)
	}
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Pong, nil))
	select {
	case <-done:
		t.Error("the node did not wait for the page's close frame")
	case <-time.After(300 * time.Millisecond):
	}
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Close, []byte{0x03, 0xf4}))
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection did not end in order: %v", err)
	}
}
