package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/server"
)

const (
	pingFrame = 0x89
	pongFrame = 0x8a
)

// opened sends a handshake for a page that makes its own codes, with more
// behind it in the same packet, and reads the answer.
func opened(t *testing.T, conn net.Conn, more []byte) net.Conn {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	handshake := "GET /api/v2/qrcode/ws?userPoolId=p1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if _, err := conn.Write(append([]byte(handshake), more...)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReaderSize(conn, 16)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v %v", res, err)
	}
	return prefixed{conn, r}
}

func dialTCP(t *testing.T, n *node) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// awaitPong reads frames, which are short, until a pong with that text.
func awaitPong(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	for {
		var head [2]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			t.Fatalf("no pong %q: %v", want, err)
		}
		size := int(head[1])
		if size == 126 {
			var long [2]byte
			if _, err := io.ReadFull(conn, long[:]); err != nil {
				t.Fatal(err)
			}
			size = int(long[0])<<8 | int(long[1])
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(conn, payload); err != nil {
			t.Fatal(err)
		}
		if head[0] == pongFrame && string(payload) == want {
			return
		}
	}
}

// waitsOutside waits until so many sockets wait in the poller.
func waitsOutside(t *testing.T, n *node, sockets int, when string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return // they wait inside
	}
	eventually(t, "sockets wait in the poller "+when, func() bool { return n.srv.Waiting() == sockets })
}

func TestAnIdleReaderWaitsOutsideOfTheLibrary(t *testing.T) {
	n := alone(t, newPool(t, nil))
	conn := opened(t, dialTCP(t, n), nil)
	waitsOutside(t, n, 1, "at first")
	for i := range 3 {
		text := fmt.Sprint("ping", i)
		_, _ = conn.Write(frame(pingFrame, []byte(text)))
		awaitPong(t, conn, text)
		waitsOutside(t, n, 1, "after a ping")
	}
	_, _ = conn.Write(frame(textFrame, []byte(`{"action":"refresh"}`)))
	_, _ = conn.Write(frame(pongFrame, nil)) // as the next heartbeat brings
	waitsOutside(t, n, 1, "after a message and a pong")
	_, _ = conn.Write(frame(textFrame, []byte("garbage")))
	if code := closeCode(t, conn); code != 1008 {
		t.Errorf("after all that, garbage closes with %d", code)
	}
}

// TestBytesAreTakenHoweverTheyCome cuts what a client sends at every place, and
// sends it with the handshake.
func TestBytesAreTakenHoweverTheyCome(t *testing.T) {
	n := alone(t, newPool(t, nil))
	whole := append(frame(pongFrame, []byte("unasked")), frame(pingFrame, []byte("a"))...)
	whole = append(whole, frame(0x01, []byte(`{"action":`))...) // a message in two parts
	whole = append(whole, frame(pingFrame, []byte("between"))...)
	whole = append(whole, frame(0x80, []byte(`"refresh"}`))...)
	whole = append(whole, frame(pingFrame, []byte("the end"))...)
	for cut := 0; cut <= len(whole); cut++ {
		conn := opened(t, dialTCP(t, n), whole[:cut])
		if cut < len(whole) {
			_, _ = conn.Write(whole[cut : cut+1])
			runtime.Gosched()
			_, _ = conn.Write(whole[cut+1:])
		}
		awaitPong(t, conn, "a")
		awaitPong(t, conn, "between")
		awaitPong(t, conn, "the end")
		_ = conn.Close()
	}
	slow := opened(t, dialTCP(t, n), nil)
	for i := range whole {
		_, _ = slow.Write(whole[i : i+1])
		runtime.Gosched()
	}
	awaitPong(t, slow, "the end")
	waitsOutside(t, n, 1, "in the end")
}

func TestSocketsOverTLS(t *testing.T) {
	n := alone(t, newPool(t, nil))
	front := httptest.NewUnstartedServer(n.srv.Handler())
	front.StartTLS()
	t.Cleanup(front.Close)
	conn, err := tls.Dial("tcp", front.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // nobody else is there
	if err != nil {
		t.Fatal(err)
	}
	page := opened(t, conn, frame(pingFrame, []byte("early")))
	awaitPong(t, page, "early")
	_, _ = page.Write(frame(pingFrame, []byte("later")))
	awaitPong(t, page, "later")
	_, _ = page.Write(frame(textFrame, []byte("garbage")))
	if code := closeCode(t, page); code != 1008 {
		t.Errorf("closed with %d", code)
	}
}

// TestAFarewellWaitsForThePeers has a node leave while a page waits: the page's
// own close is read, by whom nothing may disturb.
func TestAFarewellWaitsForThePeers(t *testing.T) {
	n := start(t, memNode(), func(*server.Options) {}, newPool(t, nil))
	conn := opened(t, dialTCP(t, n), nil)
	waitsOutside(t, n, 1, "before the end")
	done := make(chan error, 1)
	go func() { done <- n.stop() }()
	if code := closeCode(t, conn); code != 1012 {
		t.Errorf("closed with %d", code)
	}
	_, _ = conn.Write(frame(pongFrame, nil))
	select {
	case <-done:
		t.Error("the node did not wait for the page's close")
	case <-time.After(300 * time.Millisecond):
	}
	_, _ = conn.Write(frame(0x88, []byte{0x03, 0xf4}))
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection did not end in order: %v", err)
	}
}

// TestAFarewellDoesNotWaitForever has a peer answer the server's close
// with a message that has no end, while the node goes on: nothing but the
// deadline of the close ends that.
func TestAFarewellDoesNotWaitForever(t *testing.T) {
	t.Parallel() // with what else takes its time
	n := alone(t, newPool(t, nil))
	conn := opened(t, dialTCP(t, n), nil)
	waitsOutside(t, n, 1, "after the first messages") // a message that fails would end the connection, too
	_, _ = conn.Write(frame(textFrame, []byte("garbage")))
	if code := closeCode(t, conn); code != 1008 {
		t.Fatalf("closed with %d", code)
	}
	_, _ = conn.Write(append([]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1, 2, 3, 4))
	for deadline := time.Now().Add(50 * time.Second); ; time.Sleep(100 * time.Millisecond) { // ten times what the server waits
		if _, err := conn.Write([]byte("drip")); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("still connected")
		}
	}
}

// hasLeft waits for the end of a node, which takes 10 s at most.
func hasLeft(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the node does not leave")
	}
}
