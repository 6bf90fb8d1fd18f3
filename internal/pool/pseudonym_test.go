package pool_test

import (
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
)

func TestPseudonymsOfDifferentPartsDiffer(t *testing.T) {
	p, other, rotated := newPool("p", value), newPool("q", value), newPool("p", value+"x")
	registry := pool.NewRegistry(p, other)
	seen := make(map[string]string)
	for what, name := range map[string]string{
		"one part":        p.Pseudonym("ab"),
		"two parts":       p.Pseudonym("a", "b"),
		"two others":      p.Pseudonym("", "ab"),
		"a quote":         p.Pseudonym(`a" "b`),
		"a zero":          p.Pseudonym("a\x00b"),
		"no UTF-8":        p.Pseudonym("a\xffb"),
		"another no UTF8": p.Pseudonym("a\xfeb"),
		"another pool":    other.Pseudonym("a", "b"),
		"another secret":  rotated.Pseudonym("a", "b"),
		"of no pool":      registry.Pseudonym("a", "b"),
	} {
		if len(name) != 22 || seen[name] != "" {
			t.Errorf("%s: %q, as %s", what, name, seen[name])
		}
		seen[name] = what
	}
	if again := newPool("p", value); again.Pseudonym("a", "b") != p.Pseudonym("a", "b") || pool.NewRegistry(again).Pseudonym("a") != registry.Pseudonym("a") {
		t.Error("another node has another pseudonym")
	}
	rotating := &pool.Pool{ID: "p", Secret: pool.NewSecret(value+"x", value)}
	if names := rotating.Pseudonyms("a"); len(names) != 2 || names[0] != rotated.Pseudonym("a") || names[1] != p.Pseudonym("a") {
		t.Errorf("while the secret is rotated: %q", names)
	}
	if name := pool.NewRegistry().Pseudonym("a"); name != "" {
		t.Errorf("without a pool: %q", name)
	}
}
