package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func configurationGuide(t *testing.T) string {
	t.Helper()
	guide, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(guide)
}

func TestTheConfigurationGuideContainsTheReference(t *testing.T) {
	var want strings.Builder
	if err := WriteReference(&want); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(configurationGuide(t), "<!-- reference begins -->")
	table, _, found := strings.Cut(rest, "<!-- reference ends -->")
	if !found || strings.TrimSpace(table) != strings.TrimSpace(want.String()) {
		t.Error("docs/configuration.md is outdated: replace the table between the markers with the output of `scanlogin check-config --reference`")
	}
}

func TestTheExamplesOfTheConfigurationGuideAreValid(t *testing.T) {
	t.Setenv("EXAMPLE_SECRET", strings.Repeat("s", 43))
	examples := regexp.MustCompile("(?s)```yaml configuration\n(.*?)```").FindAllStringSubmatch(configurationGuide(t), -1)
	if len(examples) < 4 {
		t.Fatalf("%d examples were found", len(examples))
	}
	for _, example := range examples {
		path := filepath.Join(t.TempDir(), "scanlogin.yaml")
		if err := os.WriteFile(path, []byte(example[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, nil); err != nil {
			t.Errorf("%v\n%s", err, example[1])
		}
	}
}
