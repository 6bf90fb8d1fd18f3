package server_test

import (
	"bytes"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/server/push/wsconn/wsconntest"
	"github.com/scanlogin/scanlogin/session"
)

// raw opens a socket for sending any bytes as frames.
func (n *node) raw(query string) net.Conn {
	n.Helper()
	return wsconntest.Upgrade(n, dialTCP(n, n), "/api/v2/qrcode/ws?"+query, nil)
}

// closeCode reads frames until the server's close frame; 0 if the connection ends without one.
func closeCode(t *testing.T, conn net.Conn) websocket.StatusCode {
	t.Helper()
	code := websocket.StatusCode(wsconntest.CloseCode(conn))
	if code != 0 {
		validator.closeCode(t, code)
	}
	return code
}

func TestInvalidFramesCloseTheSocket(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for _, test := range []struct {
		name, query string
		send        []byte
		want        []websocket.StatusCode
	}{
		{"not JSON", "userPoolId=p1", wsconntest.Frame(wsconntest.Text, []byte("garbage")), []websocket.StatusCode{1008}},
		{"a list", "userPoolId=p1", wsconntest.Frame(wsconntest.Text, []byte("[]")), []websocket.StatusCode{1008}},
		{"unknown action", "userPoolId=p1", wsconntest.Frame(wsconntest.Text, []byte(`{"action":"confirm"}`)), []websocket.StatusCode{1008}},
		{"refresh of a watched code", "random=" + c.random, wsconntest.Frame(wsconntest.Text, []byte(`{"action":"refresh"}`)), []websocket.StatusCode{1008}},
		{"binary", "userPoolId=p1", wsconntest.Frame(wsconntest.Binary, []byte(`{"action":"refresh"}`)), []websocket.StatusCode{1008}},
		{"invalid UTF-8", "userPoolId=p1", wsconntest.Frame(wsconntest.Text, []byte("{\"action\":\"\xff\"}")), []websocket.StatusCode{1007}},
		{"over 4 KiB", "userPoolId=p1", wsconntest.Frame(wsconntest.Text, bytes.Repeat([]byte("x"), 4<<10+1)), []websocket.StatusCode{1009}},
		{"1 MB", "userPoolId=p1", wsconntest.Frame(wsconntest.Text, bytes.Repeat([]byte("x"), 1<<20)), []websocket.StatusCode{1009, 0}}, // a TCP reset may discard the close frame
		{"too many", "userPoolId=p1", bytes.Repeat(wsconntest.Frame(wsconntest.Text, []byte(`{"action":"refresh"}`)), 11), []websocket.StatusCode{1008}},
		{"reserved bits", "userPoolId=p1", wsconntest.Frame(0xf1, []byte("x")), []websocket.StatusCode{1002}},
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

func TestAPeerThatAnswersNoPingIsDisconnected(t *testing.T) {
	t.Parallel() // with other slow tests
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	began := time.Now()
	conn := n.raw("random=" + c.random) // reads, and answers no ping
	if code := closeCode(t, conn); code != 0 {
		t.Errorf("closed with %d", code)
	}
	// Between one heartbeat interval plus timeout, and two.
	if took := time.Since(began); took < 30*time.Second || took > 60*time.Second {
		t.Errorf("disconnected after %v", took)
	}
}

func TestAPeerThatAnswersPingsStaysConnected(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, nil))
	p := n.dial("random="+n.gene("p1").random, nil)
	p.event("waiting")
	got := make(chan error, 1)
	go func() {
		_, _, err := p.Read(p.ctx) // answers pings meanwhile; the page's deadline is 30 s
		got <- err
	}()
	select {
	case err := <-got:
		if p.ctx.Err() == nil {
			t.Errorf("disconnected: %v", err)
		}
	case <-time.After(28 * time.Second):
	}
}

// TestHostileClientsLeaveNothingBehind connects many hostile clients, and measures
// goroutines and memory afterwards.
func TestHostileClientsLeaveNothingBehind(t *testing.T) {
	n := alone(t, newPool(t, nil))
	storm := func() {
		for i := range 100 {
			conn := n.raw("userPoolId=p1")
			_, _ = conn.Write([][]byte{
				wsconntest.Frame(wsconntest.Text, []byte("garbage")), wsconntest.Frame(wsconntest.Binary, nil), {0xff, 0xff}, {}, wsconntest.Frame(wsconntest.Text, bytes.Repeat([]byte("x"), 5000)),
			}[i%5])
			_ = conn.Close()
			n.call("POST", "/gene?userPoolId=p1", `{"scene":`)
			n.call("GET", "/check?random="+string(session.NewID()), nil)
		}
		eventually(t, "no watch is left", func() bool { return n.hub.Watches() == 0 })
		client.CloseIdleConnections()
	}
	storm()
	before := measureUsage()
	for range 3 {
		storm()
	}
	eventually(t, "no goroutine is left", func() bool { return measureUsage().goroutines <= before.goroutines+3 })
	if after := measureUsage(); after.heap > before.heap+8<<20 {
		t.Errorf("300 hostile clients left %d bytes", after.heap-before.heap)
	}
}

type measure struct {
	goroutines int
	heap       uint64
}

func measureUsage() measure {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return measure{runtime.NumGoroutine(), m.HeapAlloc}
}
