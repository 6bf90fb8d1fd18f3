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

// alone starts a node in memory, and returns it with the address of its health.
func alone(t *testing.T, drainDelay string) (p *process, ops string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "scanlogin.yaml")
	if err := os.WriteFile(file, []byte(memoryConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	ops = "127.0.0.1:" + freePort(t)
	p = launch(t, command(binary, []string{"serve", "--config", file}, []string{
		"SCANLOGIN_LISTEN=127.0.0.1:0", "SCANLOGIN_OPS_LISTEN=" + ops, "SCANLOGIN_DRAIN_DELAY=" + drainDelay,
	}))
	awaitHealth(t, ops, http.StatusOK)
	return p, ops
}

func awaitHealth(t *testing.T, ops string, want int) {
	t.Helper()
	for deadline := time.Now().Add(patience); status(t, http.DefaultClient, "http://"+ops+"/readyz") != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("readyz is never %d", want)
		}
	}
}

func TestASignalEndsInOrderAndASecondAtOnce(t *testing.T) {
	p, _ := alone(t, "0s")
	p.terminate()
	if code := p.wait(t); code != 0 {
		t.Errorf("one signal: exit code %d", code)
	}
	p, ops := alone(t, "10m")
	p.terminate()
	awaitHealth(t, ops, http.StatusServiceUnavailable)
	p.terminate()
	if code := p.wait(t); code == 0 {
		t.Error("the second signal waited for the drain delay, or was taken for an orderly end")
	}
	if strings.Contains(p.text(t), "panic") {
		t.Error(p.text(t))
	}
}
