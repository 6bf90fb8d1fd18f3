package main

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

var (
	blankLine = regexp.MustCompile(`\n[ \t]*\n`)
	code      = regexp.MustCompile("`([^`]+)`")
	bold      = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	link      = regexp.MustCompile(`\[([^\]]+)\]\((https://[^)\s]+)\)`)
)

// markdown returns the part of Markdown that the descriptions use as HTML: paragraphs, code,
// bold and links. Everything else is text. A single paragraph has no element of its own.
func markdown(text string) template.HTML {
	var all []string
	for _, paragraph := range blankLine.Split(strings.TrimSpace(text), -1) {
		escaped := html.EscapeString(strings.Join(strings.Fields(paragraph), " "))
		escaped = code.ReplaceAllString(escaped, "<code>$1</code>")
		escaped = bold.ReplaceAllString(escaped, "<strong>$1</strong>")
		all = append(all, link.ReplaceAllString(escaped, `<a href="$2">$1</a>`))
	}
	if len(all) == 1 {
		return template.HTML(all[0]) // #nosec G203 -- escaped above
	}
	return template.HTML("<p>" + strings.Join(all, "</p><p>") + "</p>") // #nosec G203 -- escaped above
}
