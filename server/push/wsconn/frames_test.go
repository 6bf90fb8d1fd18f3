package server_test

import (
	"bytes"
	"io"
	"net"
	"testing"
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

// TestFloodsOfFramesAreClosed has peers send what costs them nothing, and never
// a message.
func TestFloodsOfFramesAreClosed(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for name, sent := range map[string][2][]byte{
		"pings":                     {nil, frame(pingFrame, nil)},
		"pongs":                     {nil, frame(pongFrame, nil)},
		"empty continuation frames": {frame(0x01, []byte("{")), frame(0x00, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			conn := opened(t, dialTCP(t, n), nil)
			go floodFrames(conn, sent[0], sent[1])
			if code := closeCode(t, conn); code != 1008 {
				t.Errorf("closed with %d", code)
			}
		})
	}
	eventually(t, "none is left", func() bool { return n.srv.Sockets() == 0 })
}

// TestManyFramesArePassed has a peer send far more than browsers do.
func TestManyFramesArePassed(t *testing.T) {
	n := alone(t, newPool(t, nil))
	conn := opened(t, dialTCP(t, n), nil)
	for range 3 {
		_, _ = conn.Write(bytes.Repeat(frame(pongFrame, nil), 40))
		_, _ = conn.Write(bytes.Repeat(frame(pingFrame, nil), 40))
		_, _ = conn.Write(frame(textFrame, append([]byte(`{"action":"refresh"}`), bytes.Repeat([]byte(" "), 4000)...)))
	}
	_, _ = conn.Write(frame(pingFrame, []byte("still here")))
	awaitPong(t, conn, "still here")
}

// TestACloseReasonIsNotEchoedUnlessItIsUTF8 (RFC 6455, 5.5.1 and 8.1).
func TestACloseReasonIsNotEchoedUnlessItIsUTF8(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for name, test := range map[string]struct{ sent, want []byte }{
		"UTF-8":              {[]byte("\x03\xe8bye é"), []byte("\x03\xe8bye é")},
		"none":               {[]byte("\x03\xe8"), []byte("\x03\xe8")},
		"not UTF-8":          {[]byte("\x03\xe8bye\xff"), []byte("\x03\xef")},
		"half a character":   {[]byte("\x03\xe8bye\xc3"), []byte("\x03\xef")},
		"not UTF-8, 1001":    {[]byte("\x03\xe9\x80"), []byte("\x03\xef")},
		"123 bytes, invalid": {append([]byte("\x03\xe8"), bytes.Repeat([]byte{0xff}, 123)...), []byte("\x03\xef")},
	} {
		t.Run(name, func(t *testing.T) {
			conn := opened(t, dialTCP(t, n), nil)
			_, _ = conn.Write(frame(0x88, test.sent))
			raw, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			want := append([]byte{0x88, byte(len(test.want))}, test.want...)
			if !bytes.HasSuffix(raw, want) {
				t.Errorf("the last bytes are %q, want %q", raw[max(0, len(raw)-len(want)-8):], want)
			}
		})
	}
}
