package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

// TestHandshakesAreAdmittedFairly has one address fill all slots and the queue
// behind them. A handshake from another address, which comes last, is admitted next.
func TestHandshakesAreAdmittedFairly(t *testing.T) {
	made, goOn := make(chan string, 1000), make(chan struct{})
	n := start(t, memNode(), func(o *server.Options) {
		o.Observers = append(o.Observers, func(e session.Event) {
			if e.Kind == session.EventMade { // the handshake has its slot until this returns
				made <- e.Code.Client.IP
				<-goOn
			}
		})
	}, newPool(t, nil))
	open := func(address string) {
		conn := dialFrom(t, n, address)
		fmt.Fprint(conn, handshake("userPoolId=p1", ""))
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
	const crowd = 300
	for range crowd {
		open("127.0.0.2")
	}
	admitted := 0
	for ; admitted < server.MaxHandshakes; admitted++ { // a lone address may have all slots
		<-made
	}
	eventually(t, "the crowd waits", func() bool { return n.srv.WaitingHandshakes() == crowd-server.MaxHandshakes })
	open("127.0.0.3")
	open("127.0.0.4")
	eventually(t, "the others wait", func() bool { return n.srv.WaitingHandshakes() == crowd-server.MaxHandshakes+2 })
	served := make(map[string]int)
	for range 4 {
		goOn <- struct{}{}
		served[<-made]++
	}
	if served["127.0.0.3"] != 1 || served["127.0.0.4"] != 1 {
		t.Errorf("the first four free slots went to %v", served)
	}
	close(goOn)
	for range crowd - server.MaxHandshakes - 2 {
		<-made
	}
	eventually(t, "nobody waits", func() bool { return n.srv.WaitingHandshakes() == 0 })
}

// blockingListener accepts connections. Those from one address block on each write after the
// first until released, like connections of a peer that reads nothing.
type blockingListener struct {
	net.Listener
	from     string
	released chan struct{}
}

func (l blockingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil && strings.HasPrefix(conn.RemoteAddr().String(), l.from+":") {
		conn = &blockingConn{Conn: conn, released: l.released}
	}
	return conn, err
}

type blockingConn struct {
	net.Conn
	writes   atomic.Int64
	released chan struct{}
}

func (c *blockingConn) Write(p []byte) (int, error) {
	if c.writes.Add(1) > 1 {
		<-c.released
	}
	return c.Conn.Write(p)
}

// TestAPeerThatReadsNothingHoldsNoSlot has more such peers than there are slots.
func TestAPeerThatReadsNothingHoldsNoSlot(t *testing.T) {
	released := make(chan struct{})
	n := startOn(t, memNode(), func(ln net.Listener) net.Listener { return blockingListener{ln, "127.0.0.2", released} }, nil, newPool(t, nil))
	t.Cleanup(func() { close(released) }) // before the node shuts down
	for range server.MaxHandshakes + 10 {
		conn := dialFrom(t, n, "127.0.0.2")
		_ = conn.SetDeadline(time.Now().Add(soon))
		fmt.Fprint(conn, handshake("userPoolId=p1", ""))
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 101 {
			t.Fatalf("a handshake behind others whose peers read nothing: %v %v", res, err)
		}
	}
	n.dial("userPoolId=p1", nil).event("code")
}
