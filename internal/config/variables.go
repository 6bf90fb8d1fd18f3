package config

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
)

// variablePrefix begins the names of the variables of all settings.
const variablePrefix = "SCANLOGIN_"

// otherVariables are variables with the prefix that are not of settings: those of commands,
// of docker-compose.yml and the guides, which may be set in the same terminal, and those that
// Kubernetes and Docker set for a service of the name scanlogin.
var otherVariables = []string{
	"SCANLOGIN_CONFIG", "SCANLOGIN_TOKEN",
	"SCANLOGIN_POOL_SECRET", "SCANLOGIN_URL", "SCANLOGIN_INTERNAL_URL", "SCANLOGIN_POOL",
	"SCANLOGIN_SERVICE_HOST",
}

var otherPrefixes = []string{"SCANLOGIN_PORT", "SCANLOGIN_SERVICE_PORT", "SCANLOGIN_ENV_"}

// namedVariables returns the variables to which secrets in the configuration refer. It must
// precede resolveSecrets.
func (d *document) namedVariables() map[string]bool {
	named := make(map[string]bool)
	note := func(reference Secret) {
		if name, ok := strings.CutPrefix(string(reference), "env:"); ok {
			named[name] = true
		}
	}
	walk(reflect.ValueOf(&d.values).Elem(), "", func(_ string, leaf reflect.Value) {
		switch value := leaf.Interface().(type) {
		case Secret:
			note(value)
		case []Secret:
			for _, one := range value {
				note(one)
			}
		}
	})
	return named
}

// unknownVariables returns a warning for each variable that looks like one of a setting and
// is none, in the order of their names. named are used otherwise.
func unknownVariables(named map[string]bool) []Problem {
	var known []string
	for _, s := range settings {
		if _, variable := s.Flag(); variable != "" {
			known = append(known, variable)
		}
	}
	unknown := make(map[string]Problem)
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if value == "" || !strings.HasPrefix(name, variablePrefix) || named[name] || slices.Contains(known, name) || isOther(name) {
			continue
		}
		text := "is not the variable of a setting, and has no effect; "
		if near := nearest(name, known); near != "" {
			text += fmt.Sprintf("did you mean %s?", near)
		} else {
			text += "`scanlogin serve --help` lists them"
		}
		unknown[name] = Problem{Text: text, at: position{source: name}}
	}
	var warnings []Problem
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		warnings = append(warnings, unknown[name])
	}
	return warnings
}

func isOther(name string) bool {
	return slices.Contains(otherVariables, name) ||
		slices.ContainsFunc(otherPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// nearest returns the name that differs least from a mistyped one, "" if all differ in more
// than a third of its letters.
func nearest(name string, known []string) (found string) {
	name = strings.TrimPrefix(name, variablePrefix)
	least := len(name)/3 + 1
	for _, candidate := range known {
		if d := distance(name, strings.TrimPrefix(candidate, variablePrefix)); d < least {
			found, least = candidate, d
		}
	}
	return found
}

// distance returns the Levenshtein distance of two texts in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
