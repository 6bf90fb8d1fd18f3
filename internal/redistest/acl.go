package redistest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// AppUser is the login of the user whose rights Allow sets, as it stands in a URL.
const AppUser = "app:s%23cret@"

// Allow gives the user of AppUser these rights, and no others.
func (s *Server) Allow(rights []string) {
	s.t.Helper()
	args := []any{"ACL", "SETUSER", "app", "reset", "on", ">s#cret"}
	for _, right := range rights {
		args = append(args, right)
	}
	s.Do(args...)
}

// LeastRights returns the rights that docs/redis.md lists for every installation, with
// the prefix "test", and those for some of the needs that it lists.
func LeastRights(t testing.TB, needs ...string) []string {
	t.Helper()
	rights := Documented(t, `(?m)^ACL SETUSER scanlogin on >\S+ (.*)$`)
	for _, need := range needs {
		rights += " " + strings.Join(RightsFor(t, need), " ")
	}
	return strings.Fields(strings.ReplaceAll(rights, "scanlogin:", "test:"))
}

// RightsFor returns the additional rights that docs/redis.md lists for one need.
func RightsFor(t testing.TB, need string) []string {
	t.Helper()
	return strings.Fields(Documented(t, `(?m)^\* `+regexp.QuoteMeta(need)+": `(.*)`$"))
}

// Documented returns the text in docs/redis.md that the pattern's group matches.
func Documented(t testing.TB, pattern string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot(t), "docs", "redis.md"))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(pattern).FindSubmatch(text)
	if match == nil {
		t.Fatalf("docs/redis.md has no match for %s", pattern)
	}
	return string(match[1])
}

// moduleRoot returns the directory of go.mod: the test's directory or one above it.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod in the test's directory or above it")
		}
		dir = parent
	}
}
