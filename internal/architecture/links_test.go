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
	fenced      = regexp.MustCompile("(?ms)^```.*?^```")
	inlineCode  = regexp.MustCompile("`[^`\n]*`")
	linkTarget  = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"\s]+)"`)
	heading     = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	documentRef = regexp.MustCompile(`\b(docs/[a-z-]+\.md)\b`)
	sectionRef  = regexp.MustCompile(`\((?:contract )?[AB]\.[0-9]\)|[Cc]ontract [AB]\.[0-9]`)
)

// textFiles calls look with each text file of the repository, by its path.
func textFiles(t *testing.T, look func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if name := entry.Name(); name == "node_modules" || name == ".git" || path == "bin" || name == "dist" {
				return fs.SkipDir
			}
		case filepath.Ext(path) != ".png" && entry.Type().IsRegular():
			look(path, read(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// anchors returns the anchors of a document's headings, as GitHub makes them.
func anchors(text string) map[string]bool {
	found := make(map[string]bool)
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		title := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(strings.ToLower(h[1]), "$1")
		found[strings.ReplaceAll(notInAnchor.ReplaceAllString(title, ""), " ", "-")] = true
	}
	return found
}

func TestEachLinkBetweenDocumentsLeadsSomewhere(t *testing.T) {
	links := 0
	textFiles(t, func(path, text string) {
		if filepath.Ext(path) != ".md" {
			return
		}
		prose := inlineCode.ReplaceAllString(fenced.ReplaceAllString(text, ""), "")
		for _, m := range linkTarget.FindAllStringSubmatch(prose, -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			links++
			file, anchor, hasAnchor := strings.Cut(target, "#")
			linked := path
			if file != "" {
				linked = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(linked); err != nil {
				t.Errorf("%s: %s does not exist", path, target)
			} else if hasAnchor && !anchors(read(t, linked))[anchor] {
				t.Errorf("%s: %s has no heading #%s", path, linked, anchor)
			}
		}
	})
	if links < 100 {
		t.Errorf("only %d links were found", links)
	}
}

// Comments, messages and documents name pages as docs/x.md, and no sections of a contract
// that a reader of the repository does not have.
func TestEachDocumentThatTheSourceNamesExists(t *testing.T) {
	textFiles(t, func(path, text string) {
		if path == "CHANGELOG.md" || path == "DECISIONS.md" || strings.HasSuffix(path, "links_test.go") {
			return // they also name what existed before
		}
		for _, m := range documentRef.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s: %s does not exist", path, m[1])
			}
		}
		if at := sectionRef.FindString(text); at != "" {
			t.Errorf("%s: %q is a section of no document here", path, at)
		}
	})
}

func TestTheREADMEsAreShort(t *testing.T) {
	for _, path := range []string{"README.md", "README.zh-CN.md"} {
		if lines := strings.Count(read(t, path), "\n"); lines > 150 {
			t.Errorf("%s has %d lines, more than 150", path, lines)
		}
	}
}
