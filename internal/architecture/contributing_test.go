package architecture

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the import graph to CONTRIBUTING.md instead of comparing it")

const (
	contributing = "CONTRIBUTING.md"
	graphBegins  = "<!-- import graph begins -->\n```\n"
	graphEnds    = "```\n<!-- import graph ends -->"
)

// importGraph returns a line for each package of the program: its name, its lines without
// tests, and the packages of this module that it imports. Packages that only tests use are
// left out, and so is "internal/" in front of an imported package.
func importGraph(t *testing.T) string {
	t.Helper()
	var graph strings.Builder
	fmt.Fprintf(&graph, "%-24s lines  imports\n", "package")
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if strings.HasPrefix(name, "test/") || strings.HasSuffix(name, "test") || name == "internal/process" {
			continue
		}
		lines := 0
		for _, file := range p.GoFiles {
			lines += bytes.Count([]byte(read(t, filepath.Join(p.Dir, file))), []byte("\n"))
		}
		var imports []string
		for _, path := range p.Imports {
			if ours, ok := strings.CutPrefix(path, module+"/"); ok {
				imports = append(imports, strings.TrimPrefix(ours, "internal/"))
			}
		}
		slices.Sort(imports)
		line := fmt.Sprintf("%-24s %5d  %s", name, lines, strings.Join(imports, " "))
		fmt.Fprintln(&graph, strings.TrimRight(line, " "))
	}
	return graph.String()
}

// withoutLines removes the numbers of lines, which change with every commit.
func withoutLines(graph string) string {
	var all strings.Builder
	for line := range strings.Lines(graph) {
		words := strings.Fields(line)
		fmt.Fprintln(&all, slices.Delete(words, min(1, len(words)), min(2, len(words))))
	}
	return all.String()
}

func TestContributingHasTheImportGraph(t *testing.T) {
	before, rest, begins := strings.Cut(read(t, contributing), graphBegins)
	graph, after, ends := strings.Cut(rest, graphEnds)
	if !begins || !ends {
		t.Fatalf("%s has no import graph between the markers", contributing)
	}
	current := importGraph(t)
	if *update {
		if err := os.WriteFile(contributing, []byte(before+graphBegins+current+graphEnds+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if withoutLines(graph) != withoutLines(current) {
		t.Errorf("the import graph in %s is outdated: run `make graph`", contributing)
	}
}

// TestContributingNamesTheRightFiles reads the tables of CONTRIBUTING.md. A row names in
// its second cell files or folders, which must exist, and words, which must occur in one of
// them.
func TestContributingNamesTheRightFiles(t *testing.T) {
	rows, inTable := 0, false
	for line := range strings.Lines(read(t, contributing)) {
		cells := strings.Split(line, "|")
		if isRow := inTable && len(cells) >= 4; !isRow {
			inTable = strings.HasPrefix(line, "|---")
			continue
		}
		rows++
		var text strings.Builder
		for _, code := range inCode.FindAllStringSubmatch(cells[2], -1) {
			name := code[1]
			if strings.Contains(name, "/") || filepath.Ext(name) != "" {
				text.WriteString(contents(t, name))
			} else if !strings.Contains(text.String(), name) {
				t.Errorf("%s: %q does not occur in the files before it", strings.TrimSpace(cells[1]), name)
			}
		}
		if text.Len() == 0 {
			t.Errorf("%s: no file", strings.TrimSpace(cells[1]))
		}
	}
	if rows < 30 {
		t.Errorf("only %d rows were found", rows)
	}
}

// contents returns the text of a file, or of all files of a folder.
func contents(t *testing.T, name string) string {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Error(err)
		return ""
	}
	if !info.IsDir() {
		return read(t, name)
	}
	var all strings.Builder
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all.WriteString(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return all.String()
}
