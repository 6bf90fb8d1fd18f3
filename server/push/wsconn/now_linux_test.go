package wsconn

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
)

// TestNothingIsLostBehindPongs sends pongs in different ways to an idle connection, and then a message that the
// handler refuses.
func TestNothingIsLostBehindPongs(t *testing.T) {
	pong, long := wsconntest.Frame(wsconntest.Pong, nil), wsconntest.Frame(wsconntest.Pong, bytes.Repeat([]byte("x"), 125))
	refused := wsconntest.Frame(wsconntest.Text, []byte("garbage"))
	for name, parts := range map[string][][]byte{
		"none":                {refused},
		"one":                 {pong, refused},
		"with the message":    {slices.Concat(pong, refused)},
		"two":                 {slices.Concat(pong, pong), refused},
		"long":                {long, refused},
		"long, and a part":    {slices.Concat(long, refused[:4]), refused[4:]},
		"in two parts":        {pong[:1], pong[1:], refused},
		"then half a message": {slices.Concat(pong, refused[:3]), refused[3:]},
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t)
			conn := e.open(t, nil)
			e.isIdle(t, 1, "at first")
			c := e.connections()[0]
			c.pongDue.Store(true)
			for _, part := range parts {
				_, _ = conn.Write(part)
				time.Sleep(20 * time.Millisecond) // so that it arrives alone
			}
			_, _ = conn.Write(wsconntest.Frame(wsconntest.Close, []byte{0x03, 0xf0}))
			want := append([]byte("\x88\x09\x03\xf0"), "garbage"...)
			if got, err := io.ReadAll(conn); err != nil || !bytes.Equal(got, want) {
				t.Errorf("received %q, want %q; %v", got, want, err)
			}
			if hasPong := name != "none"; c.pongDue.Load() == hasPong {
				t.Errorf("a pong is due: %v", !hasPong)
			}
		})
	}
}

// TestPongsOfIdleConnectionsAreRead answers pings of many connections, which then wait again.
func TestPongsOfIdleConnectionsAreRead(t *testing.T) {
	e := start(t)
	const connections = 50
	peers := make([]io.Writer, connections)
	for i := range peers {
		peers[i] = e.open(t, nil)
	}
	e.isIdle(t, connections, "at first")
	for _, c := range e.connections() {
		c.pongDue.Store(true)
	}
	for _, peer := range peers {
		_, _ = peer.Write(wsconntest.Frame(wsconntest.Pong, nil))
	}
	asynctest.Eventually(t, "no pong is due", func() bool {
		return !slices.ContainsFunc(e.connections(), func(c *Conn) bool { return c.pongDue.Load() })
	})
	e.isIdle(t, connections, "after the pongs")
}

func TestIsFrame(t *testing.T) {
	pong, long := wsconntest.Frame(wsconntest.Pong, nil), wsconntest.Frame(wsconntest.Pong, bytes.Repeat([]byte("x"), 125))
	unmasked := append([]byte{pongByte, 0}, "four"...) // an empty one, and what follows
	for name, c := range map[string]struct {
		frame []byte
		want  bool
	}{
		"empty pong": {pong, true}, "longest pong": {long, true}, "nothing": {nil, false}, "a part": {pong[:5], false}, "a part of a long one": {long[:len(long)-1], false},
		"more than one": {slices.Concat(pong, pong[:1]), false}, "unmasked": {unmasked, false}, "ping": {wsconntest.Frame(wsconntest.Ping, nil), false},
	} {
		if got := isFrame(c.frame, pongByte); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestAPingIsWrittenOnlyWhereItNeedsNoWait asks for pings of a connection that is idle, is being written to, or is being
// closed.
func TestAPingIsWrittenOnlyWhereItNeedsNoWait(t *testing.T) {
	e := start(t)
	conn := e.open(t, nil)
	e.isIdle(t, 1, "at first")
	c := e.connections()[0]
	if !c.pingNow() || !c.pongDue.Load() {
		t.Error("an idle connection got no ping")
	}
	c.writing.Lock()
	if c.pingNow() {
		t.Error("a ping was written into a message")
	}
	c.writing.Unlock()
	if err := c.WriteText([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	c.Close(&CloseFrame{StatusNormalClosure, ""})
	if c.pingNow() {
		t.Error("a ping was written behind the close frame")
	}
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Close, []byte{0x03, 0xe8}))
	if got, err := io.ReadAll(conn); err != nil || string(got) != "\x89\x00\x81\x02hi\x88\x02\x03\xe8" {
		t.Errorf("received %q, %v", got, err)
	}
}
