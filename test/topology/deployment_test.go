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
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/process"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/test/program"
)

// timeout is the limit of every wait. Most take milliseconds; the longest are
// nodes that reconnect to Redis, and load balancers that discover new nodes.
const timeout = 30 * time.Second

// binary is the path of the scanlogin binary.
var binary string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &binary)) }

// deployment is everything that docker-compose.yml starts, on loopback addresses.
type deployment struct {
	config       nodeConfig
	kind         balancerKind
	alias        string // the network name that all nodes share
	poolSecret   string
	port         string // of each node
	opsPort      string
	balancerAddr string

	redis    *redistest.Server
	names    *dnsServer
	nodes    []*node
	balancer *child

	browser, phone, site *http.Client
}

// Addresses of the clients, which differ from the load balancer's.
const (
	browserIP = "127.0.0.91"
	phoneIP   = "127.0.0.92"
	siteIP    = "127.0.0.93"
)

func newDeployment(t *testing.T, kind balancerKind) *deployment {
	t.Helper()
	c := readCompose(t)
	d := &deployment{
		config: readNodeConfig(t), kind: kind, alias: c.alias(t), poolSecret: fmt.Sprintf("%032x", rand.Uint64()),
		port: freePort(t), opsPort: freePort(t), balancerAddr: "127.0.0.1:" + freePort(t),
		redis:   redistest.Start(t, c.redisFlags(t)...),
		browser: client(t, browserIP), phone: client(t, phoneIP), site: client(t, siteIP),
	}
	d.names = newDNSServer(t, d.alias)
	d.names.set("127.0.0.1", "127.0.0.2")
	d.startNodes(t, "127.0.0.1", "127.0.0.2")
	d.balancer = d.startBalancer(t, kind)
	d.await(t)
	return d
}

// await waits until the load balancer forwards to a node.
func (d *deployment) await(t *testing.T) {
	t.Helper()
	d.eventually(t, "the load balancer forwards to a node", func() bool {
		return status(t, d.site, "http://"+d.balancerAddr+"/.well-known/jwks.json") == http.StatusOK
	})
}

func (d *deployment) eventually(t *testing.T, what string, happens func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	for !happens() {
		select {
		case <-ctx.Done():
			t.Fatalf("did not happen within %v: %s", timeout, what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// node is a running scanlogin.
type node struct {
	*child
	addr, ops string
	seen      map[string]int // the last value of each metric, for nodeThatCounted
}

// startNodes starts a node on each address and forgets earlier ones.
func (d *deployment) startNodes(t *testing.T, ips ...string) {
	t.Helper()
	d.nodes = nil
	for _, ip := range ips {
		d.nodes = append(d.nodes, d.startNode(t, ip))
	}
}

// startNode starts a node as its container does, and waits until the
// container's health check passes.
func (d *deployment) startNode(t *testing.T, ip string) *node {
	t.Helper()
	n := &node{addr: net.JoinHostPort(ip, d.port), ops: net.JoinHostPort(ip, d.opsPort), seen: make(map[string]int)}
	env := []string{
		"SCANLOGIN_CONFIG=" + root + "/deploy/scanlogin.yaml",
		"SCANLOGIN_PUBLIC_URL=http://" + d.balancerAddr,
		"SCANLOGIN_POOL_SECRET=" + d.poolSecret,
		// These differ from the containers:
		"SCANLOGIN_LISTEN=" + n.addr,
		"SCANLOGIN_OPS_LISTEN=" + n.ops,
		"SCANLOGIN_REDIS_URL=" + d.redis.URL(),
		"SCANLOGIN_TRUSTED_PROXIES=127.0.0.0/8",
	}
	n.child = launch(t, "scanlogin", binary, []string{"serve"}, env)
	if err := n.Await(t.Context(), process.IsReady("http://"+n.ops+"/readyz")); err != nil {
		t.Fatalf("outside Linux, run `ifconfig lo0 alias %s` for this and the other addresses: %v", ip, err)
	}
	check := exec.Command(binary, "healthcheck")
	check.Env = process.CleanEnv(env...)
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("healthcheck: %v: %s", err, out)
	}
	return n
}

// startResettingNode starts a server that reports ready and resets the
// connection of every request. It returns the number of requests.
func (d *deployment) startResettingNode(t *testing.T, ip string) *atomic.Int64 {
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
	serve(d.port, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		dropped.Add(1)
		conn.(*net.TCPConn).SetLinger(0) // a reset
		conn.Close()
	})
	serve(d.opsPort, func(http.ResponseWriter, *http.Request) {})
	return dropped
}

// nodeWithPage returns the node that serves the only open page.
func (d *deployment) nodeWithPage(t *testing.T) (found *node) {
	t.Helper()
	d.eventually(t, "one page on one node", func() bool {
		pages := 0
		for _, n := range d.nodes {
			if k := n.sockets(t); k > 0 {
				found, pages = n, pages+k
			}
		}
		return pages == 1
	})
	return found
}

func (n *node) sockets(t *testing.T) int { t.Helper(); return n.metric(t, "scanlogin_sockets") }

// nodeThatCounted waits until a node's counter of made or scanned codes has
// increased since the last call, and returns the node's address.
func (d *deployment) nodeThatCounted(t *testing.T, step string) (addr string) {
	t.Helper()
	d.eventually(t, "a node counts a code "+step, func() bool {
		for _, n := range d.nodes {
			name := "scanlogin_codes_" + step + "_total"
			if count := n.metric(t, name+`{pool="`+poolID+`"}`); count > n.seen[name] {
				n.seen[name], addr = count, n.addr
			}
		}
		return addr != ""
	})
	return addr
}

// metric returns the value of a metric.
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

// status requests an address once and returns the status code, 0 without an answer.
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

// client returns a client that connects from one loopback address.
func client(t *testing.T, ip string) *http.Client {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}, Timeout: timeout}
	transport := &http.Transport{DialContext: from.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: timeout}
}

// freePort returns a port that is free on every loopback address that the tests use. Until the test ends,
// it is taken on another one, so that no program that looks for a free port finds it.
func freePort(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		var port int
		if port, err = process.FreePort(); err != nil {
			break
		}
		var reserved net.Listener
		if reserved, err = net.Listen("tcp4", "127.127.127.127:"+strconv.Itoa(port)); err == nil {
			t.Cleanup(func() { _ = reserved.Close() })
			return strconv.Itoa(port)
		}
	}
	t.Fatal(err)
	return ""
}
