package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// status is the status of a mutant, as in gremlins' report.
type status string

const (
	killed     status = "KILLED"
	lived      status = "LIVED"
	timedOut   status = "TIMED OUT"
	notCovered status = "NOT COVERED" // lived, and no test of the package executes its line
	notViable  status = "NOT VIABLE"  // does not compile
)

type mutant struct {
	File     string // slash-separated, from the module's root
	Line     int
	Operator string
	Code     string // the mutated line
	Status   status
	KilledBy string `json:",omitempty"` // the first tests that failed
	content  []byte // the whole file
}

// row returns the row for m in survivors.md. It contains the line's text instead of
// its number, which changes with other edits.
func (m *mutant) row() string {
	code := strings.ReplaceAll(m.Code, "|", `\|`)
	return fmt.Sprintf("| %s | %s | `%s` |", m.File, m.Operator, code)
}

// replacements are gremlins' mutations (internal/engine/mappings.go there), by
// operator and token. gremlins reports the position of a mutant, not its text.
var replacements = map[string]map[string]string{
	"ARITHMETIC_BASE":           {"+": "-", "*": "/", "/": "*", "%": "*", "-": "+"},
	"CONDITIONALS_BOUNDARY":     {">=": ">", ">": ">=", "<=": "<", "<": "<="},
	"CONDITIONALS_NEGATION":     {"==": "!=", ">=": "<", ">": "<=", "<=": ">", "<": ">=", "!=": "=="},
	"INCREMENT_DECREMENT":       {"--": "++", "++": "--"},
	"INVERT_ASSIGNMENTS":        {"+=": "-=", "*=": "/=", "/=": "*=", "-=": "+="},
	"INVERT_BITWISE":            {"&": "|", "|": "&", "^": "&", "&^": "&", "<<": ">>", ">>": "<<"},
	"INVERT_LOGICAL":            {"&&": "||", "||": "&&"},
	"INVERT_LOOPCTRL":           {"break": "continue", "continue": "break"},
	"INVERT_NEGATIVES":          {"-": "+"},
	"REMOVE_SELF_ASSIGNMENTS":   {"+=": "=", "-=": "=", "*=": "=", "/=": "=", "%=": "=", "&=": "=", "|=": "=", "^=": "=", "<<=": "=", ">>=": "=", "&^=": "="},
	"INVERT_BITWISE_ASSIGNMENT": {"&=": "|=", "|=": "&=", "^=": "&=", "&^=": "&=", "<<=": ">>=", ">>=": "<<="},
}

// fromGremlins reads a gremlins report about the source in dir.
func fromGremlins(report, dir string) ([]*mutant, error) {
	text, err := os.ReadFile(report)
	if err != nil {
		return nil, err
	}
	var r struct {
		Files []struct {
			Name      string `json:"file_name"`
			Mutations []struct {
				Type   string
				Status status
				Line   int
				Column int
			}
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	var all []*mutant
	for _, f := range r.Files {
		path := filepath.Join(dir, f.Name)
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for _, g := range f.Mutations {
			m := &mutant{File: filepath.ToSlash(path), Line: g.Line, Operator: g.Type, Status: g.Status}
			if err := m.mutate(source, g.Column); err != nil {
				return nil, err
			}
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b *mutant) int { return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line) })
	return all, nil
}

// mutate replaces the token at m's line and column of source.
func (m *mutant) mutate(source []byte, column int) error {
	lines := bytes.Split(source, []byte("\n"))
	if m.Line > len(lines) || column > len(lines[m.Line-1]) {
		return fmt.Errorf("%s:%d:%d is not in the file: the report is for another version", m.File, m.Line, column)
	}
	before, rest := lines[m.Line-1][:column-1], lines[m.Line-1][column-1:]
	for size := min(len(rest), len("continue")); size > 0; size-- { // the longest token first
		if to, ok := replacements[m.Operator][string(rest[:size])]; ok {
			line := slices.Concat(before, []byte(to), rest[size:])
			lines[m.Line-1] = line
			m.Code, m.content = strings.TrimSpace(string(line)), bytes.Join(lines, []byte("\n"))
			return nil
		}
	}
	return fmt.Errorf("%s:%d:%d has no token for %s: the report is for another version", m.File, m.Line, column, m.Operator)
}

var mutantName = regexp.MustCompile(`^(.+)\.mutant\.\d+(\.lua)$`)

// fromUniversalmutator reads the mutants in the directory from, each a whole file,
// of the source in dir.
func fromUniversalmutator(from, dir string) ([]*mutant, error) {
	paths, err := filepath.Glob(filepath.Join(from, "*.lua"))
	if err != nil {
		return nil, err
	}
	var all []*mutant
	for _, path := range paths {
		name := mutantName.FindStringSubmatch(filepath.Base(path))
		if name == nil {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		original := filepath.Join(dir, name[1]+name[2])
		source, err := os.ReadFile(original)
		if err != nil {
			return nil, err
		}
		m := &mutant{File: filepath.ToSlash(original), Operator: "LUA", content: content}
		was, is := strings.Split(string(source), "\n"), strings.Split(string(content), "\n")
		for i := range was {
			if i >= len(is) || was[i] != is[i] {
				m.Line, m.Code = i+1, strings.TrimSpace(is[min(i, len(is)-1)])
				break
			}
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b *mutant) int { return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line) })
	return all, nil
}

var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// run runs the stages until one fails, and sets the status.
func (m *mutant) run(ctx context.Context, o options, scratch string) error {
	original, err := filepath.Abs(m.File)
	if err != nil {
		return err
	}
	copied, overlay := filepath.Join(scratch, "mutant"+filepath.Ext(m.File)), filepath.Join(scratch, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: copied}})
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(copied, m.content, 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return err
	}
	was := m.Status
	for _, stage := range o.stages {
		args := append([]string{"test", "-vet=off", "-failfast", "-ldflags=-s -w", "-overlay=" + overlay, "-timeout", o.timeout.String()}, strings.Fields(stage)...)
		out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
		if err == nil {
			m.Status = lived
			continue
		}
		m.decide(string(out))
		break
	}
	if m.Status == lived && was == notCovered {
		m.Status = notCovered
	}
	log.Printf("%-11s %s:%d %s %s", m.Status, m.File, m.Line, m.Code, m.KilledBy)
	return nil
}

func (m *mutant) decide(output string) {
	switch {
	case strings.Contains(output, "[build failed]"):
		m.Status = notViable
	case strings.Contains(output, "panic: test timed out"):
		m.Status = timedOut
	default:
		m.Status = killed
		for _, f := range failed.FindAllStringSubmatch(output, 3) {
			m.KilledBy = strings.TrimSpace(m.KilledBy + " " + f[1])
		}
	}
}
