package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Setting describes one key of the configuration. It is read from the tags in [Values].
type Setting struct {
	Path     string // such as log.level; elements of lists are []: pools[].id
	Label    string // name in the console; "" unless administrators may change it
	Type     string // address, boolean, duration, file, list, number, secret, secrets or text
	Default  string // value of an absent key, as it would be written
	Absent   string // if there is no such value: what absence means
	Required bool
	Reload   bool   // SIGHUP applies a change
	Help     string // in Markdown

	min, max string
	oneOf    []string
	check    string // name in checks
}

// Choices returns the allowed values of a setting that has only some; nil: it has others.
func (s Setting) Choices() []string { return slices.Clone(s.oneOf) }

// settings holds every setting, in the order of Values.
var settings = describe(reflect.TypeFor[Values](), "")

// Settings returns every setting, in the order of [Values].
func Settings() []Setting { return append([]Setting(nil), settings...) }

// describe returns the settings of a type at a path.
func describe(t reflect.Type, path string) (all []Setting) {
	for f := range structFields(t) {
		at, of := join(path, f.Tag.Get("key")), f.Type
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		switch {
		case of.Kind() == reflect.Struct:
			all = append(all, describe(of, at)...)
		case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
			all = append(all, describe(of.Elem(), at+"[]")...)
		default:
			all = append(all, newSetting(f, at))
		}
	}
	return all
}

func newSetting(f reflect.StructField, path string) Setting {
	tag := f.Tag.Get
	return Setting{
		Path: path, Label: tag("label"), Type: typeName(f), Default: tag("default"), Absent: markdown(tag("absent")),
		Required: tag("required") == "true", Reload: tag("reload") == "true", Help: markdown(tag("help")),
		min: tag("min"), max: tag("max"), oneOf: strings.Fields(tag("oneof")), check: tag("check"),
	}
}

func typeName(f reflect.StructField) string {
	if name := f.Tag.Get("type"); name != "" {
		return name
	}
	switch reflect.Zero(f.Type).Interface().(type) {
	case time.Duration:
		return "duration"
	case Secret:
		return "secret"
	case []Secret:
		return "secrets"
	case []string:
		return "list"
	case bool:
		return "boolean"
	case int:
		return "number"
	}
	return "text"
}

// markdown replaces the single quotes around code, because a struct tag cannot contain
// backticks.
func markdown(text string) string { return strings.ReplaceAll(text, "'", "`") }

// lookup returns the setting at a path, whatever its list indices are.
func lookup(path string) (Setting, bool) {
	path = withoutIndices(path)
	for _, s := range settings {
		if s.Path == path {
			return s, true
		}
	}
	return Setting{}, false
}

var index = regexp.MustCompile(`\[\d+\]`)

// withoutIndices turns pools[3].id into pools[].id.
func withoutIndices(path string) string { return index.ReplaceAllString(path, "[]") }

// Flag returns the name of the setting's flag, without dashes, and of its environment
// variable; "" for elements of lists, which have neither.
func (s Setting) Flag() (flag, variable string) {
	if strings.Contains(s.Path, "[]") {
		return "", ""
	}
	words := strings.NewReplacer(".", "_").Replace(s.Path)
	return strings.ReplaceAll(words, "_", "-"), "SCANLOGIN_" + strings.ToUpper(words)
}

// Summary returns the first sentence of the help and the allowed values, without markup.
func (s Setting) Summary() string {
	text, _, _ := strings.Cut(s.Help, ". ")
	text = strings.ReplaceAll(strings.TrimSuffix(text, "."), "`", "")
	if allowed := s.allowed(); allowed != "" && s.Type != "secret" && s.Type != "secrets" { // the help of a secret has its length
		text += ": " + allowed
	}
	return text + "."
}

// allowed says which values are allowed, in words; "" if the tags have no bounds.
func (s Setting) allowed() string {
	switch {
	case len(s.oneOf) > 0:
		return strings.Join(s.oneOf, " or ")
	case s.max != "":
		return s.min + " to " + s.max
	case s.min != "":
		return "at least " + s.min
	}
	return ""
}
