package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a configuration file. The YAML parser takes time that grows with
// the square of a mapping's length: 50,000 tokens, which 500 pools need, cost
// it 3 s at worst.
const (
	maxConfigBytes  = 1 << 20
	maxConfigTokens = 50_000
)

// document is a configuration as it was read: the values with the defaults
// filled in, where each stood, and what was wrong with the form of it.
type document struct {
	config   config
	file     string
	places   map[string]place // of what was given, by path
	kept     []kept           // secrets, in the order of the configuration
	problems problems
}

// parse reads YAML strictly: unknown keys and keys given twice are problems,
// as are anchors, aliases and tags, so that a small file cannot become a large
// configuration. The error is for a text that is no YAML at all; what else is
// wrong stands in the document.
func parse(file string, text []byte) (*document, error) {
	d := &document{file: file, places: map[string]place{"": {file, 1, 1}}}
	root := reflect.ValueOf(&d.config).Elem()
	setDefaults(root, "")
	body, err := d.body(text)
	if err != nil {
		return nil, problems{*err}
	}
	if body != nil {
		d.read(body, root, "")
	}
	return d, nil
}

// body returns the one document of the text, nil if it is empty.
func (d *document) body(text []byte) (ast.Node, *problem) {
	tokens := lexer.Tokenize(strings.TrimPrefix(string(text), "\ufeff")) // some editors begin files so
	if len(tokens) > maxConfigTokens {
		return nil, &problem{place: d.places[""], text: "the file is too long; split the pools over several servers"}
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, d.syntaxProblem(err)
	}
	if len(tree.Docs) > 1 {
		return nil, &problem{place: d.placeOfToken(tree.Docs[1].Start), text: "the file holds several YAML documents; remove all but one"}
	}
	if len(tree.Docs) == 0 {
		return nil, nil
	}
	return tree.Docs[0].Body, nil
}

// syntaxProblem tells where the YAML breaks without the parser's excerpt of the
// source, nor whatever its message quotes: either may hold a secret.
func (d *document) syntaxProblem(err error) *problem {
	p := &problem{place: d.places[""], text: "this is no YAML"}
	if e, ok := errors.AsType[yaml.Error](err); ok {
		message, _, _ := strings.Cut(e.GetMessage(), `"`)
		p.text = "this is no YAML: " + strings.TrimRight(message, ": ")
		p.place = d.placeOfToken(e.GetToken())
	}
	return p
}

// read fills v with what stands at node.
func (d *document) read(node ast.Node, v reflect.Value, path string) {
	if path != "" {
		d.places[path] = d.placeOf(node)
	}
	switch node.(type) {
	case *ast.NullNode:
		return // a key without a value is as good as absent
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		d.refuse(path, "anchors, aliases and tags are not understood here; write the value out")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.readMapping(node, v, path)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setDefaults(v.Elem(), path)
		d.readMapping(node, v.Elem(), path)
	case reflect.Slice:
		d.readSequence(node, v, path)
	default:
		d.readScalar(node, v, path)
	}
}

func (d *document) readMapping(node ast.Node, v reflect.Value, path string) {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		d.refuse(path, "must be a mapping; write `key: value` lines, indented, under it")
		return
	}
	fields := fieldsOf(v)
	for entries := mapping.MapRange(); entries.Next(); {
		key := entries.Key()
		name := scalarText(key)
		field, known := fields[name]
		at := d.placeOf(key)
		switch keyPath := join(path, name); {
		case !known:
			d.problems = append(d.problems, problem{at, path, unknownKey(name, v)})
		case d.given(keyPath):
			text := fmt.Sprintf("is given twice, first in line %d; remove one", d.places[keyPath].line)
			d.problems = append(d.problems, problem{at, keyPath, text})
		default:
			d.read(entries.Value(), field, keyPath)
		}
	}
}

func (d *document) readSequence(node ast.Node, v reflect.Value, path string) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		d.refuse(path, "must be a list; write [a, b], or `- ` before each element")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for i, element := range list.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if v.Type().Elem().Kind() == reflect.Struct {
			setDefaults(v.Index(i), at)
		}
		d.read(element, v.Index(i), at)
	}
}

func (d *document) readScalar(node ast.Node, v reflect.Value, path string) {
	if _, ok := node.(ast.ScalarNode); !ok {
		d.refuse(path, "must be a single value")
		return
	}
	if err := setText(v, scalarText(node)); err != nil {
		d.refuse(path, err.Error())
	}
}

// scalarText is a scalar as it was written: an id of digits stays as it is.
func scalarText(node ast.Node) string {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	default:
		return node.GetToken().Value
	}
}

// longestKey is more than any key has, and less than any secret may have: a
// longer one is not repeated in a message.
const longestKey = 23

func unknownKey(name string, v reflect.Value) string {
	what := "a key"
	if len(name) <= longestKey {
		what = fmt.Sprintf("key %q", name)
	}
	return fmt.Sprintf("%s is unknown; known here: %s", what, strings.Join(keysOf(v), ", "))
}

// refuse notes a problem with what stands at path, unless there is one already:
// what follows from the first would only confuse.
func (d *document) refuse(path, text string) {
	if !slices.ContainsFunc(d.problems, func(p problem) bool { return p.path == path && path != "" }) {
		d.problems = append(d.problems, problem{d.place(path), path, text})
	}
}

// place is where path was given, or, if it was not, what is around it.
func (d *document) place(path string) place {
	for {
		if at, ok := d.places[path]; ok {
			return at
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

func (d *document) given(path string) bool {
	_, ok := d.places[path]
	return ok
}

func (d *document) placeOf(node ast.Node) place {
	if mapping, ok := node.(ast.MapNode); ok {
		if entries := mapping.MapRange(); entries.Next() {
			node = entries.Key() // a mapping's own token is its first colon
		}
	}
	return d.placeOfToken(node.GetToken())
}

// placeOfToken is the beginning of the file where the parser has no place.
func (d *document) placeOfToken(t *token.Token) place {
	if t == nil || t.Position == nil {
		return d.places[""]
	}
	return place{d.file, t.Position.Line, t.Position.Column}
}
