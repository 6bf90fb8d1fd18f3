// Package rolling runs the program of the previous release next to the current one, on one
// Redis, as during an update.
package rolling

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/test/program"
)

// previousRelease is the last commit whose codes are in records of the previous release
// (session/redisstore/previous.go). This test is deleted with them.
const previousRelease = "6f0283ddcc76784cbac0af2aad38d916198b9c8f"

const root = "../.."

// current and previous are the paths of the two programs.
var current, previous string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &current)) }

// buildPrevious builds the previous release from the history of the repository, once.
func buildPrevious(t *testing.T) {
	t.Helper()
	var err error
	if previous, err = filepath.Abs(filepath.Join(root, "bin", "previous", previousRelease[:12])); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(previous); err == nil {
		return
	}
	if os.Getenv("SCANLOGIN_TEST_ALL") == "" {
		t.Skip("the previous release is not built: make test-all builds it, which takes half a minute")
	}
	if _, err := git("cat-file", "-e", previousRelease+"^{commit}"); err != nil {
		t.Fatalf("the history lacks commit %s, which this test builds: run git fetch --unshallow (%v)", previousRelease[:12], err)
	}
	dir := t.TempDir()
	archive := filepath.Join(dir, "source.tar")
	if out, err := git("archive", "--format=tar", "--output", archive, previousRelease); err != nil {
		t.Fatalf("git archive: %v\n%s", err, out)
	}
	if out, err := exec.Command("tar", "-xf", archive, "-C", dir).CombinedOutput(); err != nil { // #nosec G204 -- a path of the test
		t.Fatalf("tar: %v\n%s", err, out)
	}
	build := exec.Command("go", "build", "-o", previous+".new", "./cmd/scanlogin") // #nosec G204 -- likewise
	build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build of the previous release: %v\n%s", err, out)
	}
	if err := os.Rename(previous+".new", previous); err != nil {
		t.Fatal(err)
	}
}

func git(args ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"-C", root}, args...)...).CombinedOutput() // #nosec G204 -- constant arguments
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return string(out), err
}
