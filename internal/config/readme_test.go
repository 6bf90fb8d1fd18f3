package config

import (
	"os"
	"strings"
	"testing"
)

func TestREADMEContainsTheReference(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := WriteReference(&want); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "<!-- reference begins -->")
	table, _, found := strings.Cut(rest, "<!-- reference ends -->")
	if !found || !strings.Contains(table, strings.TrimSpace(want.String())) {
		t.Error("README.md is outdated: replace the table between the markers with the output of `scanlogin check-config --reference`")
	}
}
