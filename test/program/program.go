// Package program is scanlogin as the tests in the folders beside it run it: the
// real binary. It promises that all of them run the same one where
// SCANLOGIN_BIN names it, and one of the sources at hand otherwise.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Main runs a package's tests with the binary's path in *path, and returns their
// exit code. It is for TestMain of a package in a folder beside this one.
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
	// #nosec G204 -- the path is of our own folder
	if out, err := exec.Command("go", "build", "-o", *path, "../../cmd/scanlogin").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
