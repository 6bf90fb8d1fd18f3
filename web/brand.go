package web

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"net/http"
	"path"
	"regexp"
	"strings"
)

// defaultColor is the color in the files.
const defaultColor = "#0b6e4f"

// rrggbb is a color without its number sign, which would begin a fragment.
var rrggbb = regexp.MustCompile(`^[0-9a-f]{6}$`)

// brandStyle has the color of a site, and the tones that are made of it. The mix for dark
// pages has a contrast of at least 5.5:1 with their text and ground for every color.
const brandStyle = `:root { --accent: #rrggbb; --tint: color-mix(in srgb, #rrggbb 10%, #fff); }
@media (prefers-color-scheme: dark) {
  :root { --accent: color-mix(in srgb, #rrggbb 40%, #fff); --tint: color-mix(in srgb, #rrggbb 35%, #161d1a); }
}
`

// serveBrand serves the style sheet and the mark in a color: /assets/brand/<rrggbb>.css and
// .svg. The color is in the path because pages have no inline styles, and so that no request
// has to find a pool.
func serveBrand(w http.ResponseWriter, r *http.Request) {
	kind := path.Ext(r.PathValue("name"))
	color := strings.TrimSuffix(r.PathValue("name"), kind)
	switch {
	case !rrggbb.MatchString(color):
		notFound(w, r)
	case kind == ".css":
		newDynamic("brand.css", []byte(strings.ReplaceAll(brandStyle, "#rrggbb", "#"+color))).ServeHTTP(w, r)
	case kind == ".svg":
		newDynamic("brand.svg", bytes.ReplaceAll(read("mark.svg"), []byte(defaultColor), []byte("#"+color))).ServeHTTP(w, r)
	default:
		notFound(w, r)
	}
}

// HasColor reports whether the site has a color of its own.
func (s Site) HasColor() bool { return rrggbb.MatchString(s.digits()) && s.Color != defaultColor }

// Mark is the path of the mark in the site's color, below /assets/.
func (s Site) Mark() template.URL {
	if s.HasColor() {
		return template.URL("brand/" + s.digits() + ".svg") // #nosec G203 -- six hexadecimal digits
	}
	return template.URL(withHash("mark.svg", read("mark.svg"))) // #nosec G203 -- a name and hexadecimal digits
}

// Style is the path of the style sheet with the site's color, below /assets/.
func (s Site) Style() template.URL { return template.URL("brand/" + s.digits() + ".css") } // #nosec G203 -- only used if HasColor

func (s Site) digits() string { return strings.ToLower(strings.TrimPrefix(s.Color, "#")) }

// MarkURI returns scanlogin's mark as a data URI, for pages of other origins: a picture of this
// server may be refused there (Cross-Origin-Resource-Policy).
func MarkURI() string {
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(read("mark.svg"))
}
