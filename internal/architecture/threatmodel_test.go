package architecture

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	goTest    = regexp.MustCompile(`(?m)^func (Test\w+)\(\w+ \*testing\.T\)`)
	titleOf   = regexp.MustCompile("(?m)^\\s*(?:scenario|test)\\((?:'((?:[^'\\\\]|\\\\.)*)'|\"([^\"]*)\"|`([^`]*)`)")
	filledIn  = regexp.MustCompile(`\\\$\\\{.*?\\\}`) // ${…}, quoted as for a regular expression
	inCode    = regexp.MustCompile("`([^`]+)`")
	inQuotes  = regexp.MustCompile(`"([^"]+)"`)
	namedTest = regexp.MustCompile(`^Test\w+$`)
)

// TestTheThreatModelNamesTestsAndSettingsThatExist reads the table of docs/threat-model.md: each attack
// names tests, of Go or of test/e2e, and all tests and settings that it names exist.
func TestTheThreatModelNamesTestsAndSettingsThatExist(t *testing.T) {
	tests, titles := testsOf(t), titlesOf(t)
	reference := read(t, "docs/configuration.md")
	rows := 0
	for _, row := range threats(t) {
		rows++
		attack, settings, shown := row[0], row[2], row[3]
		named := inQuotes.FindAllStringSubmatch(shown, -1)
		for _, title := range named {
			if !matches(titles, title[1]) {
				t.Errorf("%s: no test in test/e2e is called %q", attack, title[1])
			}
		}
		for _, code := range inCode.FindAllStringSubmatch(shown, -1) {
			if named = append(named, code); !namedTest.MatchString(code[1]) || !tests[code[1]] {
				t.Errorf("%s: there is no test %s", attack, code[1])
			}
		}
		if len(named) == 0 {
			t.Errorf("%s: nothing shows it", attack)
		}
		for _, setting := range inCode.FindAllStringSubmatch(settings, -1) {
			if !strings.Contains(reference, "| `"+setting[1]+"` |") && !strings.Contains(reference, "| `pools[]."+setting[1]+"` |") {
				t.Errorf("%s: there is no setting %s", attack, setting[1])
			}
		}
	}
	if rows < 20 {
		t.Errorf("%d attacks were found: has the table another form?", rows)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// threats returns the cells of the table's rows.
func threats(t *testing.T) (rows [][]string) {
	t.Helper()
	_, table, found := strings.Cut(read(t, "docs/threat-model.md"), "\n| attack | what we do | settings | shown by |\n|---|---|---|---|\n")
	if !found {
		t.Fatal("there is no table")
	}
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 {
			t.Fatalf("%d cells: %s", len(cells), line)
		}
		rows = append(rows, cells)
	}
	return rows
}

// testsOf returns the names of all tests of this module.
func testsOf(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			for _, name := range goTest.FindAllStringSubmatch(read(t, path), -1) {
				found[name[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// titlesOf returns the titles in test/e2e; what is filled in may be anything.
func titlesOf(t *testing.T) (titles []*regexp.Regexp) {
	t.Helper()
	files, err := filepath.Glob("test/e2e/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in test/e2e: %v", err)
	}
	for _, path := range files {
		for _, title := range titleOf.FindAllStringSubmatch(read(t, path), -1) {
			text := strings.ReplaceAll(title[1]+title[2]+title[3], `\'`, `'`)
			titles = append(titles, regexp.MustCompile("^"+filledIn.ReplaceAllString(regexp.QuoteMeta(text), ".*")+"$"))
		}
	}
	return titles
}

func matches(titles []*regexp.Regexp, name string) bool {
	for _, title := range titles {
		if title.MatchString(name) {
			return true
		}
	}
	return false
}
