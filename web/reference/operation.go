package main

import (
	"html/template"
	"slices"
	"strings"
)

func (d documents) operation(file, method, path string, n node) (operation, error) {
	op := operation{ID: n.at("operationId").text(), Method: method, Path: path, Summary: markdown(n.at("summary").text()), Text: markdown(n.at("description").text())}
	request := request{method: method, path: path, operation: op.ID}
	for _, p := range n.at("parameters").list() {
		target, _, err := d.follow(file, p)
		if err != nil {
			return op, err
		}
		f, err := d.parameter(file, target)
		if err != nil {
			return op, err
		}
		op.Parameters = append(op.Parameters, f)
		if f.Required && f.Where == "query" {
			request.query = append(request.query, f.Name)
		}
	}
	for _, content := range n.at("requestBody", "content").pairs() {
		schema, _, err := d.follow(file, content.value.at("schema"))
		if err != nil {
			return op, err
		}
		if op.Body, err = d.fields(file, schema, "", 0); err != nil {
			return op, err
		}
		request.contentType, request.body = content.key, exampleOf(content.value, schema)
	}
	var err error
	if op.Responses, err = d.responses(file, n.at("responses")); err != nil {
		return op, err
	}
	op.Auth, request.auth = d.authentication(file, n)
	request.isSocket = n.at("responses", "101").exists()
	request.isStream = n.at("responses", "200", "content", "text/event-stream").exists()
	op.Samples, err = request.samples()
	return op, err
}

func (d documents) parameter(file string, n node) (field, error) {
	schema, name, err := d.follow(file, n.at("schema"))
	if err != nil {
		return field{}, err
	}
	kind, err := d.typeOf(file, schema)
	return field{Name: n.at("name").text(), Where: n.at("in").text(), Type: kind, Schema: name, Required: n.at("required").text() == "true", Text: markdown(textOf(n, schema))}, err
}

// authentication names the ways to authenticate, and returns the one of the samples: what the
// operation lists first.
func (d documents) authentication(file string, n node) (titles []template.HTML, first string) {
	for i, way := range n.at("security").list() {
		for _, scheme := range way.pairs() {
			if i == 0 {
				first = scheme.key
			}
			s := d[file].at("components", "securitySchemes", scheme.key)
			switch {
			case s.at("scheme").text() == "basic":
				titles = append(titles, "HTTP Basic: "+markdown(s.at("description").text()))
			case s.at("scheme").text() == "bearer":
				titles = append(titles, "Bearer token: "+markdown(s.at("description").text()))
			default:
				titles = append(titles, markdown(s.at("in").text()+" `"+s.at("name").text()+"`: "+s.at("description").text()))
			}
		}
		if len(way.pairs()) == 0 {
			titles = append(titles, "none")
		}
	}
	return titles, first
}

func (d documents) responses(file string, n node) ([]response, error) {
	var all []response
	for _, p := range n.pairs() {
		target, _, err := d.follow(file, p.value)
		if err != nil {
			return nil, err
		}
		r := response{Status: p.key, Text: markdown(target.at("description").text())}
		var types []string
		for _, content := range target.at("content").pairs() {
			types = append(types, content.key)
			if err := d.describeBody(file, content.value.at("schema"), &r); err != nil {
				return nil, err
			}
		}
		r.Types = strings.Join(types, " or ")
		for _, h := range target.at("headers").pairs() {
			header, _, err := d.follow(file, h.value)
			if err != nil {
				return nil, err
			}
			if h.key != "X-Request-Id" { // every response has it
				r.Header = append(r.Header, field{Name: h.key, Text: markdown(header.at("description").text())})
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// describeBody notes the object that a body or its data is, and the error codes.
func (d documents) describeBody(file string, schema node, r *response) error {
	for _, part := range append(schema.at("allOf").list(), schema) {
		target, name, err := d.follow(file, part)
		if err != nil {
			return err
		}
		if name != "" && name != "Success" && name != "Error" {
			r.Schema = name
		}
		for _, at := range append([]node{target.at("properties", "data")}, target.at("properties", "data", "allOf").list()...) {
			if _, name, err = d.follow(file, at); err != nil {
				return err
			} else if name != "" {
				r.Schema = name
			}
		}
		codes := append(texts(target.at("properties", "code", "enum")), target.at("properties", "code", "const").text())
		r.Codes = append(r.Codes, slices.DeleteFunc(codes, func(c string) bool { return c == "" || c == "200" })...)
	}
	return nil
}
