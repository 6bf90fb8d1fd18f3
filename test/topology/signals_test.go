package topology

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const memoryConfig = `public_url: http://127.0.0.1:8080
pools:
  - id: p
    secret: a secret of more than twenty-four bytes
`

// startSingle starts one node without Redis and waits until it is ready.
func startSingle(t *testing.T, drainDelay string) (node *child, ops string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "scanlogin.yaml")
	if err := os.WriteFile(file, []byte(memoryConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	ops = "127.0.0.1:" + freePort(t)
	node = launch(t, "scanlogin", binary, []string{"serve", "--config", file}, []string{
		"SCANLOGIN_LISTEN=127.0.0.1:0", "SCANLOGIN_OPS_LISTEN=" + ops, "SCANLOGIN_DRAIN_DELAY=" + drainDelay,
	})
	awaitReadiness(t, ops, http.StatusOK)
	return node, ops
}

func awaitReadiness(t *testing.T, ops string, want int) {
	t.Helper()
	for deadline := time.Now().Add(timeout); status(t, http.DefaultClient, "http://"+ops+"/readyz") != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("/readyz did not answer %d within %v", want, timeout)
		}
	}
}

func TestFirstSignalShutsDownInOrderAndSecondAtOnce(t *testing.T) {
	node, _ := startSingle(t, "0s")
	node.Terminate()
	if code := node.exitCode(t); code != 0 {
		t.Errorf("one signal: exit code %d", code)
	}
	node, ops := startSingle(t, "10m")
	node.Terminate()
	awaitReadiness(t, ops, http.StatusServiceUnavailable)
	node.Terminate()
	if code := node.exitCode(t); code == 0 {
		t.Error("the second signal did not interrupt the drain delay, or the exit code is 0")
	}
	if strings.Contains(node.output(t), "panic") {
		t.Error(node.output(t))
	}
}
