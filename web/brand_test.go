package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestSitesHaveTheirColor(t *testing.T) {
	mark := withHash("mark.svg", read("mark.svg"))
	for _, test := range []struct{ color, style, mark string }{
		{"#c2185b", "brand/c2185b.css", "brand/c2185b.svg"},
		{"#C2185B", "brand/c2185b.css", "brand/c2185b.svg"},
		{"", "", mark}, {defaultColor, "", mark},
		{`#"><b>`, "", mark}, {"red", "", mark},
	} {
		for page, h := range map[string]http.Handler{"link": NoticePage(LinkNotice, http.StatusOK, Site{Name: "Shop", Color: test.color}, false), "login": Login(Site{Name: "Shop", Color: test.color})} {
			text := bodyOf(h, "/")
			if !strings.Contains(text, `assets/`+test.mark+`" alt=""`) || strings.Contains(text, "brand/") != (test.style != "") || !strings.Contains(text, test.style) {
				t.Errorf("%s, %s: %s", page, test.color, text)
			}
		}
	}
}

func TestColorsAreServed(t *testing.T) {
	for path, want := range map[string]string{
		"c2185b.css": "--accent: #c2185b;", "c2185b.svg": `fill="#c2185b"`, "0b6e4f.svg": `fill="#0b6e4f"`,
	} {
		if text := bodyOf(Assets(), "/assets/brand/"+path); !strings.Contains(text, want) || strings.Contains(text, "rrggbb") {
			t.Errorf("%s: %s", path, text)
		}
	}
	for _, path := range []string{"c2185b", "c2185b.js", "C2185B.css", "c2185b.css.css", "c2185.css", "", "url(x).css", "c2185b%3B.css", "c2185b/x.css"} {
		if res := call(Assets(), http.MethodGet, "/assets/brand/"+path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}
