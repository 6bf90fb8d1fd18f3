package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// section returns what docs/operations.md says under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(readAll(t, "docs/operations.md"), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/operations.md has no %q", heading)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

func readAll(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// literals returns all strings in the program's sources.
func literals(t *testing.T) (all []string) {
	t.Helper()
	for _, p := range packages(t) {
		for _, file := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if text, err := strconv.Unquote(lit.Value); err == nil {
						all = append(all, text)
					}
				}
				return true
			})
		}
	}
	return all
}

// Who searches the guide for what a log says must find it.
func TestEachQuotedMessageIsOneOfTheProgram(t *testing.T) {
	said, quotes := literals(t), 0
	for line := range strings.Lines(section(t, "Common faults")) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			continue
		}
		for _, quote := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1) {
			quotes++
			if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, quote[1]) }) {
				t.Errorf("nothing says %q", quote[1])
			}
		}
	}
	if quotes < 20 {
		t.Errorf("only %d quotes were found", quotes)
	}
}

func TestEachAlertHasInstructions(t *testing.T) {
	names := func(pattern, text string) (all []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
		return all
	}
	alerts := names(`- alert: (\w+)`, readAll(t, "deploy/alerts.yaml"))
	guide := names("(?m)^\\| `(\\w+)` \\|", section(t, "Alerts"))
	if len(alerts) == 0 || !slices.Equal(alerts, guide) {
		t.Errorf("there are %q, and the guide has %q", alerts, guide)
	}
}
