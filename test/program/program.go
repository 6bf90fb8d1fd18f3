// Package program provides the scanlogin binary for the tests in sibling
// directories. It guarantees that they all run the binary named by SCANLOGIN_BIN,
// or one built from the current source if the variable is not set.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Main stores the binary's path in *path, runs a package's tests, and returns their
// exit code. Call it from TestMain of a package in a sibling directory.
func Main(m *testing.M, path *string) int {
	if *path = os.Getenv("SCANLOGIN_BIN"); *path != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "scanlogin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	*path = filepath.Join(dir, "scanlogin")
	// #nosec G204 -- the path is in a new temporary directory
	if out, err := exec.Command("go", "build", "-o", *path, "../../cmd/scanlogin").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
