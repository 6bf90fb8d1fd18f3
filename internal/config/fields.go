package main

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// fieldsOf returns the fields of a struct of the configuration by their keys.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value)
	for i, key := range keysOf(v) {
		fields[key] = v.Field(i)
	}
	return fields
}

// keysOf returns the keys of a struct of the configuration in their order.
func keysOf(v reflect.Value) []string {
	keys := make([]string, v.NumField())
	for i := range keys {
		keys[i] = v.Type().Field(i).Tag.Get("yaml")
	}
	return keys
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// walk visits each value of v that is not made of others, lists of text
// included, with its path. What is under an absent identity is not visited.
func walk(v reflect.Value, path string, visit func(path string, leaf reflect.Value)) {
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil():
	case v.Kind() == reflect.Pointer:
		walk(v.Elem(), path, visit)
	case v.Kind() == reflect.Struct:
		for i, key := range keysOf(v) {
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

// setDefaults gives each value under v the default of its row in the reference.
func setDefaults(v reflect.Value, path string) {
	walk(v, path, func(path string, leaf reflect.Value) {
		r, ok := lookup(path)
		if !ok || r.fallback == "" {
			return
		}
		if err := setText(leaf, r.fallback); err != nil {
			panic(fmt.Sprintf("default of %s: %v", path, err)) // only for a wrong table
		}
	})
}

// setText sets v to what text means for its type. Errors say what is wrong and
// the cure, and do not repeat the text.
func setText(v reflect.Value, text string) error {
	switch v.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("is no length of time; write a number with a unit, such as 90s, 5m or 1h")
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
	case []secretText:
		var list []secretText
		for _, part := range splitList(text) {
			list = append(list, secretText(part))
		}
		v.Set(reflect.ValueOf(list))
	default: // string, secretText
		v.SetString(text)
	}
	return nil
}

// textOf is what setText reads: the value as people write it.
func textOf(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		return short(value)
	case []string:
		return strings.Join(value, ", ")
	default:
		return fmt.Sprint(value)
	}
}

// splitList reads a list as flags and the environment give it: a,b,c.
func splitList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}
