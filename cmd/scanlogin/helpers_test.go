package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if args := os.Getenv(runAs); args != "" {
		os.Exit(run(untilSignal(), strings.Fields(args), output{os.Stdout, os.Stderr}))
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "SCANLOGIN_") || strings.HasPrefix(name, "OTEL_") {
			os.Unsetenv(name) // the tests set their own
		}
	}
	goleak.VerifyTestMain(m)
}

// testSecret is what no output may contain.
const testSecret = "s3cr3t-Value-that-nobody-may-see-0123456789"

// runCommand runs a command line to its end.
func runCommand(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testDeadline)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code = run(ctx, args, output{&stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

// writeFile writes a file of that name into a fresh folder and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// good is the least configuration, with one pool.
const good = `public_url: https://scan.example.com
pools:
  - id: demo
    secret: ` + testSecret + `
`

// mustLoad loads a configuration that has to be right.
func mustLoad(t *testing.T, text string, overrides ...override) *configuration {
	t.Helper()
	s, err := loadSettings(writeFile(t, "scanlogin.yaml", text), overrides)
	if err != nil {
		t.Fatalf("refused:\n%v", err)
	}
	return s
}

// refusals loads a configuration that has to be wrong and returns the problems
// without the folder of the file.
func refusals(t *testing.T, text string, overrides ...override) []string {
	t.Helper()
	path := writeFile(t, "scanlogin.yaml", text)
	_, err := loadSettings(path, overrides)
	if err == nil {
		t.Fatal("the configuration was accepted")
	}
	return strings.Split(strings.ReplaceAll(err.Error(), path, "scanlogin.yaml"), "\n")
}
