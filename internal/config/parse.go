package config

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

// Limits of a configuration file. The time of the YAML parser grows with the square of
// the length of a mapping: 50,000 tokens, enough for 500 pools, take up to 3 s.
const (
	maxConfigBytes  = 1 << 20
	maxConfigTokens = 50_000
)

// document is a configuration while it is read: the values with their defaults, the
// position of each, and what is wrong with them.
type document struct {
	values    Values
	file      string
	positions map[string]position // of the values that were given, by path
	sources   []secretSource      // of secrets, in the order of the configuration
	problems  Problems
}

// parse reads YAML strictly: unknown and duplicate keys are problems, as are anchors,
// aliases and tags, so that a small file cannot become a large configuration. It returns
// an error only if text is not YAML; other problems are in the document.
func parse(file string, text []byte) (*document, error) {
	d := &document{file: file, positions: map[string]position{"": {file, 1, 1}}}
	root := reflect.ValueOf(&d.values).Elem()
	setDefaults(root, "")
	body, err := d.body(text)
	if err != nil {
		return nil, Problems{*err}
	}
	if body != nil {
		d.read(body, root, "")
	}
	return d, nil
}

// body returns the only YAML document in text, nil if it is empty.
func (d *document) body(text []byte) (ast.Node, *Problem) {
	tokens := lexer.Tokenize(strings.TrimPrefix(string(text), "\ufeff")) // a byte order mark, as some Windows editors write it
	if len(tokens) > maxConfigTokens {
		return nil, &Problem{at: d.positions[""], Text: "the file is too long; distribute the pools over several servers"}
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, d.syntaxProblem(err)
	}
	if len(tree.Docs) > 1 {
		return nil, &Problem{at: d.positionOfToken(tree.Docs[1].Start), Text: "the file contains several YAML documents; remove all but one"}
	}
	if len(tree.Docs) == 0 {
		return nil, nil
	}
	return tree.Docs[0].Body, nil
}

// syntaxProblem returns the position of a syntax error, without the source and the
// quotes in the message of the parser: either may contain a secret.
func (d *document) syntaxProblem(err error) *Problem {
	p := &Problem{at: d.positions[""], Text: "invalid YAML"}
	if e, ok := errors.AsType[yaml.Error](err); ok {
		message, _, _ := strings.Cut(e.GetMessage(), `"`)
		p.Text = "invalid YAML: " + strings.TrimRight(message, ": ")
		p.at = d.positionOfToken(e.GetToken())
	}
	return p
}

// read parses node into v.
func (d *document) read(node ast.Node, v reflect.Value, path string) {
	if path != "" {
		d.positions[path] = d.positionOf(node)
	}
	switch node.(type) {
	case *ast.NullNode:
		if s, ok := lookup(path); ok && s.check == "color" {
			d.refuse(path, "has no value: # begins a comment in YAML; write the color in quotes, such as \"#0b6e4f\"")
		}
		return // a key without a value counts as absent
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		d.refuse(path, "anchors, aliases and tags are not supported; write the value itself")
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
		at := d.positionOf(key)
		switch keyPath := join(path, name); {
		case !known:
			d.problems = append(d.problems, Problem{path, unknownKey(name, v.Type()), at})
		case d.given(keyPath):
			text := fmt.Sprintf("is given twice, first in line %d; remove one", d.positions[keyPath].line)
			d.problems = append(d.problems, Problem{keyPath, text, at})
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
		d.refuse(path, "must be a single value; text with a colon needs quotes inside [ ]")
		return
	}
	if err := setText(v, scalarText(node)); err != nil {
		d.refuse(path, err.Error())
	}
}

// scalarText returns a scalar as it is written, so that an id of digits stays text.
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

// MaxKeyLength is longer than every key and shorter than every secret: a longer text is
// not repeated in a message.
const MaxKeyLength = 23

func unknownKey(name string, t reflect.Type) string {
	what := "a key"
	if len(name) <= MaxKeyLength {
		what = fmt.Sprintf("key %q", name)
	}
	return fmt.Sprintf("%s is unknown; known here: %s", what, strings.Join(keysOf(t), ", "))
}

// refuse records a problem with the value at path. Only the first problem of a value is
// kept: the others usually follow from it.
func (d *document) refuse(path, text string) {
	if !slices.ContainsFunc(d.problems, func(p Problem) bool { return p.Path == path && path != "" }) {
		d.problems = append(d.problems, Problem{path, text, d.position(path)})
	}
}

// position returns where path was given or, if it was not, where its parent was.
func (d *document) position(path string) position {
	for path != "" {
		if at, ok := d.positions[path]; ok {
			return at
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return d.positions[""]
}

func (d *document) given(path string) bool {
	_, ok := d.positions[path]
	return ok
}

func (d *document) positionOf(node ast.Node) position {
	if mapping, ok := node.(ast.MapNode); ok {
		if entries := mapping.MapRange(); entries.Next() {
			node = entries.Key() // the token of a mapping is its first colon
		}
	}
	return d.positionOfToken(node.GetToken())
}

// positionOfToken returns the start of the file if the parser knows no position.
func (d *document) positionOfToken(t *token.Token) position {
	if t == nil || t.Position == nil {
		return d.positions[""]
	}
	return position{d.file, t.Position.Line, t.Position.Column}
}
