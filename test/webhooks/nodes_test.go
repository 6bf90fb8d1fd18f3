package webhooks

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/test/program"
)

// binary is the program.
var binary string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &binary)) }

// node is a process of the real program, which can be killed and started again.
type node struct {
	t       *testing.T
	address string
	args    []string
	binary  string
	log     string // file that it prints to

	process *os.Process
	exited  chan struct{}
}

// configure writes what all nodes run with. Codes are short-lived, so that time
// ends some of them.
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
func newNode(t *testing.T, binary, config string) *node {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", redistest.FreePort(t))
	n := &node{
		t: t, address: "http://" + address, binary: binary, log: filepath.Join(t.TempDir(), "log"),
		args: []string{"serve", "--config", config, "--listen", address},
	}
	n.start()
	t.Cleanup(func() {
		n.kill()
		if text, err := os.ReadFile(n.log); t.Failed() && err == nil {
			t.Logf("%s printed:\n%s", n.address, text)
		}
	})
	return n
}

// start starts the process and waits until it serves.
func (n *node) start() {
	n.t.Helper()
	out, err := os.OpenFile(n.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		n.t.Fatal(err)
	}
	defer out.Close() // the child has its own
	cmd := exec.Command(n.binary, n.args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SCANLOGIN_") })
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, endsWithUs()
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	n.process, n.exited = cmd.Process, exited
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if resp, err := http.Get(n.address + "/.well-known/jwks.json"); err == nil {
			resp.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("%s does not answer", n.address)
		}
	}
}

// kill ends the process as a power cut does.
func (n *node) kill() {
	n.process.Kill() // fails only if it has ended
	<-n.exited
}

// listen listens on a port again that was ours a moment ago.
func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		l, err := net.Listen("tcp", address)
		if err == nil {
			return l
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
