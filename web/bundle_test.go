package web

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The committed bundle is what its sources give, so that `go install` needs no build step and
// nobody serves an old one.
func TestBundleIsBuiltFromItsSources(t *testing.T) {
	built := filepath.Join(t.TempDir(), "scanlogin.js")
	if out, err := exec.CommandContext(t.Context(), "./build.sh", built).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(built) // #nosec G304 -- written above
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read("scanlogin.js"), want) {
		t.Error("web/scanlogin.js is not what web/src gives: run `make web` and commit the result")
	}
}
