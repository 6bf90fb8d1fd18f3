package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

type writeCommand struct{ files }

// The text between these marks is written by hand and kept.
const (
	manualBegins = "<!-- by hand begins -->\n"
	manualEnds   = "<!-- by hand ends -->\n"
)

//go:embed benchmarks.md.tmpl
var documentText string

// Run is called by kong.
func (c *writeCommand) Run() error {
	text, err := os.ReadFile(c.JSON)
	if err != nil {
		return err
	}
	var r comparison
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("%s: %w", c.JSON, err)
	}
	old, err := os.ReadFile(c.Document)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	pictures, err := r.pictures()
	if err != nil {
		return err
	}
	folder := strings.TrimSuffix(c.Document, ".md")
	if err := writePictures(folder, pictures); err != nil {
		return err
	}
	text, err = r.document(manualText(string(old)), filepath.Base(folder), pictures)
	if err != nil {
		return err
	}
	return os.WriteFile(c.Document, text, 0o644)
}

// manualText returns the text between the marks of an earlier document.
func manualText(document string) string {
	_, rest, _ := strings.Cut(document, manualBegins)
	text, _, ended := strings.Cut(rest, manualEnds)
	if !ended {
		return ""
	}
	return text
}

// document renders the document, with plots that are in a folder next to it.
func (r *comparison) document(hand, folder string, pictures []picture) ([]byte, error) {
	var b bytes.Buffer
	err := template.Must(template.New("").Parse(documentText)).Execute(&b, map[string]any{
		"R": r, "Took": r.Took.Round(time.Minute), "Versions": strings.Join(r.Versions, "; "),
		"Targets": r.targets(), "Figures": r.figures(), "Columns": columns, "Pictures": pictures, "Folder": folder, "Hand": manualBegins + hand + manualEnds,
	})
	return b.Bytes(), err
}

// targets returns the rows of the first table.
func (r *comparison) targets() (lines []string) {
	for _, t := range targets {
		ours, beside := r.Figures[t.ours], r.Figures[t.beside]
		what := r.Sizes.withRates(t.what)
		if len(ours) == 0 || t.beside != "" && len(beside) == 0 {
			lines = append(lines, fmt.Sprintf("| %s | | | | %s | not measured |", what, t.text()))
			continue
		}
		value, ratio := median(ours), ""
		if t.unit == "pages" {
			value = slices.Max(ours) // the worst round counts
		}
		if t.beside != "" {
			value /= median(beside)
			ratio = short(value)
		}
		lines = append(lines, fmt.Sprintf("| %s, %s | %s | %s | %s | %s | %s |", what, t.unit, figure(ours), figure(beside), ratio, t.text(), t.judgment(value)))
	}
	return lines
}

// text describes the target.
func (t target) text() string {
	switch {
	case t.wanted == 0:
		return "—"
	case t.unit == "pages":
		return "none"
	}
	text := "≤ "
	if t.least {
		text = "≥ "
	}
	text += short(t.wanted)
	if t.beside != "" {
		text += " ×"
	}
	return text
}

func (t target) judgment(value float64) string {
	switch {
	case t.wanted == 0:
		return "—"
	case math.IsNaN(value) || math.IsInf(value, 0): // the peer's figure is 0: too small to be measured
		return "not measured"
	case value <= t.wanted != t.least:
		return "met"
	default:
		return "**missed**"
	}
}

// figures returns the rows of the second table.
func (r *comparison) figures() (lines []string) {
	for _, m := range measures {
		line := fmt.Sprintf("| %s, %s |", r.Sizes.withRates(m.what), m.unit)
		for _, k := range columns {
			line += " " + figure(r.Figures[m.name+"/"+string(k)]) + " |"
		}
		lines = append(lines, line)
	}
	return lines
}

// figure formats the median and, for several rounds, the range.
func figure(all []float64) string {
	switch len(all) {
	case 0:
		return ""
	case 1:
		return short(all[0])
	}
	return fmt.Sprintf("%s (%s … %s)", short(median(all)), short(slices.Min(all)), short(slices.Max(all)))
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// short formats three significant digits.
func short(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "—"
	case v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10 || v <= -10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 1 || v <= -1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
