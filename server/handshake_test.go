package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// soon is the deadline of operations that take milliseconds. It is shorter than the server's
// timeout for a missing body (10 s).
const soon = 5 * time.Second

// dialFrom connects to a node from a loopback address of the test's choice.
func dialFrom(t testing.TB, n *node, address string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(n.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// handshake returns a WebSocket handshake with additional header lines, each ending in CRLF.
func handshake(query, more string) string {
	return "GET /api/v2/qrcode/ws?" + query + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + more + "\r\n"
}

// TestAHandshakeWithABodyIsRefusedAtOnce announces a body that is never sent, and
// one that is sent with the head.
func TestAHandshakeWithABodyIsRefusedAtOnce(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for name, sent := range map[string]string{
		"Content-Length":                handshake("userPoolId=p1", "Content-Length: 5\r\n"),
		"Content-Length, with its body": handshake("userPoolId=p1", "Content-Length: 5\r\n") + "hello",
		"Transfer-Encoding":             handshake("userPoolId=p1", "Transfer-Encoding: chunked\r\n"),
		"no pool, and a body":           handshake("", "Content-Length: 5\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			conn := dialFrom(t, n, "127.0.0.1")
			_ = conn.SetDeadline(time.Now().Add(soon))
			fmt.Fprint(conn, sent)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := io.ReadAll(res.Body)
			var env struct {
				Code    int
				Message string
			}
			if err := json.Unmarshal(raw, &env); err != nil || res.StatusCode != 400 || env.Code != 2231 || !strings.Contains(env.Message, "body") {
				t.Errorf("answer %d %s", res.StatusCode, raw)
			}
			if !res.Close {
				t.Errorf("no Connection: close in %v", res.Header)
			}
			if _, err := io.Copy(io.Discard, conn); err != nil { // until the server closes
				t.Errorf("the connection is still open: %v", err)
			}
		})
	}
	n.dial("userPoolId=p1", nil).event("code")
}

// TestHandshakesWithBodiesDelayNoOthers has one address send more of them
// than handshakes run at once.
func TestHandshakesWithBodiesDelayNoOthers(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for i := range 200 {
		fmt.Fprint(dialFrom(t, n, "127.0.0.2"), handshake("userPoolId=p1", []string{"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}[i%2]))
	}
	for range 10 {
		conn := dialFrom(t, n, "127.0.0.3")
		_ = conn.SetDeadline(time.Now().Add(soon))
		fmt.Fprint(conn, handshake("userPoolId=p1", ""))
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 101 {
			t.Fatalf("a valid handshake: %v %v", res, err)
		}
	}
}

// TestUpgradeMayNameOtherProtocols has a client offer several (RFC 9110, 7.8).
func TestUpgradeMayNameOtherProtocols(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for _, test := range []struct {
		lines  string
		status int
	}{
		{"Upgrade: websocket, foo\r\n", 101},
		{"Upgrade: foo/2 ,WebSocket\r\n", 101},
		{"Upgrade: foo\r\nUpgrade: websocket\r\n", 101},
		{"Upgrade: foo, websockets\r\n", 426},
		{"Upgrade: \r\n", 426},
	} {
		conn := dialFrom(t, n, "127.0.0.1")
		_ = conn.SetDeadline(time.Now().Add(soon))
		fmt.Fprint(conn, strings.Replace(handshake("userPoolId=p1", ""), "Upgrade: websocket\r\n", test.lines, 1))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != test.status {
			t.Errorf("%q: %v %v, want %d", test.lines, res, err, test.status)
		}
	}
}
