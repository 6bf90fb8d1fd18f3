package wsconn

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
)

// floodFrames sends frames as fast as they are taken, until the connection is closed.
func floodFrames(conn net.Conn, first, frames []byte) {
	if _, err := conn.Write(first); err != nil {
		return
	}
	many := bytes.Repeat(frames, 1000)
	for {
		if _, err := conn.Write(many); err != nil {
			return
		}
	}
}

// TestFloodsOfFramesAreClosed floods with frames that cost the peer little and never make a
// message.
func TestFloodsOfFramesAreClosed(t *testing.T) {
	e := start(t)
	for name, sent := range map[string][2][]byte{
		"pings":                     {nil, wsconntest.Frame(wsconntest.Ping, nil)},
		"pongs":                     {nil, wsconntest.Frame(wsconntest.Pong, nil)},
		"empty continuation frames": {wsconntest.Frame(0x01, []byte("{")), wsconntest.Frame(0x00, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			// TCP resets a connection that is closed with bytes unread, and the frame that was
			// sent last may be lost. The close frame is read from most connections.
			for range 10 {
				conn := e.open(t, nil)
				go floodFrames(conn, sent[0], sent[1])
				switch code := wsconntest.CloseCode(conn); code {
				case 0:
				case 1008:
					return
				default:
					t.Fatalf("closed with %d", code)
				}
			}
			t.Error("no close frame was read from 10 connections")
		})
	}
	asynctest.Eventually(t, "no connection is left", func() bool { return e.Len() == 0 })
}

// TestMoreFramesThanBrowsersSendAreServed stays below the limits.
func TestMoreFramesThanBrowsersSendAreServed(t *testing.T) {
	e := start(t)
	conn := e.open(t, nil)
	for range 3 {
		_, _ = conn.Write(bytes.Repeat(wsconntest.Frame(wsconntest.Pong, nil), 40))
		_, _ = conn.Write(bytes.Repeat(wsconntest.Frame(wsconntest.Ping, nil), 40))
		_, _ = conn.Write(wsconntest.Frame(wsconntest.Text, bytes.Repeat([]byte("x"), 4<<10)))
	}
	_, _ = conn.Write(wsconntest.Frame(wsconntest.Ping, []byte("still here")))
	wsconntest.AwaitPong(t, conn, "still here")
}

func TestMessagesThatViolateTheRulesCloseTheConnection(t *testing.T) {
	e := start(t)
	for name, test := range map[string]struct {
		sent []byte
		want int
	}{
		"too many":      {bytes.Repeat(wsconntest.Frame(wsconntest.Text, []byte("hello")), 200), 1008},
		"binary":        {wsconntest.Frame(wsconntest.Binary, []byte("hello")), 1008},
		"not UTF-8":     {wsconntest.Frame(wsconntest.Text, []byte("\xff")), 1007},
		"too long":      {wsconntest.Frame(wsconntest.Text, bytes.Repeat([]byte("x"), 4<<10+1)), 1009},
		"reserved bits": {wsconntest.Frame(0xf1, []byte("x")), 1002},
		"the handler's": {wsconntest.Frame(wsconntest.Text, []byte("garbage")), 1008},
	} {
		t.Run(name, func(t *testing.T) {
			conn := e.open(t, test.sent)
			if code := wsconntest.CloseCode(conn); code != test.want {
				t.Errorf("closed with %d, want %d", code, test.want)
			}
		})
	}
}

// TestCloseReasonIsEchoedOnlyIfItIsUTF8 (RFC 6455, 5.5.1 and 8.1).
func TestCloseReasonIsEchoedOnlyIfItIsUTF8(t *testing.T) {
	e := start(t)
	for name, test := range map[string]struct{ sent, want []byte }{
		"UTF-8":              {[]byte("\x03\xe8bye é"), []byte("\x03\xe8bye é")},
		"none":               {[]byte("\x03\xe8"), []byte("\x03\xe8")},
		"not UTF-8":          {[]byte("\x03\xe8bye\xff"), []byte("\x03\xef")},
		"half a character":   {[]byte("\x03\xe8bye\xc3"), []byte("\x03\xef")},
		"not UTF-8, 1001":    {[]byte("\x03\xe9\x80"), []byte("\x03\xef")},
		"123 bytes, invalid": {append([]byte("\x03\xe8"), bytes.Repeat([]byte{0xff}, 123)...), []byte("\x03\xef")},
	} {
		t.Run(name, func(t *testing.T) {
			conn := e.open(t, nil)
			_, _ = conn.Write(wsconntest.Frame(wsconntest.Close, test.sent))
			raw, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			want := append([]byte{wsconntest.Close, byte(len(test.want))}, test.want...)
			if !bytes.HasSuffix(raw, want) {
				t.Errorf("the last bytes are %q, want %q", raw[max(0, len(raw)-len(want)-8):], want)
			}
		})
	}
}
