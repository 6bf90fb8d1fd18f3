package web

import (
	"fmt"
	"html/template"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestModulesOfTheConsoleMakeNoMarkupFromText(t *testing.T) {
	// The console's live page is fetched from the console itself, which escapes what it shows.
	const ownPage = "new DOMParser().parseFromString(await response.text(), 'text/html')"
	sources, err := filepath.Glob("console/src/*.js")
	if err != nil || len(sources) == 0 {
		t.Fatalf("%v, %v", sources, err)
	}
	for _, name := range sources {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at := markup.FindString(strings.Replace(string(source), ownPage, "", 1)); at != "" {
			t.Errorf("%s uses %s", name, at)
		}
	}
}

// All assets of the console's frame are served.
func TestConsolePagesHaveTheirAssets(t *testing.T) {
	var frame strings.Builder
	if err := ConsolePages(template.FuncMap{
		"iso": fmt.Sprint, "clock": fmt.Sprint, "marked": strings.Fields, "t": fmt.Sprint, "number": fmt.Sprint, "words": func() string { return "{}" },
	})["error"].Execute(&frame, map[string]string{"Title": hostile, "Admin": hostile, "Page": "overview", "Data": hostile, "Lang": "en", "Other": hostile, "CSRF": hostile}); err != nil {
		t.Fatal(err)
	}
	used := regexp.MustCompile(`(?:src|href)="/console(/assets/[^"]+)"`).FindAllStringSubmatch(frame.String(), -1)
	for _, match := range append(used, []string{"", "/assets/scanlogin.js"}) {
		if res := call(ConsoleAssets(), http.MethodGet, match[1]); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", match[1], res.StatusCode)
		}
	}
	if len(used) < len(consoleAssets) || strings.Contains(frame.String(), "<script>alert") {
		t.Errorf("the frame:\n%s", frame.String())
	}
}
