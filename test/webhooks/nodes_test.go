package webhooks

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/process"
	"github.com/scanlogin/scanlogin/test/program"
)

// binary is the path of the scanlogin binary.
var binary string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &binary)) }

// node is a scanlogin process that can be killed and started again.
type node struct {
	*process.Process
	t   *testing.T
	url string
}

// configure writes the configuration of all nodes. Codes are short-lived, so that
// some expire.
func configure(t *testing.T, redisURL, receiver string) string {
	t.Helper()
	lines := []string{"public_url: http://127.0.0.1:1", "log: {level: info, format: text}"}
	if redisURL != "" {
		lines = append(lines, "redis_url: "+redisURL)
	}
	lines = append(lines, "pools:", "  - id: "+poolID, "    secret: "+poolSecret, "    code_ttl: 6s", "    confirm_ttl: 6s", "    ticket_ttl: 6s",
		"    webhook: {url: "+receiver+", secret: "+hookSecret+", allow_private: true}")
	path := filepath.Join(t.TempDir(), "scanlogin.yaml")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// newNode starts a node, which ends with the test.
func newNode(t *testing.T, config string) *node {
	t.Helper()
	address := freeAddress(t)
	n := &node{
		Process: process.New(t.TempDir(), "scanlogin", binary, "serve", "--config", config, "--listen", address),
		t:       t, url: "http://" + address,
	}
	n.Env = process.CleanEnv()
	n.start()
	t.Cleanup(func() {
		n.Kill()
		if text, err := n.Output(); t.Failed() && err == nil {
			t.Logf("output of %s:\n%s", n.url, text)
		}
	})
	return n
}

// start starts the process and waits until it serves.
func (n *node) start() {
	n.t.Helper()
	if err := n.Start(); err != nil {
		n.t.Fatal(err)
	}
	if err := n.Await(n.t.Context(), process.IsReady(n.url+"/.well-known/jwks.json")); err != nil {
		n.t.Fatal(err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// listen listens on an address that was closed a moment ago.
func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	for deadline := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		l, err := net.Listen("tcp", address)
		if err == nil {
			return l
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
