package admin

import (
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/config"
)

// texts returns all English texts of the pages.
func texts(t *testing.T) map[string]bool {
	all := make(map[string]bool)
	for pattern, calls := range map[string]*regexp.Regexp{
		"../../web/console/*.html": regexp.MustCompile(`(?:\bt|marked) "([^"]+)"`),
		"*.go":                     regexp.MustCompile(`(?:\.text\(|\.view\(|Title: |refuse\(http\.\w+, |newChart\()(?:l\.text\()?"([^"]+)"`),
		"[cltp]*.go":               regexp.MustCompile(`renderError\(w, r, http\.\w+, "([^"]+)",`),
		"[cltpd]*.go":              regexp.MustCompile(`renderError\(w, r, http\.\w+, "[^"]+",\s+"([^"]+)"\)`),
	} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range calls.FindAllStringSubmatch(string(text), -1) {
				all[html.UnescapeString(match[1])] = true
			}
		}
	}
	for _, f := range funnelSteps {
		all[f.label] = true
	}
	for _, label := range []string{"Canceled", "Expired", "Withdrawn", "Lost"} {
		all[label] = true
	}
	for _, label := range rangeLabels {
		all[label] = true
	}
	for _, g := range groups {
		all[g.title] = true
	}
	for _, text := range scriptTexts {
		all[text] = true
	}
	for _, s := range config.PoolSettings() {
		all[s.Label], all[s.Help] = true, true
	}
	return all
}

// Whoever reads Chinese reads no English, except errors of the configuration and names of settings.
func TestEveryTextHasATranslation(t *testing.T) {
	all := texts(t)
	if len(all) < 150 {
		t.Fatalf("found only %d texts", len(all))
	}
	for text := range all {
		translated, ok := translations[text]
		switch {
		case !ok:
			t.Errorf("web/console/zh.json has no translation of %q", text)
		case strings.Count(text, "%") != strings.Count(translated, "%") || strings.Count(text, "`") != strings.Count(translated, "`"):
			t.Errorf("web/console/zh.json: %q and %q have different placeholders or code", text, translated)
		}
	}
	for text := range translations {
		if !all[text] {
			t.Errorf("web/console/zh.json: no page has %q: remove it", text)
		}
	}
}

// The scripts find each of their texts in the page.
func TestThePagesHaveTheTextsOfTheScripts(t *testing.T) {
	files, err := filepath.Glob("../../web/console/src/*.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	known := make(map[string]bool)
	for _, text := range scriptTexts {
		known[text] = true
	}
	var sources strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
		for _, match := range regexp.MustCompile(`\bt\('([^']+)'`).FindAllStringSubmatch(string(text), -1) {
			if !known[match[1]] {
				t.Errorf("%s: add %q to scriptTexts", name, match[1])
			}
		}
	}
	for text := range known {
		if !strings.Contains(sources.String(), "'"+text+"'") {
			t.Errorf("no script has %q: remove it", text)
		}
	}
}
