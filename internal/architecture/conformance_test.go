package architecture

import (
	"strings"
	"testing"
)

// TestTheConformanceTablesNameTestsThatExist reads docs/oidc-conformance.md: each requirement names tests,
// of Go or of test/e2e, or says why no test shows it.
func TestTheConformanceTablesNameTestsThatExist(t *testing.T) {
	const notShown = "Not shown: "
	tests, titles := testsOf(t), titlesOf(t)
	standards := strings.Split(read(t, "docs/oidc-conformance.md"), "\n## ")[1:]
	rows := 0
	for _, text := range standards {
		name, text, _ := strings.Cut(text, "\n")
		_, table, found := strings.Cut(text, "\n| section | level | requirement | shown by |\n|---|---|---|---|\n")
		if !found && name != "Deviations" {
			t.Errorf("%s has no table", name)
		}
		for line := range strings.Lines(table) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			if len(cells) != 4 {
				t.Fatalf("%s: %d cells: %s", name, len(cells), line)
			}
			rows++
			at, shown := name+", "+strings.TrimSpace(cells[0]), strings.TrimSpace(cells[3])
			shows := 0
			for _, title := range inQuotes.FindAllStringSubmatch(shown, -1) {
				if shows++; !matches(titles, title[1]) {
					t.Errorf("%s: no test in test/e2e is called %q", at, title[1])
				}
			}
			for _, code := range inCode.FindAllStringSubmatch(shown, -1) {
				if !namedTest.MatchString(code[1]) {
					continue // a word of the reason
				}
				if shows++; !tests[code[1]] {
					t.Errorf("%s: there is no test %s", at, code[1])
				}
			}
			if shows == 0 && !strings.HasPrefix(shown, notShown) {
				t.Errorf("%s: nothing shows it, and no reason is given", at)
			}
		}
	}
	if len(standards) < 13 || rows < 100 {
		t.Errorf("%d standards with %d rows were found: have the tables another form?", len(standards), rows)
	}
}
