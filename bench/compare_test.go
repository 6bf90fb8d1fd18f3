package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The smallest possible run with the real programs measures every figure and
// writes the document.
func TestRunMeasuresEveryFigureAndWritesTheDocument(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	dir := t.TempDir()

	document, figures := filepath.Join(dir, "benchmarks.md"), filepath.Join(dir, "bench.json")
	if err := os.WriteFile(document, []byte("old\n"+manualBegins+"By hand.\n"+manualEnds), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(programDir, "bench"), "run", "--scanlogin", filepath.Join(programDir, "scanlogin"),
		"--source", "..", "--json", figures, "--document", document, "--rounds", "1", "--pages", "60", "--scale", "30,60", "--watch", "1s",
		"--rate", "20", "--duration", "1s", "--scans", "50", "--polls", "5", "--storm", "50").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	var r comparison
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	mayMiss := map[string]bool{"storm.received/scanlogin": true, "scale.live/most": true, "scale.live/least": true} // a small storm is soon over; the writer's own
	for _, want := range targets {
		for _, name := range []string{want.ours, want.beside} {
			if name != "" && !mayMiss[name] && len(r.Figures[name]) != 1 {
				t.Errorf("%s was measured %d times", name, len(r.Figures[name]))
			}
		}
	}
	for _, name := range []string{"push.p99/scanlogin", "push.p99/centrifuge", "push.p99/nchan", "poll.mean/scanlogin", "scan.rate/scanlogin", "scan.rate/echo", "login.rate/scanlogin"} {
		if f := r.Figures[name]; len(f) != 1 || f[0] <= 0 {
			t.Errorf("%s: %v", name, f)
		}
	}
	checkDocument(t, document)
}

func checkDocument(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Redis server v=", "nginx/", "centrifugal/centrifuge v", manualBegins + "By hand.\n" + manualEnds, "CPUs"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the document says nothing of %q: %s", want, text)
		}
	}
	if strings.Contains(string(text), "old\n") {
		t.Error("what was not between the marks was kept")
	}
}
