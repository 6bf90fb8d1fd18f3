package wsconn

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
)

// TestReadingStopsWhenNoBytesAreThere waits until the connection is idle after each kind of
// frame.
func TestReadingStopsWhenNoBytesAreThere(t *testing.T) {
	e := start(t)
	conn := e.open(t, nil)
	e.isIdle(t, 1, "at first")
	for i := range 3 {
		text := fmt.Sprint("ping", i)
		_, _ = conn.Write(wsconntest.Frame(wsconntest.Ping, []byte(text)))
		wsconntest.AwaitPong(t, conn, text)
		e.isIdle(t, 1, "after a ping")
	}
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Text, []byte("hello")))
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Pong, nil)) // as after the next heartbeat
	e.isIdle(t, 1, "after a message and a pong")
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Text, []byte("garbage")))
	if code := wsconntest.CloseCode(conn); code != 1008 {
		t.Errorf("after all that, garbage closes with %d", code)
	}
}

// TestBytesMayArriveInAnyPieces cuts what a client sends at every place, and sends the
// first piece with the handshake.
func TestBytesMayArriveInAnyPieces(t *testing.T) {
	e := start(t)
	whole := append(wsconntest.Frame(wsconntest.Pong, []byte("unasked")), wsconntest.Frame(wsconntest.Ping, []byte("a"))...)
	whole = append(whole, wsconntest.Frame(0x01, []byte(`{"action":`))...) // a message in two frames
	whole = append(whole, wsconntest.Frame(wsconntest.Ping, []byte("between"))...)
	whole = append(whole, wsconntest.Frame(0x80, []byte(`"refresh"}`))...)
	whole = append(whole, wsconntest.Frame(wsconntest.Ping, []byte("the end"))...)
	for cut := 0; cut <= len(whole); cut++ {
		conn := e.open(t, whole[:cut])
		if cut < len(whole) {
			_, _ = conn.Write(whole[cut : cut+1])
			runtime.Gosched()
			_, _ = conn.Write(whole[cut+1:])
		}
		wsconntest.AwaitPong(t, conn, "a")
		wsconntest.AwaitPong(t, conn, "between")
		wsconntest.AwaitPong(t, conn, "the end")
		_ = conn.Close()
	}
	slow := e.open(t, nil)
	for i := range whole {
		_, _ = slow.Write(whole[i : i+1])
		runtime.Gosched()
	}
	wsconntest.AwaitPong(t, slow, "the end")
	e.isIdle(t, 1, "in the end")
}

func TestConnectionsOverTLSAreServed(t *testing.T) {
	e := startOn(t, (*httptest.Server).StartTLS)
	conn, err := tls.Dial("tcp", e.http.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // our own server
	if err != nil {
		t.Fatal(err)
	}
	page := wsconntest.Upgrade(t, conn, "/", wsconntest.Frame(wsconntest.Ping, []byte("early")))
	wsconntest.AwaitPong(t, page, "early")
	_, _ = page.Write(wsconntest.Frame(wsconntest.Ping, []byte("later")))
	wsconntest.AwaitPong(t, page, "later")
	_, _ = page.Write(wsconntest.Frame(wsconntest.Text, []byte("garbage")))
	if code := wsconntest.CloseCode(page); code != 1008 {
		t.Errorf("closed with %d", code)
	}
}

// TestCloseWaitsForThePeersCloseFrame sends another frame before the close frame.
func TestCloseWaitsForThePeersCloseFrame(t *testing.T) {
	e := start(t)
	conn := e.open(t, nil)
	e.isIdle(t, 1, "before the end")
	e.Shutdown()
	if code := wsconntest.CloseCode(conn); code != 1012 {
		t.Errorf("closed with %d", code)
	}
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Pong, nil))
	time.Sleep(300 * time.Millisecond) // time to close too early
	if e.closed.Load() != 0 {
		t.Error("the connection did not wait for the peer's close frame")
	}
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Close, []byte{0x03, 0xf4}))
	asynctest.Eventually(t, "the connection is closed", func() bool { return e.closed.Load() == 1 })
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection did not end in order: %v", err)
	}
}

// TestCloseHandshakeDoesNotWaitForever has a peer answer a close frame with a message that
// does not end, while the server goes on: only the deadline of the handshake ends that.
func TestCloseHandshakeDoesNotWaitForever(t *testing.T) {
	t.Parallel() // it takes 5 s
	e := start(t)
	conn := e.open(t, nil)
	e.isIdle(t, 1, "at first")
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Text, []byte("garbage")))
	if code := wsconntest.CloseCode(conn); code != 1008 {
		t.Fatalf("closed with %d", code)
	}
	neverEnds(t, conn)
}

// TestRefusedConnectionsAreClosed also where the peer does not answer the close frame.
func TestRefusedConnectionsAreClosed(t *testing.T) {
	t.Parallel() // it takes 5 s
	e := start(t)
	e.refuse = &CloseFrame{StatusTryAgainLater, "try again later"}
	polite, silent := e.open(t, nil), e.open(t, nil)
	for _, conn := range []net.Conn{polite, silent} {
		if code := wsconntest.CloseCode(conn); code != 1013 {
			t.Errorf("closed with %d", code)
		}
	}
	_, _ = polite.Write(wsconntest.Frame(wsconntest.Close, []byte{0x03, 0xf5}))
	if _, err := io.ReadAll(polite); err != nil {
		t.Errorf("the connection did not end in order: %v", err)
	}
	neverEnds(t, silent)
	asynctest.Eventually(t, "both handlers were told", func() bool { return e.closed.Load() == 2 })
}

// neverEnds sends bytes of a frame that does not end, and fails the test if the server
// does not close the connection.
func neverEnds(t *testing.T, conn net.Conn) {
	t.Helper()
	_, _ = conn.Write(wsconntest.EndlessFrame())
	for deadline := time.Now().Add(50 * time.Second); ; time.Sleep(100 * time.Millisecond) { // ten times closeTimeout
		if _, err := conn.Write([]byte("drip")); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("still connected")
		}
	}
}
