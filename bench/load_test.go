package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// programDir contains the binaries bench and scanlogin.
var programDir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "bench")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		for module, pkg := range map[string]string{".": ".", "..": "./cmd/scanlogin"} {
			build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), pkg)
			build.Dir, build.Stderr = module, os.Stderr
			if err := build.Run(); err != nil {
				panic(err)
			}
		}
		programDir = dir
		return m.Run()
	}())
}

// bench runs bench and returns its output.
func bench(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(programDir, "bench"), args...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// measure runs a command of bench on nodes that it starts, and returns its JSON
// result.
func measure(t *testing.T, args ...string) result {
	t.Helper()
	file := filepath.Join(t.TempDir(), "result.json")
	out, err := bench(t, append(args, "--scanlogin", filepath.Join(programDir, "scanlogin"), "--json", file)...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if r.Command != args[0] || r.Machine.CPUs < 1 || r.Machine.Go == "" || !strings.Contains(out, r.Machine.System) || r.Machine.Scanlogin == "" {
		t.Errorf("%s does not describe the machine: %+v", args[0], r)
	}
	return r
}

// check checks that times are consistent.
func check(t *testing.T, name string, s times, count int64) {
	t.Helper()
	if s.Count != count {
		t.Errorf("%s: count %d, want %d", name, s.Count, count)
	}
	if s.Min <= 0 || s.Min > s.P50 || s.P50 > s.P90 || s.P90 > s.P99 || s.P99 > s.P999 || s.P999 > s.Max {
		t.Errorf("%s: the quantiles do not rise: %+v", name, s)
	}
}

func TestIdleMeasuresPages(t *testing.T) {
	r := measure(t, "idle", "--pages", "20,60", "--rate", "200", "--watch", "1s", "--settle", "0", "--per-client", "25")
	if len(r.Idle) != 2 || r.Store != "redis" || r.Machine.Redis == "" {
		t.Fatalf("%+v", r)
	}
	for i, fresh := range []int64{20, 40} {
		one := r.Idle[i]
		check(t, "connect", one.Connect, fresh)
		if one.Failed != 0 || one.Lost != 0 || one.ConnectRate <= 0 || one.ConnectRate > 400 {
			t.Errorf("%+v", one)
		}
	}
	want := 1.0
	if runtime.GOOS == "linux" {
		want = 0 // pages wait in an epoll set
	}
	if g := r.Idle[1].Goroutines; math.Abs(g-want) > 0.5 { // the node's own goroutines vary
		t.Errorf("%v goroutines per waiting page, want %v", g, want)
	}
}

func TestPushMeasuresSteps(t *testing.T) {
	r := measure(t, "push", "--nodes", "2", "--rate", "50", "--duration", "2s", "--pages", "10").Push
	if r.Due != 100 || r.Failed != 0 || r.Why != "" || r.Rate > 51 {
		t.Errorf("%+v", r)
	}
	check(t, "call", r.Call, 100)
	check(t, "received", r.Received, 100)
	if r.StepCPU <= 0 {
		t.Errorf("%v ms of CPU per step", r.StepCPU)
	}
}

func TestLoginMeasuresLogins(t *testing.T) {
	r := measure(t, "login", "--memory", "--users", "4", "--duration", "2s").Login
	if r.Logins < 1 || r.Failed != 0 || r.LoginCPU <= 0 || r.Rate > float64(r.Logins)/2 {
		t.Errorf("%+v", r)
	}
	check(t, "login", r.Whole, r.Logins)
	for _, name := range parts {
		check(t, name, r.Parts[name], r.Logins)
	}
}

func TestStormReconnectsAllPages(t *testing.T) {
	r := measure(t, "storm", "--pages", "50").Storm
	if r.Pages != 50 || r.Back != 50 || r.Resumed != 50 || r.Seconds <= 0 {
		t.Errorf("%+v", r)
	}
	check(t, "reconnect", r.Return, 50)
}

// Nodes that bench did not start are measured, with vouching. Errors name the
// flag or setting to change.
func TestRunningDeploymentIsMeasured(t *testing.T) {
	config := filepath.Join(t.TempDir(), "scanlogin.yaml")
	if err := os.WriteFile(config, []byte(`
listen: 127.0.0.1:0
public_url: http://127.0.0.1
pools: [{id: mine, secret: a secret of my own that is long}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	url := serve(t, config)
	t.Setenv("BENCH_SECRET", "a secret of my own that is long")
	out, err := bench(t, "login", "--url", url, "--pool", "mine", "--users", "2", "--duration", "1s")
	if err != nil || !strings.Contains(out, url) || !strings.Contains(out, "exchange") {
		t.Errorf("%v: %s", err, out)
	}
	for want, args := range map[string][]string{
		"--ops is missing":       {"idle", "--url", url},
		"is not a pool of":       {"push", "--url", url, "--pool", "other"},
		"not the pool's secret":  {"login", "--url", url, "--pool", "mine", "--secret", "another secret of mine, not the pool's", "--users", "1", "--duration", "1s"},
		"--user-key is not":      {"login", "--url", url, "--pool", "mine", "--user-key", "wrong", "--users", "1", "--duration", "1s"},
		"connection refused":     {"push", "--url", "http://127.0.0.1:1"},
		"must be http":           {"storm", "--url", "scan.example.com"},
		"--pages must rise":      {"idle", "--pages", "10,10"},
		"--scanlogin":            {"storm", "--memory", "--scanlogin", "/nowhere"},
		"--rate, --pages and":    {"push", "--rate", "0"},
		"--users and --duration": {"login", "--users", "0"},
		"--only x is unknown":    {"run", "--only", "login,x"},
		"sizes must be positive": {"run", "--quick", "--rounds=-1"},
	} {
		out, err := bench(t, args...)
		if !strings.Contains(out, want) {
			t.Errorf("the output of %q does not contain %q: %v: %s", args, want, err, out)
		}
	}
}

// serve runs a node and returns its address.
func serve(t *testing.T, config string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(programDir, "scanlogin"), "serve", "--config", config)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	var line struct {
		Msg    string `json:"msg"`
		Listen string `json:"listen"`
	}
	for d := json.NewDecoder(log); line.Msg != "serving"; {
		if err := d.Decode(&line); err != nil {
			t.Fatalf("the node did not start: %v", err)
		}
	}
	go func() { _, _ = log.Read(make([]byte, 1<<16)) }()
	return "http://" + line.Listen
}
