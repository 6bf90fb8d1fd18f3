package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server"
)

// isOpen reports whether the server keeps a new idle connection open for longer than it takes
// to close a refused one.
func isOpen(t *testing.T, conn net.Conn) bool {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(soon / 10))
	_, err := conn.Read(make([]byte, 1))
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// requestOn makes a request on an open connection and reads the answer, after which the
// connection is idle.
func requestOn(t *testing.T, conn net.Conn) {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(soon))
	fmt.Fprint(conn, "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestConnectionsAreCountedFromAccept(t *testing.T) {
	t.Parallel() // becoming ready again takes seconds
	n := start(t, memNode(), server.MaxConnections(20), newPool(t, nil))
	var silent []net.Conn
	for i := range 18 { // from several addresses, because one address may have half
		silent = append(silent, dialFrom(t, n, fmt.Sprintf("127.0.0.%d", 2+i%3)))
	}
	for range 2 { // sockets stay counted after they were hijacked
		silent = append(silent, n.raw("userPoolId=p1"))
	}
	eventually(t, "all are counted", func() bool { return n.srv.Load().Clients == 20 })
	if l := n.srv.Load(); l.ClientsLimit != 20 {
		t.Errorf("the limit is %d", l.ClientsLimit)
	}
	if isOpen(t, dialFrom(t, n, "127.0.0.3")) {
		t.Error("a connection above the limit stays open")
	}
	if code, text := n.ops("/readyz"); code != 503 || !strings.Contains(text, "connections are exhausted") {
		t.Errorf("readyz: %d %q", code, text)
	}
	if text := n.log.String(); !strings.Contains(text, `"level":"WARN","msg":"connection refused: too many are open"`) {
		t.Errorf("no warning in %s", text)
	}
	for _, conn := range silent {
		_ = conn.Close()
	}
	eventually(t, "none is counted", func() bool { return n.srv.Load().Clients == 0 })
	eventually(t, "it is ready again", func() bool { code, _ := n.ops("/readyz"); return code == 200 })
}

func TestIdleConnectionsAreClosedForNewOnes(t *testing.T) {
	n := start(t, memNode(), server.MaxConnections(20), newPool(t, nil))
	first := dialFrom(t, n, "127.0.0.2")
	requestOn(t, first)
	for i := range 100 { // from several addresses, because one address may have half
		requestOn(t, dialFrom(t, n, fmt.Sprintf("127.0.0.%d", 2+i%3)))
	}
	if l := n.srv.Load(); l.Clients > 20 {
		t.Errorf("%d are open", l.Clients)
	}
	if isOpen(t, first) {
		t.Error("the longest idle one is still open")
	}
	if code, text := n.ops("/readyz"); code != 200 {
		t.Errorf("readyz: %d %q", code, text)
	}
}

func TestConnectionsOfAnAddressAreLimited(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) {
		o.Limits.SocketsPerAddress = 5
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32"), netip.MustParsePrefix("::ffff:127.0.0.10/128")}
	}, newPool(t, nil))
	for range 10 { // twice as many as the limit
		dialFrom(t, n, "127.0.0.2")
	}
	eventually(t, "none is refused below the limit", func() bool { return n.srv.Load().Clients == 10 })
	if isOpen(t, dialFrom(t, n, "127.0.0.2")) {
		t.Error("a connection above the limit stays open")
	}
	for range 20 {
		dialFrom(t, n, "127.0.0.9")
		dialFrom(t, n, "127.0.0.10")
	}
	eventually(t, "no proxy's is refused", func() bool { return n.srv.Load().Clients >= 40+5 })
	requestOn(t, dialFrom(t, n, "127.0.0.3"))
	if text := n.log.String(); !strings.Contains(text, `"msg":"connection refused: its address has too many","address":"127.0.0.2"`) {
		t.Errorf("no warning in %s", text)
	}
}

// TestOneAddressLeavesHalfOfTheConnections opens as many connections from one address
// as the server accepts in total.
func TestOneAddressLeavesHalfOfTheConnections(t *testing.T) {
	n := start(t, memNode(), server.MaxConnections(20), newPool(t, nil))
	for range 20 {
		dialFrom(t, n, "127.0.0.2")
	}
	for range 5 {
		requestOn(t, dialFrom(t, n, "127.0.0.3"))
	}
	if got := n.srv.Load().Clients; got > 15 {
		t.Errorf("%d are open, of one address and 5 of another", got)
	}
}

// TestRefusedSocketsAreCounted has peers ignore the close frame of sockets for an unknown
// pool.
func TestRefusedSocketsAreCounted(t *testing.T) {
	t.Parallel()
	n := limited(t, login.Limits{SocketsPerAddress: 3})
	var open []net.Conn
	for range 3 {
		open = append(open, n.raw("userPoolId=nobody"))
	}
	eventually(t, "they are counted", func() bool { l := n.srv.Load(); return l.Connections == 3 && l.Sockets == 3 })
	n.dial("userPoolId=p1", nil).closed(1013)
	for _, conn := range open {
		if code := closeCode(t, conn); code != 4404 {
			t.Errorf("closed with %d", code)
		}
	}
	eventually(t, "they are gone", func() bool { l := n.srv.Load(); return l.Connections == 0 && l.Sockets == 0 && l.Clients <= 1 })
}

// TestAFileLimitThatIsTooLowIsLogged at the start.
func TestAFileLimitThatIsTooLowIsLogged(t *testing.T) {
	const warning = "limits.sockets is more than the limit of open files allows"
	for connections, want := range map[int]bool{14_999: true, 15_000: false} {
		n := start(t, memNode(), server.MaxConnections(connections), newPool(t, nil))
		n.gene("p1")
		if got := strings.Contains(n.log.String(), warning); got != want {
			t.Errorf("with %d connections: warned %v", connections, got)
		}
	}
}
