package wsconn

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
)

// TestAnswersToLastMessagesAreCollected has peers answer the last message in different ways. Each gets
// the message and the close frame, and its connection is closed.
func TestAnswersToLastMessagesAreCollected(t *testing.T) {
	answer := wsconntest.Frame(wsconntest.Close, []byte{0x03, 0xe8})
	ping := wsconntest.Frame(wsconntest.Ping, []byte("there?"))
	const late = 3 * collectTime
	for name, respond := range map[string]func(net.Conn){
		"at once": func(conn net.Conn) { _, _ = conn.Write(answer) },
		"late":    func(conn net.Conn) { time.Sleep(late); _, _ = conn.Write(answer) },
		"with a reason": func(conn net.Conn) {
			_, _ = conn.Write(wsconntest.Frame(wsconntest.Close, append([]byte{0x03, 0xe8}, "done"...)))
		},
		"in two parts":        func(conn net.Conn) { _, _ = conn.Write(answer[:3]); time.Sleep(late); _, _ = conn.Write(answer[3:]) },
		"after a ping":        func(conn net.Conn) { _, _ = conn.Write(append(bytes.Clone(ping), answer...)) },
		"after a late ping":   func(conn net.Conn) { time.Sleep(late); _, _ = conn.Write(ping); _, _ = conn.Write(answer) },
		"and then more":       func(conn net.Conn) { _, _ = conn.Write(append(bytes.Clone(answer), ping...)) },
		"by a protocol error": func(conn net.Conn) { _, _ = conn.Write([]byte{0xff, 0xff}) },
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t)
			conn := e.open(t, nil)
			e.isIdle(t, 1, "at first")
			if err := e.connections()[0].WriteLast([]byte("the last"), &CloseFrame{StatusNormalClosure, "done"}); err != nil {
				t.Fatal(err)
			}
			respond(conn)
			want := append([]byte("\x81\x08the last\x88\x06\x03\xe8"), "done"...)
			if got, err := io.ReadAll(conn); err != nil || !bytes.Equal(got, want) {
				t.Errorf("received %q, want %q; %v", got, want, err)
			}
			asynctest.Eventually(t, "the handler was told", func() bool { return e.closed.Load() == 1 })
		})
	}
}
