package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
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
		"--source", "..", "--json", figures, "--document", document, "--quick", "--pages", "60", "--watch", "1s", "--before", filepath.Join(programDir, "scanlogin"),
		"--low", "10", "--high", "20", "--duration", "1s", "--scans", "50", "--polls", "5", "--storm", "50", "--wide", "40").CombinedOutput()
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
	if want := (sizes{Quick: true, Rounds: 1, Pages: 60, Watch: time.Second, Low: 10, High: 20, Duration: time.Second, Scans: 50, Polls: 5, Storm: 50, Wide: 40}); r.Sizes != want {
		t.Errorf("sizes %+v, want those given and one quick round", r.Sizes)
	}
	mayMiss := map[string]bool{"storm.received/scanlogin": true} // a small storm is soon over
	for _, want := range targets {
		for _, name := range []string{want.ours, want.beside} {
			if name != "" && !mayMiss[name] && len(r.Figures[name]) != 1 {
				t.Errorf("%s was measured %d times", name, len(r.Figures[name]))
			}
		}
	}
	for _, name := range []string{"push.low.p99/scanlogin", "push.high.p99/centrifuge", "push.high.p99/comparable", "scan.rate/scanlogin", "scan.rate/echo", "login.rate/before"} {
		if f := r.Figures[name]; len(f) != 1 || f[0] <= 0 {
			t.Errorf("%s: %v", name, f)
		}
	}
	checkDocument(t, document)
}

// The help names the sizes of a full run.
func TestPlaceholdersAreTheSizesOfAFullRun(t *testing.T) {
	value := reflect.ValueOf(full)
	for i := range value.NumField() {
		field := value.Type().Field(i)
		if want := fmt.Sprint(value.Field(i)); field.Name != "Quick" && field.Tag.Get("placeholder") != want {
			t.Errorf("%s has the placeholder %q, but is %s", field.Name, field.Tag.Get("placeholder"), want)
		}
	}
	for _, q := range []bool{false, true} {
		s := sizes{Quick: q}
		s.complete()
		if value := reflect.ValueOf(s); q != s.Quick || slices.ContainsFunc(reflect.VisibleFields(value.Type())[1:], func(f reflect.StructField) bool { return value.FieldByIndex(f.Index).IsZero() }) {
			t.Errorf("a size is missing: %+v", s)
		}
	}
}

func checkDocument(t *testing.T, file string) {
	t.Helper()
	folder := strings.TrimSuffix(file, ".md")
	for _, name := range []string{"latency-low.svg", "latency-high.svg", "login-cpu.svg"} {
		if text, err := os.ReadFile(filepath.Join(folder, name)); err != nil || !strings.Contains(string(text), "<svg") || !strings.Contains(string(text), "</svg>") {
			t.Errorf("%s: %v: %s", name, err, text)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Redis server v=", "centrifugal/centrifuge v", manualBegins + "By hand.\n" + manualEnds, "CPUs", "](benchmarks/latency-low.svg)", "](benchmarks/login-cpu.svg)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the document says nothing of %q: %s", want, text)
		}
	}
	if strings.Contains(string(text), "old\n") {
		t.Error("what was not between the marks was kept")
	}
}
