package wsconn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
)

// connections returns the server's side of all connections.
func (e *endpoint) connections() (all []*Conn) {
	for i := range e.buckets {
		all = append(all, e.bucket(i)...)
	}
	return all
}

// TestClosingNeedsNoGoroutine closes connections whose peers do not answer. The schedule of
// pings closes them.
func TestClosingNeedsNoGoroutine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("idle connections have a goroutine each")
	}
	t.Parallel() // it takes 6 s
	const connections = 200
	e := start(t)
	for range connections {
		e.open(t, nil)
	}
	e.isIdle(t, connections, "at first")
	before := runtime.NumGoroutine()
	for _, c := range e.connections() {
		if err := c.WriteLast([]byte("the last"), &CloseFrame{StatusNormalClosure, "done"}); err != nil {
			t.Fatal(err)
		}
	}
	if more := runtime.NumGoroutine() - before; more > connections/4 { // tests run beside this one
		t.Errorf("%d more goroutines for %d connections that close", more, connections)
	}
	e.isIdle(t, connections, "after the close frames")
	asynctest.Eventually(t, "all are closed", func() bool { return e.closed.Load() == connections })
}

// TestNothingFollowsACloseFrame has the peer send a ping and a message before it answers.
func TestNothingFollowsACloseFrame(t *testing.T) {
	e := start(t)
	conn := e.open(t, nil)
	e.isIdle(t, 1, "at first")
	c := e.connections()[0]
	if err := c.WriteLast([]byte("the last"), &CloseFrame{StatusNormalClosure, "done"}); err != nil {
		t.Fatal(err)
	}
	c.Close(&CloseFrame{StatusServiceRestart, "again"})
	for name, err := range map[string]error{
		"WriteText": c.WriteText([]byte("more")), "WriteLast": c.WriteLast([]byte("more"), &CloseFrame{StatusNormalClosure, ""}),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s after a close frame: %v", name, err)
		}
	}
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Ping, []byte("there?")))
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Text, []byte("garbage")))
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Close, []byte{0x03, 0xe8}))
	got, err := io.ReadAll(conn)
	want := append([]byte("\x81\x08the last\x88\x06\x03\xe8"), "done"...)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("received %q, want %q; %v", got, want, err)
	}
	asynctest.Eventually(t, "the handler was told", func() bool { return e.closed.Load() == 1 })
}

// TestLastMessageAndCloseFrameAreOneWrite counts writes below a connection.
func TestLastMessageAndCloseFrameAreOneWrite(t *testing.T) {
	writes := new(countedWrites)
	c := &Conn{transport: transport{Conn: writes, group: NewGroup(Options{})}}
	if err := c.WriteLast(bytes.Repeat([]byte("x"), 70_000), &CloseFrame{StatusNormalClosure, "done"}); err != nil {
		t.Fatal(err)
	}
	if len(writes.sizes) != 1 || writes.sizes[0] != 10+70_000+8 {
		t.Errorf("writes of %v bytes", writes.sizes)
	}
}

// countedWrites is a connection that only counts what is written.
type countedWrites struct {
	net.TCPConn // methods that are not overridden fail
	sizes       []int
}

func (c *countedWrites) Write(p []byte) (int, error) {
	c.sizes = append(c.sizes, len(p))
	return len(p), nil
}

// TestHeadersAreAsLongAsTheLengthNeeds (RFC 6455, 5.2).
func TestHeadersAreAsLongAsTheLengthNeeds(t *testing.T) {
	for _, c := range []struct{ length, header int }{{0, 2}, {125, 2}, {126, 4}, {65_535, 4}, {65_536, 10}} {
		frame := appendText(nil, make([]byte, c.length))
		if len(frame) != c.header+c.length || frame[0] != textByte {
			t.Errorf("%d bytes: a frame of %d", c.length, len(frame))
		}
		length := uint64(frame[1])
		switch frame[1] {
		case 126:
			length = uint64(binary.BigEndian.Uint16(frame[2:]))
		case 127:
			length = binary.BigEndian.Uint64(frame[2:])
		}
		if length != uint64(c.length) {
			t.Errorf("%d bytes: the header says %d", c.length, length)
		}
	}
	long := (&CloseFrame{StatusNormalClosure, string(bytes.Repeat([]byte("x"), 200))}).append(nil)
	if len(long) != 2+125 || long[1] != 125 {
		t.Errorf("a close frame with a long reason has %d bytes, its header says %d", len(long), long[1])
	}
}
