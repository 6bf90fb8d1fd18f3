package config

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// structFields yields the fields of a struct type in their order.
func structFields(t reflect.Type) iter.Seq[reflect.StructField] {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// fieldsOf returns the fields of a struct of the configuration by their keys.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value)
	for i, key := range keysOf(v.Type()) {
		fields[key] = v.Field(i)
	}
	return fields
}

// keysOf returns the keys of a struct of the configuration in their order.
func keysOf(t reflect.Type) (keys []string) {
	for f := range structFields(t) {
		keys = append(keys, f.Tag.Get("key"))
	}
	return keys
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// walk calls visit with the path of each value in v that is not a struct; a list of text
// is one value. Absent optional structs are skipped.
func walk(v reflect.Value, path string, visit func(path string, leaf reflect.Value)) {
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil():
	case v.Kind() == reflect.Pointer:
		walk(v.Elem(), path, visit)
	case v.Kind() == reflect.Struct:
		for i, key := range keysOf(v.Type()) {
			walk(v.Field(i), join(path, key), visit)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	default:
		visit(path, v)
	}
}

// setDefaults sets each value in v to its default.
func setDefaults(v reflect.Value, path string) {
	walk(v, path, func(path string, leaf reflect.Value) {
		s, ok := lookup(path)
		if !ok || s.Default == "" {
			return
		}
		if err := setText(leaf, s.Default); err != nil {
			panic(fmt.Sprintf("default of %s: %v", path, err)) // only for a wrong tag
		}
	})
}

// setText parses text into v. Errors say what is wrong and the cure, and do not repeat
// the text.
func setText(v reflect.Value, text string) error {
	switch v.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("invalid duration; write a number with a unit, such as 90s, 5m or 1h")
		}
		v.SetInt(int64(d))
	case bool:
		if text != "true" && text != "false" {
			return errors.New("must be true or false")
		}
		v.SetBool(text == "true")
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("must be a whole number")
		}
		v.SetInt(int64(n))
	case []string:
		v.Set(reflect.ValueOf(splitList(text)))
	case []Secret:
		var list []Secret
		for _, part := range splitList(text) {
			list = append(list, Secret(part))
		}
		v.Set(reflect.ValueOf(list))
	default: // string, Secret
		v.SetString(text)
	}
	return nil
}

// textOf returns a value as setText reads it.
func textOf(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		return shortDuration(value)
	case []string:
		return strings.Join(value, ", ")
	default:
		return fmt.Sprint(value)
	}
}

// shortDuration writes 10m, not 10m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// splitList splits a list as flags and the environment give it: a,b,c.
func splitList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}
