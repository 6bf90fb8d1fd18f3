package server_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/session"
)

// raw opens a socket by hand, to send what no client library would.
func (n *node) raw(query string) net.Conn {
	n.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	if err != nil {
		n.Fatal(err)
	}
	n.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	fmt.Fprintf(conn, "GET /api/v2/qrcode/ws?%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", query)
	r := bufio.NewReaderSize(conn, 16) // so that no frame stays in it
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != 101 {
		n.Fatalf("handshake: %v %v", res, err)
	}
	return prefixed{conn, r}
}

type prefixed struct {
	net.Conn
	r io.Reader
}

func (p prefixed) Read(b []byte) (int, error) { return p.r.Read(b) }

// frame is a client's frame, masked with zeros.
func frame(first byte, payload []byte) []byte {
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

// closeCode reads frames until the server closes; 0 if it just hangs up.
func closeCode(t *testing.T, conn net.Conn) websocket.StatusCode {
	t.Helper()
	for {
		var head [2]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return 0
		}
		size := int(head[1] & 0x7f)
		if size == 126 {
			var long [2]byte
			if _, err := io.ReadFull(conn, long[:]); err != nil {
				return 0
			}
			size = int(binary.BigEndian.Uint16(long[:]))
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return 0
		}
		if head[0]&0x0f == 8 && size >= 2 {
			code := websocket.StatusCode(binary.BigEndian.Uint16(payload))
			theReferee.closing(t, code)
			return code
		}
	}
}

const (
	textFrame   = 0x81
	binaryFrame = 0x82
)

func TestHostileSocketsAreClosedByTheRules(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for _, test := range []struct {
		name, query string
		send        []byte
		want        []websocket.StatusCode
	}{
		{"not JSON", "userPoolId=p1", frame(textFrame, []byte("garbage")), []websocket.StatusCode{1008}},
		{"a list", "userPoolId=p1", frame(textFrame, []byte("[]")), []websocket.StatusCode{1008}},
		{"unknown action", "userPoolId=p1", frame(textFrame, []byte(`{"action":"confirm"}`)), []websocket.StatusCode{1008}},
		{"refresh of a watched code", "random=" + c.random, frame(textFrame, []byte(`{"action":"refresh"}`)), []websocket.StatusCode{1008}},
		{"binary", "userPoolId=p1", frame(binaryFrame, []byte(`{"action":"refresh"}`)), []websocket.StatusCode{1008}},
		{"invalid UTF-8", "userPoolId=p1", frame(textFrame, []byte("{\"action\":\"\xff\"}")), []websocket.StatusCode{1007}},
		{"over 4 KiB", "userPoolId=p1", frame(textFrame, bytes.Repeat([]byte("x"), 4<<10+1)), []websocket.StatusCode{1009}},
		{"1 MB", "userPoolId=p1", frame(textFrame, bytes.Repeat([]byte("x"), 1<<20)), []websocket.StatusCode{1009, 0}}, // a reset may overtake it
		{"too many", "userPoolId=p1", bytes.Repeat(frame(textFrame, []byte(`{"action":"refresh"}`)), 11), []websocket.StatusCode{1008}},
		{"reserved bits", "userPoolId=p1", frame(0xf1, []byte("x")), []websocket.StatusCode{1002}},
		{"bytes of no protocol", "userPoolId=p1", bytes.Repeat([]byte{0xff}, 1<<10), []websocket.StatusCode{1002, 1009, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			on := *n
			on.TB = t
			conn := on.raw(test.query)
			go func() { _, _ = conn.Write(test.send) }()
			got := closeCode(t, conn)
			for _, want := range test.want {
				if got == want {
					return
				}
			}
			t.Errorf("closed with %d, want one of %v", got, test.want)
		})
	}
	eventually(t, "no watch is left", func() bool { return n.hub.Watches() == 0 })
}

func TestASilentPeerIsDropped(t *testing.T) {
	t.Parallel() // with what else takes its time
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	began := time.Now()
	conn := n.raw("random=" + c.random) // reads, and answers no ping
	if code := closeCode(t, conn); code != 0 {
		t.Errorf("closed with %d", code)
	}
	// Between a heartbeat with its patience and twice that.
	if took := time.Since(began); took < 30*time.Second || took > 60*time.Second {
		t.Errorf("dropped after %v", took)
	}
}

func TestAPeerThatAnswersPingsStays(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, nil))
	p := n.dial("random="+n.gene("p1").random, nil)
	p.event("waiting")
	got := make(chan error, 1)
	go func() {
		_, _, err := p.Read(p.ctx) // answers pings meanwhile; p's time is 30 s
		got <- err
	}()
	select {
	case err := <-got:
		if p.ctx.Err() == nil {
			t.Errorf("dropped: %v", err)
		}
	case <-time.After(28 * time.Second):
	}
}

// TestTheServerStaysCalm has many hostile clients come and go, and looks at
// what is left of them.
func TestTheServerStaysCalm(t *testing.T) {
	n := alone(t, newPool(t, nil))
	storm := func() {
		for i := range 100 {
			conn := n.raw("userPoolId=p1")
			_, _ = conn.Write([][]byte{
				frame(textFrame, []byte("garbage")), frame(binaryFrame, nil), {0xff, 0xff}, {}, frame(textFrame, bytes.Repeat([]byte("x"), 5000)),
			}[i%5])
			_ = conn.Close()
			n.call("POST", "/gene?userPoolId=p1", `{"scene":`)
			n.call("GET", "/check?random="+string(session.NewID()), nil)
		}
		eventually(t, "no watch is left", func() bool { return n.hub.Watches() == 0 })
		client.CloseIdleConnections()
	}
	storm()
	before := calm()
	for range 3 {
		storm()
	}
	eventually(t, "no goroutine is left", func() bool { return calm().goroutines <= before.goroutines+3 })
	if after := calm(); after.heap > before.heap+8<<20 {
		t.Errorf("300 hostile clients left %d bytes", after.heap-before.heap)
	}
}

type measure struct {
	goroutines int
	heap       uint64
}

func calm() measure {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return measure{runtime.NumGoroutine(), m.HeapAlloc}
}
