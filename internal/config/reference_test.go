package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// keysOfType returns the paths of all values that a type of the configuration
// can hold, with [] for the elements of lists.
func keysOfType(typ reflect.Type, path string) []string {
	switch {
	case typ.Kind() == reflect.Pointer:
		return keysOfType(typ.Elem(), path)
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct:
		return keysOfType(typ.Elem(), path+"[]")
	case typ.Kind() != reflect.Struct:
		return []string{path}
	}
	var paths []string
	for i, key := range keysOf(reflect.Zero(typ)) {
		paths = append(paths, keysOfType(typ.Field(i).Type, join(path, key))...)
	}
	return paths
}

func TestTheReferenceNamesExactlyTheKeys(t *testing.T) {
	var rows []string
	for _, r := range reference {
		rows = append(rows, r.path)
	}
	want := keysOfType(reflect.TypeFor[config](), "")
	slices.Sort(rows)
	slices.Sort(want)
	if !slices.Equal(rows, want) {
		t.Errorf("rows:\n%s\nkeys:\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheReferenceSaysAllOfEachKey(t *testing.T) {
	for _, r := range reference {
		defaults := 0
		for _, given := range []bool{r.required, r.fallback != "", r.absent != ""} {
			if given {
				defaults++
			}
		}
		if defaults != 1 || r.kind == "" || r.about == "" || strings.ContainsAny(r.about, "|\n") {
			t.Errorf("%+v", r)
		}
	}
	code, out, _ := runCommand(t, "check-config", "--reference")
	if lines := strings.Count(out, "\n"); code != exitOK || lines != len(reference)+2 {
		t.Errorf("code %d, %d lines", code, lines)
	}
}

func TestEachScalarHasItsFlagAndVariable(t *testing.T) {
	parser := kong.Must(new(commands))
	flags := map[string]*kong.Flag{}
	for _, command := range parser.Model.Children {
		if command.Name == "serve" {
			for _, flag := range command.Flags {
				flags[flag.Tag.Get("yaml")] = flag
			}
		}
	}
	for _, r := range reference {
		if strings.Contains(r.path, "[]") {
			continue
		}
		words := strings.NewReplacer(".", "_").Replace(r.path)
		name, variable := strings.ReplaceAll(words, "_", "-"), "SCANLOGIN_"+strings.ToUpper(words)
		if flag := flags[r.path]; flag == nil || flag.Name != name || fmt.Sprint(flag.Envs) != "["+variable+"]" {
			t.Errorf("%s: want --%s and %s", r.path, name, variable)
		}
	}
}
