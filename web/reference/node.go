package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// node is a value of a description, with its keys in the order of the file.
type node struct{ value any }

// documents has the descriptions by file name, for references between them.
type documents map[string]node

// load reads a description.
func (d documents) load(file string) error {
	text, err := os.ReadFile(file) // #nosec G304 G703 -- a file of the source, named by who builds it
	if err != nil {
		return err
	}
	var value any
	if err := yaml.UnmarshalWithOptions(text, &value, yaml.UseOrderedMap()); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	d[filepath.Base(file)] = node{value}
	return nil
}

// pair is a key with its value.
type pair struct {
	key   string
	value node
}

// pairs returns the keys and values of a mapping.
func (n node) pairs() []pair {
	items, _ := n.value.(yaml.MapSlice)
	all := make([]pair, len(items))
	for i, item := range items {
		all[i] = pair{fmt.Sprint(item.Key), node{item.Value}}
	}
	return all
}

// at returns the value below the keys; a zero node if there is none.
func (n node) at(keys ...string) node {
	for _, key := range keys {
		found := node{}
		for _, p := range n.pairs() {
			if p.key == key {
				found = p.value
			}
		}
		n = found
	}
	return n
}

// list returns the items of a sequence.
func (n node) list() []node {
	items, _ := n.value.([]any)
	all := make([]node, len(items))
	for i, item := range items {
		all[i] = node{item}
	}
	return all
}

// text returns a scalar as text; "" for a node that is absent.
func (n node) text() string {
	if n.value == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(n.value))
}

func (n node) exists() bool { return n.value != nil }

// follow returns what n refers to, in file or in another description, and the name of a schema.
// A node without $ref is returned as it is.
func (d documents) follow(file string, n node) (target node, name string, err error) {
	ref := n.at("$ref").text()
	if ref == "" {
		return n, "", nil
	}
	other, pointer, _ := strings.Cut(ref, "#/")
	if other != "" {
		file = filepath.Base(other)
	}
	target = d[file].at(strings.Split(pointer, "/")...)
	if !target.exists() {
		return node{}, "", fmt.Errorf("%s refers to %s, which does not exist", file, ref)
	}
	if schema, ok := strings.CutPrefix(pointer, "components/schemas/"); ok && !strings.Contains(schema, "/") {
		name = schema
	}
	if target.at("$ref").exists() {
		return d.follow(file, target)
	}
	return target, name, nil
}
