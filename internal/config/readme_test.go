package main

import (
	"os"
	"strings"
	"testing"
)

func TestReadmeHasTheReference(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := printReference(&want); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "<!-- reference begins -->")
	table, _, found := strings.Cut(rest, "<!-- reference ends -->")
	if !found || !strings.Contains(table, strings.TrimSpace(want.String())) {
		t.Error("README.md: put there what `scanlogin check-config --reference` prints, between the marks")
	}
}
