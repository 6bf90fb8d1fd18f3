// Package wsconntest is a WebSocket client for tests that sends and reads single frames,
// also invalid ones. Every connection has a deadline.
package wsconntest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"testing"
	"time"
)

// First bytes of frames that are not continued (RFC 6455, 5.2).
const (
	Text   = 0x81
	Binary = 0x82
	Close  = 0x88
	Ping   = 0x89
	Pong   = 0x8a
)

// EndlessFrame is the beginning of a binary frame of the largest size.
func EndlessFrame() []byte {
	return append([]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1, 2, 3, 4)
}

// Frame is a client's frame, masked with zeros.
func Frame(first byte, payload []byte) []byte {
	var out bytes.Buffer
	out.WriteByte(first)
	switch {
	case len(payload) < 126:
		out.WriteByte(0x80 | byte(len(payload)))
	case len(payload) < 1<<16:
		out.WriteByte(0x80 | 126)
		_ = binary.Write(&out, binary.BigEndian, uint16(len(payload)))
	default:
		out.WriteByte(0x80 | 127)
		_ = binary.Write(&out, binary.BigEndian, uint64(len(payload)))
	}
	out.Write(make([]byte, 4))
	out.Write(payload)
	return out.Bytes()
}

// Upgrade sends a handshake for target on conn, with more bytes behind it in the same
// packet, and reads the response. The connection that it returns has a deadline of a
// minute and is closed when the test ends.
func Upgrade(t testing.TB, conn net.Conn, target string, more []byte) net.Conn {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	handshake := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", target)
	if _, err := conn.Write(append([]byte(handshake), more...)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReaderSize(conn, 16) // so small that no frame stays in it
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v %v", res, err)
	}
	return buffered{conn, r}
}

// buffered is a connection whose first bytes are in r.
type buffered struct {
	net.Conn
	r io.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// readFrame reads a server's frame of less than 64 KiB.
func readFrame(conn io.Reader) (first byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return 0, nil, err
	}
	size := int(head[1])
	if size == 126 {
		var long [2]byte
		if _, err := io.ReadFull(conn, long[:]); err != nil {
			return 0, nil, err
		}
		size = int(binary.BigEndian.Uint16(long[:]))
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(conn, payload)
	return head[0], payload, err
}

// AwaitPong reads frames until a pong with that payload.
func AwaitPong(t testing.TB, conn io.Reader, payload string) {
	t.Helper()
	for {
		first, got, err := readFrame(conn)
		if err != nil {
			t.Fatalf("no pong %q: %v", payload, err)
		}
		if first == Pong && string(got) == payload {
			return
		}
	}
}

// CloseCode reads frames until the server closes, and returns the status code of its
// close frame; 0 if there is none.
func CloseCode(conn io.Reader) int {
	for {
		first, payload, err := readFrame(conn)
		if err != nil {
			return 0
		}
		if first == Close && len(payload) >= 2 {
			return int(binary.BigEndian.Uint16(payload))
		}
	}
}

// EndSomehow ends a connection in one of the ways in which connections end, chosen by
// chance. The server closes it when it receives the text "garbage". conn is page
// without the buffer.
func EndSomehow(t testing.TB, conn *net.TCPConn, page net.Conn) {
	switch rand.IntN(5) {
	case 0: // a reset
		_ = conn.SetLinger(0)
	case 1: // our end, and then the server's
		_ = conn.CloseWrite()
		_, _ = io.Copy(io.Discard, page)
	case 2: // half a frame
		_, _ = conn.Write(Frame(Ping, []byte("half"))[:3])
	case 3: // the server ends it
		_, _ = conn.Write(append(Frame(Text, []byte("garbage")), Frame(Close, []byte{0x03, 0xf0})...))
		_, _ = io.Copy(io.Discard, page)
	case 4:
		for range 3 {
			_, _ = conn.Write(Frame(Ping, []byte("here")))
			AwaitPong(t, page, "here")
		}
	}
	_ = conn.Close()
}
