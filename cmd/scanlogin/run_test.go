package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/wakeup"
)

// running is a command that runs until stop, and its output.
type running struct {
	stop func() (code int)

	mu      sync.Mutex
	output  bytes.Buffer
	written wakeup.Signal // set after each write
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written.Set()
	return r.output.Write(p)
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.String()
}

// start runs a command line in parallel to the test.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, done := &running{written: wakeup.New()}, make(chan int, 1)
	go func() { done <- run(ctx, args, output{r, r}) }()
	r.stop = sync.OnceValue(func() int {
		cancel()
		select {
		case code := <-done:
			return code
		case <-time.After(testDeadline):
			t.Error("the command did not end")
			return -1
		}
	})
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		r.stop()
	})
	return r
}

// wait returns the first group of the pattern as soon as the output has it.
func (r *running) wait(t *testing.T, pattern string) string {
	t.Helper()
	deadline := time.After(testDeadline)
	for {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(r.text()); found != nil {
			return found[1]
		}
		select {
		case <-r.written:
		case <-deadline:
			t.Fatalf("no %s in:\n%s", pattern, r.text())
		}
	}
}

// call sends JSON and returns status and body of the answer.
func call(t *testing.T, method, address, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func TestLoginInTheDemo(t *testing.T) {
	demo := start(t, "demo", "--listen", "127.0.0.1:0")
	address := demo.wait(t, `open +(http://\S+:\d+)/`)

	var made struct{ Data struct{ Random, URL string } }
	_, answer := call(t, http.MethodPost, address+"/api/v2/qrcode/gene", `{"userPoolId":"demo"}`)
	if err := json.Unmarshal(answer, &made); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	_, picture := call(t, http.MethodGet, made.Data.URL, "")
	file := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	var alice struct{ Token string }
	_, answer = call(t, http.MethodPost, address+"/demo/token", `{"user":"alice"}`)
	if err := json.Unmarshal(answer, &alice); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	t.Setenv("SCANLOGIN_TOKEN", alice.Token)
	for _, step := range []struct{ name, code, status string }{
		{"scan", file, `"status": 1`},
		{"confirm", made.Data.Random, `"status": 2`},
	} {
		code, out, errOut := runCommand(t, "phone", step.name, "--server", address, step.code)
		if code != exitOK || !strings.Contains(out, step.status) {
			t.Fatalf("%s: code %d, %s%s", step.name, code, out, errOut)
		}
	}
	_, answer = call(t, http.MethodGet, address+"/api/v2/qrcode/check?random="+made.Data.Random, "")
	if !bytes.Contains(answer, []byte(`"nickname":"Alice"`)) {
		t.Errorf("check: %s", answer)
	}
	if code := demo.stop(); code != exitOK {
		t.Errorf("code %d: %s", code, demo.text())
	}
}

func TestServeReloadsAtSIGHUPAndStopsInOrder(t *testing.T) {
	file := writeFile(t, "scanlogin.yaml", good+"listen: 127.0.0.1:0\nops_listen: 127.0.0.1:0\n")
	server := start(t, "serve", "--config", file, "--public-url", "http://127.0.0.1:8080")
	address := "http://" + server.wait(t, `"listen":"([^"]+)"`)
	ops := "http://" + server.wait(t, `"ops":"([^"]+)"`)
	if code, _, errOut := runCommand(t, "healthcheck", "--url", ops+"/readyz"); code != exitOK {
		t.Errorf("code %d: %s", code, errOut)
	}
	gene := address + "/api/v2/qrcode/gene"
	if status, answer := call(t, http.MethodPost, gene, `{"userPoolId":"second"}`); status != http.StatusNotFound {
		t.Errorf("%d: %s", status, answer)
	}
	if err := os.WriteFile(file, []byte(good+second+"listen: 127.0.0.1:0\nops_listen: 127.0.0.1:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	server.wait(t, `(configuration reloaded)`)
	if status, answer := call(t, http.MethodPost, gene, `{"userPoolId":"second"}`); status != http.StatusOK {
		t.Errorf("%d: %s", status, answer)
	}
	http.DefaultClient.CloseIdleConnections()
	if code := server.stop(); code != exitOK || strings.Contains(server.text(), testSecret) {
		t.Errorf("code %d: %s", code, server.text())
	}
}

func TestServeReportsWhyItCannotStart(t *testing.T) {
	wrong := writeFile(t, "scanlogin.yaml", good+"listen: x\n")
	if code, _, errOut := runCommand(t, "serve", "--config", wrong); code != exitUsage || !strings.Contains(errOut, ":5:9: listen: must be host:port") {
		t.Errorf("code %d: %s", code, errOut)
	}
	first := start(t, "demo", "--listen", "127.0.0.1:0")
	taken := first.wait(t, `open +http://(\S+:\d+)/`)
	for key, line := range map[string]string{
		"listen":     "listen: " + taken,
		"ops_listen": "listen: 127.0.0.1:0\nops_listen: " + taken,
	} {
		busy := writeFile(t, "scanlogin.yaml", good+line+"\n")
		if code, _, errOut := runCommand(t, "serve", "--config", busy); code != exitFailure || !strings.Contains(errOut, "scanlogin: "+key+": ") {
			t.Errorf("%s: code %d: %s", key, code, errOut)
		}
	}
}
