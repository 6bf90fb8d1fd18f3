package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runAs is an environment variable: with it, this test binary runs as scanlogin, with the
// arguments in it.
const runAs = "RUN_AS_SCANLOGIN"

// TestOpsListenerAnswersWhileConnectionsAreExhausted floods a process with a limit of 300 open files.
func TestOpsListenerAnswersWhileConnectionsAreExhausted(t *testing.T) {
	file := writeFile(t, "scanlogin.yaml", good+"listen: 127.0.0.1:0\nops_listen: 127.0.0.1:0\n")
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	logFile := filepath.Join(t.TempDir(), "log")
	out, err := os.Create(logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -n 300; exec "$0" -test.run=^$`, binary)
	cmd.Env = append(os.Environ(), runAs+"=serve --config "+file)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	logged := func(pattern string) string {
		t.Helper()
		for deadline := time.Now().Add(testDeadline); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			text, _ := os.ReadFile(logFile)
			if found := regexp.MustCompile(pattern).FindSubmatch(text); found != nil {
				return string(found[1])
			}
		}
		text, _ := os.ReadFile(logFile)
		t.Fatalf("no %s in %s", pattern, text)
		return ""
	}
	public, ops := logged(`"listen":"([^"]+)"`), "http://"+logged(`"ops":"([^"]+)"`)
	for i := range 400 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i%4))}}
		if conn, err := d.DialContext(t.Context(), "tcp", public); err == nil {
			defer conn.Close()
		}
	}
	logged(`("level":"WARN","msg":"connection refused: too many are open")`)
	logged(`("level":"WARN","msg":"limits.sockets is more than the limit of open files allows)`)
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testDeadline}
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/livez":   {200, "ok"},
		"/readyz":  {503, "connections are exhausted"},
		"/metrics": {200, "scanlogin_tcp_connections_limit 150"},
	} {
		res, err := fresh.Get(ops + path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		var text bytes.Buffer
		_, _ = text.ReadFrom(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != want.status || !strings.Contains(text.String(), want.text) {
			t.Errorf("%s: %d, no %q", path, res.StatusCode, want.text)
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	text, _ := os.ReadFile(logFile)
	for line := range strings.Lines(string(text)) {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log contains %s", line)
		}
	}
}
