package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// place is where a value was given: in a file at a line and column (both from
// 1), or, with line 0, by a flag or an environment variable.
type place struct {
	source       string // name of the file, flag or variable
	line, column int
}

func (p place) String() string {
	if p.line == 0 {
		return p.source
	}
	return fmt.Sprintf("%s:%d:%d", p.source, p.line, p.column)
}

// problem is something in the configuration that is wrong, or, as a warning,
// unwise. The text says what, and the cure; it repeats no value, because a
// secret may stand where it does not belong.
type problem struct {
	place place
	path  string // such as pools[0].identity.jwt; empty: the whole file
	text  string
}

func (p problem) String() string {
	if p.path == "" {
		return fmt.Sprintf("%s: %s", p.place, p.text)
	}
	return fmt.Sprintf("%s: %s: %s", p.place, p.path, p.text)
}

// problems is the error of a configuration that is refused: all that is wrong,
// one a line.
type problems []problem

func (ps problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sort orders by position; what came from flags and the environment is first.
func (ps problems) sort() {
	slices.SortStableFunc(ps, func(a, b problem) int {
		return cmp.Or(
			cmp.Compare(a.place.line, b.place.line),
			cmp.Compare(a.place.column, b.place.column),
			cmp.Compare(a.place.source, b.place.source),
		)
	})
}
