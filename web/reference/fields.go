package main

import (
	"html/template"
	"slices"
	"strings"
)

// field is a row of a table: a parameter, a header, or a property of an object.
type field struct {
	Name     string // with the names of the objects around it: browser.ip
	Where    string // of a parameter: query, header, path
	Type     string
	Schema   string // name of the object that the type is, for a link
	Required bool
	Text     template.HTML
}

// maxDepth limits nested objects; the descriptions have four levels at most.
const maxDepth = 6

// fields returns the properties of a schema, nested ones after their object. An object that has
// a name is a link instead.
func (d documents) fields(file string, schema node, prefix string, depth int) ([]field, error) {
	var all []field
	for _, part := range append(schema.at("allOf").list(), schema) {
		target, _, err := d.follow(file, part)
		if err != nil || depth > maxDepth {
			return nil, err
		}
		if target.at("properties").exists() {
			more, err := d.properties(file, target, prefix, depth)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
	}
	return all, nil
}

func (d documents) properties(file string, schema node, prefix string, depth int) ([]field, error) {
	required := texts(schema.at("required"))
	var all []field
	for _, p := range schema.at("properties").pairs() {
		target, name, err := d.follow(file, p.value)
		if err != nil {
			return nil, err
		}
		f := field{Name: prefix + p.key, Schema: name, Required: slices.Contains(required, p.key), Text: markdown(textOf(p.value, target))}
		if f.Type, err = d.typeOf(file, target); err != nil {
			return nil, err
		}
		all = append(all, f)
		if name != "" {
			continue
		}
		inner, suffix := target, "."
		if items := target.at("items"); items.exists() {
			inner, suffix = items, "[]."
		}
		if inner.at("$ref").exists() {
			continue
		}
		more, err := d.fields(file, inner, f.Name+suffix, depth+1)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// textOf returns the description of a value, or else of what it refers to. Values of an
// enumeration and a default follow.
func textOf(n, target node) string {
	text := n.at("description").text()
	if text == "" {
		text = target.at("description").text()
	}
	if values := texts(target.at("enum")); len(values) > 0 {
		text = strings.TrimSpace(text + " One of `" + strings.Join(values, "`, `") + "`.")
	}
	if value := target.at("default"); value.exists() {
		text = strings.TrimSpace(text + " Default `" + value.text() + "`.")
	}
	return strings.ReplaceAll(text, "``", "`\"\"`")
}

// typeOf returns a type in words: string, integer, array of string, "digits".
func (d documents) typeOf(file string, schema node) (string, error) {
	if c := schema.at("const"); c.exists() {
		return "`" + c.text() + "`", nil
	}
	kinds := texts(schema.at("type"))
	if len(kinds) == 0 && schema.at("type").exists() {
		kinds = []string{schema.at("type").text()}
	}
	if items := schema.at("items"); items.exists() {
		target, name, err := d.follow(file, items)
		if err != nil {
			return "", err
		}
		inner, err := d.typeOf(file, target)
		if name != "" {
			inner = name
		}
		return "array of " + inner, err
	}
	switch {
	case len(kinds) > 0:
		return strings.Join(kinds, " or "), nil
	case schema.at("enum").exists():
		return "one of a list", nil
	case schema.at("allOf").exists(), schema.at("properties").exists():
		return "object", nil
	}
	return "any", nil
}

// texts returns the items of a sequence as texts; of null "null".
func texts(n node) []string {
	var all []string
	for _, item := range n.list() {
		if item.value == nil {
			all = append(all, "null")
		} else {
			all = append(all, item.text())
		}
	}
	return all
}
