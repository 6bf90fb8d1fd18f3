package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// position is where a value was given: in a file at a line and column, both from 1, or,
// with line 0, by a flag or an environment variable.
type position struct {
	source       string // name of the file, flag or variable
	line, column int
}

func (p position) String() string {
	if p.line == 0 {
		return p.source
	}
	return fmt.Sprintf("%s:%d:%d", p.source, p.line, p.column)
}

// Problem is an error or a warning about the configuration. The text names the error and
// the cure. It does not repeat the value, because a secret may be in the wrong place.
type Problem struct {
	Path string // such as pools[0].identity.jwt; "": the whole file
	Text string

	at position
}

// String returns position, path and text.
func (p Problem) String() string {
	if p.Path == "" {
		return fmt.Sprintf("%s: %s", p.at, p.Text)
	}
	return fmt.Sprintf("%s: %s: %s", p.at, p.Path, p.Text)
}

// Problems is the error of an invalid configuration. It holds everything that is wrong.
type Problems []Problem

// Error returns one problem per line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sort orders by position; problems of flags and the environment come first.
func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.at.line, b.at.line),
			cmp.Compare(a.at.column, b.at.column),
			cmp.Compare(a.at.source, b.at.source),
		)
	})
}
