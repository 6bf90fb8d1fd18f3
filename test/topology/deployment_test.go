package topology

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/test/program"
)

// patience is how long anything may take. Most takes milliseconds; the longest
// are nodes that find their Redis again, and balancers that find new nodes.
const patience = 30 * time.Second

// binary is the program.
var binary string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &binary)) }

// site is all that docker-compose.yml starts, on addresses of its own.
type site struct {
	config       nodeConfig
	kind         balancerKind
	alias        string // all nodes' name
	poolSecret   string
	port         string // of each node
	opsPort      string
	balancerAddr string

	redis    *redistest.Server
	names    *names
	nodes    []*node
	balancer *process

	browser, phone, site *http.Client
}

// Whence the clients call, so that they can be told from the balancer.
const (
	browserIP = "127.0.0.91"
	phoneIP   = "127.0.0.92"
	siteIP    = "127.0.0.93"
)

func newSite(t *testing.T, kind balancerKind) *site {
	t.Helper()
	c := readCompose(t)
	s := &site{
		config: readNodeConfig(t), kind: kind, alias: c.alias(t), poolSecret: fmt.Sprintf("%032x", rand.Uint64()),
		port: freePort(t), opsPort: freePort(t), balancerAddr: "127.0.0.1:" + freePort(t),
		redis:   redistest.Start(t, c.redisFlags(t)...),
		browser: client(t, browserIP), phone: client(t, phoneIP), site: client(t, siteIP),
	}
	s.names = newNames(t, s.alias)
	s.names.set("127.0.0.1", "127.0.0.2")
	s.startNodes(t, "127.0.0.1", "127.0.0.2")
	s.balancer = s.startBalancer(t, kind)
	s.await(t)
	return s
}

// await waits until the balancer leads to a node.
func (s *site) await(t *testing.T) {
	t.Helper()
	s.eventually(t, "the balancer leads to a node", func() bool {
		return status(t, s.site, "http://"+s.balancerAddr+"/.well-known/jwks.json") == http.StatusOK
	})
}

func (s *site) eventually(t *testing.T, what string, happens func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !happens() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %s", patience, what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// node is a running scanlogin.
type node struct {
	*process
	addr, ops string
	seen      map[string]int // values of metrics, see counted
}

// startNodes has a node run on each address, and no others.
func (s *site) startNodes(t *testing.T, ips ...string) {
	t.Helper()
	s.nodes = nil
	for _, ip := range ips {
		s.nodes = append(s.nodes, s.startNode(t, ip))
	}
}

// startNode starts a node as its container does, and waits until the
// container's health check is content.
func (s *site) startNode(t *testing.T, ip string) *node {
	t.Helper()
	n := &node{addr: net.JoinHostPort(ip, s.port), ops: net.JoinHostPort(ip, s.opsPort), seen: make(map[string]int)}
	env := []string{
		"SCANLOGIN_CONFIG=" + root + "/deploy/scanlogin.yaml",
		"SCANLOGIN_PUBLIC_URL=http://" + s.balancerAddr,
		"SCANLOGIN_POOL_SECRET=" + s.poolSecret,
		// What differs from the containers' network:
		"SCANLOGIN_LISTEN=" + n.addr,
		"SCANLOGIN_OPS_LISTEN=" + n.ops,
		"SCANLOGIN_REDIS_URL=" + s.redis.URL(),
		"SCANLOGIN_TRUSTED_PROXIES=127.0.0.0/8",
	}
	n.process = launch(t, command(binary, []string{"serve"}, env))
	s.eventually(t, "a node is ready", func() bool {
		select {
		case <-n.exited:
			t.Fatalf("scanlogin serve ended (other systems than Linux need `ifconfig lo0 alias %s` and more of the sort):\n%s", ip, n.text(t))
		default:
		}
		return status(t, http.DefaultClient, "http://"+n.ops+"/readyz") == http.StatusOK
	})
	if out, err := command(binary, []string{"healthcheck"}, env).CombinedOutput(); err != nil {
		t.Fatalf("healthcheck: %v: %s", err, out)
	}
	return n
}

// startDropper runs what looks like a node that is ready, and drops each call
// that it was sent. It counts them.
func (s *site) startDropper(t *testing.T, ip string) *atomic.Int64 {
	t.Helper()
	dropped := new(atomic.Int64)
	serve := func(port string, h http.HandlerFunc) {
		ln, err := net.Listen("tcp", net.JoinHostPort(ip, port))
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewUnstartedServer(h)
		srv.Listener.Close()
		srv.Listener = ln
		srv.Start()
		t.Cleanup(srv.Close)
	}
	serve(s.port, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.(*net.TCPConn).SetLinger(0) // a reset
		conn.Close()
		dropped.Add(1)
	})
	serve(s.opsPort, func(http.ResponseWriter, *http.Request) {})
	return dropped
}

// nodeOf returns the node that holds the one page that is open.
func (s *site) nodeOf(t *testing.T) (found *node) {
	t.Helper()
	s.eventually(t, "one page on one node", func() bool {
		pages := 0
		for _, n := range s.nodes {
			if k := n.sockets(t); k > 0 {
				found, pages = n, pages+k
			}
		}
		return pages == 1
	})
	return found
}

func (n *node) sockets(t *testing.T) int { t.Helper(); return n.metric(t, "scanlogin_sockets") }

// counted returns the address of the node that counted one code more that was
// made or scanned, since the last time.
func (s *site) counted(t *testing.T, step string) (addr string) {
	t.Helper()
	s.eventually(t, "a node counts a code "+step, func() bool {
		for _, n := range s.nodes {
			name := "scanlogin_codes_" + step + "_total"
			if count := n.metric(t, name+`{pool="`+poolID+`"}`); count > n.seen[name] {
				n.seen[name], addr = count, n.addr
			}
		}
		return addr != ""
	})
	return addr
}

// metric returns a metric's value.
func (n *node) metric(t *testing.T, name string) int {
	t.Helper()
	resp, err := http.Get("http://" + n.ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			count, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				t.Fatal(err)
			}
			return count
		}
	}
	t.Fatalf("no %s in:\n%s", name, text)
	return 0
}

// status asks once; 0 is no answer.
func status(t *testing.T, c *http.Client, address string) int {
	t.Helper()
	resp, err := c.Get(address)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// client calls from an address of this machine.
func client(t *testing.T, ip string) *http.Client {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}, Timeout: patience}
	transport := &http.Transport{DialContext: from.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// freePort finds a port that no address of ours uses, below those that the
// system gives to whoever connects.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		l, err := net.Listen("tcp4", ":"+port)
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}
