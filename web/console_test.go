package web

import (
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestModulesOfTheConsoleMakeNoMarkupFromText(t *testing.T) {
	// The console's live page is fetched from the console itself, which escapes what it shows.
	const ownPage = "new DOMParser().parseFromString(await answer.text(), 'text/html')"
	for _, name := range consoleAssets {
		if at := markup.FindString(strings.Replace(bodyOf(ConsoleAssets(), "/assets/"+name), ownPage, "", 1)); at != "" {
			t.Errorf("%s uses %s", name, at)
		}
	}
}

// All assets of the console's frame are served.
func TestConsolePagesHaveTheirAssets(t *testing.T) {
	var frame strings.Builder
	if err := ConsolePages(template.FuncMap{"iso": fmt.Sprint, "clock": fmt.Sprint, "marked": strings.Fields})["error"].Execute(&frame, map[string]string{"Title": hostile, "Admin": hostile, "Page": "live"}); err != nil {
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
