package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteReference writes a Markdown table of all settings.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, s := range settings {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Path, s.typeAndBounds(), s.defaultText(), s.Help)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Setting) typeAndBounds() string {
	switch allowed := s.allowed(); {
	case len(s.oneOf) > 0:
		return "`" + strings.Join(s.oneOf, "`, `") + "`"
	case allowed == "" || strings.HasPrefix(s.Type, "secret"): // its help has the bound
		return s.Type
	default:
		return s.Type + ", " + allowed
	}
}

func (s Setting) defaultText() string {
	switch {
	case s.Required:
		return "**required**"
	case s.Default != "":
		return "`" + s.Default + "`"
	}
	return s.Absent
}
