package wsconn

import (
	"net"
	"runtime"
	"strconv"
	"testing"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
)

// TestConnectionsEndInAllWaysAtOnce has file descriptors reused while events about the
// connections that had them before are under way.
func TestConnectionsEndInAllWaysAtOnce(t *testing.T) {
	e := start(t)
	t.Run("at once", func(t *testing.T) {
		for i := range 16 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for range 25 {
					conn := e.dial(t)
					wsconntest.EndSomehow(t, conn, wsconntest.Upgrade(t, conn, "/", nil))
				}
			})
		}
	})
	asynctest.Eventually(t, "no connection is left", func() bool { return e.Len() == 0 && e.poller.len() == 0 })
	asynctest.Eventually(t, "each handler was told once", func() bool { return e.closed.Load() == 16*25 })
}

// TestIdleConnectionsHaveNoGoroutine compares few with many.
func TestIdleConnectionsHaveNoGoroutine(t *testing.T) {
	e := start(t)
	e.open(t, nil)
	e.isIdle(t, 1, "at first")
	before := runtime.NumGoroutine()
	for range 100 {
		e.open(t, nil)
	}
	e.isIdle(t, 101, "in the end")
	asynctest.Eventually(t, "the goroutines of 100 handshakes have ended", func() bool { return runtime.NumGoroutine() <= before+10 })
}

// TestConnectionsAreServedWithoutThePoller makes the epoll set fail.
func TestConnectionsAreServedWithoutThePoller(t *testing.T) {
	e := start(t)
	first := e.open(t, nil)
	e.isIdle(t, 1, "at first")
	e.poller.fail()
	pages := []net.Conn{first, e.open(t, nil)}
	for _, page := range pages {
		for range 2 {
			_, _ = page.Write(wsconntest.Frame(wsconntest.Ping, []byte("here")))
			wsconntest.AwaitPong(t, page, "here")
		}
	}
	e.Shutdown()
	for _, page := range pages {
		if code := wsconntest.CloseCode(page); code != 1012 {
			t.Errorf("closed with %d", code)
		}
		_, _ = page.Write(wsconntest.Frame(wsconntest.Close, []byte{0x03, 0xf4}))
	}
	asynctest.Eventually(t, "no connection is left", func() bool { return e.Len() == 0 })
}
