package architecture

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Limits of the sources without tests, in lines. A newcomer reads a file in one sitting and
// sees a function on one screen.
const (
	maxFile    = 300
	maxFunc    = 40
	maxParams  = 5
	maxCommand = 1000 // all files of cmd/scanlogin together
)

// exceptionsFile lists what may exceed a limit, one per line with its reason.
const exceptionsFile = "internal/architecture/exceptions.txt"

// source is a Go file without tests.
type source struct {
	path  string
	lines int
	fset  *token.FileSet
	*ast.File
}

// sources returns the Go files of this module and of bench, without tests. Generated files
// are left out, and so are the folders of other modules.
func sources(t *testing.T) (all []source) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skipped(path, entry.Name())
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text := []byte(read(t, path))
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err == nil && !ast.IsGenerated(f) {
			all = append(all, source{filepath.ToSlash(path), bytes.Count(text, []byte("\n")), fset, f})
		}
		return err
	})
	if err != nil || len(all) < 100 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

// skipped returns fs.SkipDir for a folder without sources of this module or bench.
func skipped(path, name string) error {
	if path == "." || path == "bench" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil || name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") {
		return fs.SkipDir
	}
	return nil
}

// exceptions returns the lines of exceptionsFile: the reason of each file or function.
func exceptions(t *testing.T) map[string]string {
	t.Helper()
	reasons := make(map[string]string)
	for line := range strings.Lines(read(t, exceptionsFile)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		what, reason, found := strings.Cut(line, ": ")
		if !found || len(strings.Fields(reason)) < 3 || reasons[what] != "" {
			t.Errorf("%s: want one line per exception, \"path[ function]: reason\": %s", exceptionsFile, line)
		}
		reasons[what] = reason
	}
	return reasons
}

// tooLong returns what exceeds a limit, and by how much.
func tooLong(all []source) map[string]string {
	found := make(map[string]string)
	for _, s := range all {
		if s.lines > maxFile {
			found[s.path] = fmt.Sprintf("%d lines, at most %d", s.lines, maxFile)
		}
		for _, d := range s.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := s.path + " " + f.Name.Name
			if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > maxFunc {
				found[name] = fmt.Sprintf("%d lines, at most %d", n, maxFunc)
			}
			if n := f.Type.Params.NumFields(); n > maxParams {
				found[name] = fmt.Sprintf("%d parameters, at most %d", n, maxParams)
			}
		}
	}
	return found
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	found, excepted := tooLong(sources(t)), exceptions(t)
	for what, size := range found {
		if excepted[what] == "" {
			t.Errorf("%s: %s; split it, or add it to %s with a reason", what, size, exceptionsFile)
		}
	}
	for what := range excepted {
		if found[what] == "" {
			t.Errorf("%s is within the limits: remove it from %s", what, exceptionsFile)
		}
	}
}

func TestCommandIsSmall(t *testing.T) {
	lines := 0
	for _, s := range sources(t) {
		if strings.HasPrefix(s.path, "cmd/scanlogin/") {
			lines += s.lines
		}
	}
	if lines == 0 || lines >= maxCommand {
		t.Errorf("cmd/scanlogin has %d lines, want fewer than %d: it only parses flags, calls internal/app and prints", lines, maxCommand)
	}
}
