package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed page.html
var pageTemplate string

// page is what the template shows.
type page struct {
	Intro    template.HTML
	Groups   []group
	Errors   []row
	Channels []channel
	Objects  []object
}

// group has the operations of one tag.
type group struct {
	Name, Title string
	Text        template.HTML
	Operations  []operation
}

type operation struct {
	ID, Method, Path string
	Summary, Text    template.HTML
	Auth             []template.HTML
	Parameters, Body []field
	Responses        []response
	Samples          []sample
}

type response struct {
	Status string
	Text   template.HTML
	Types  string
	Schema string // of data
	Codes  []string
	Header []field
}

// row is a row of the error table, or a close code.
type row struct {
	Code, Status  string
	Message, When template.HTML
}

// channel is a channel of asyncapi.yaml.
type channel struct {
	ID, Title, Address string
	Text               template.HTML
	Messages           []object
	Closes             []row
}

// object is a schema or a message.
type object struct {
	Name, Type string
	Text       template.HTML
	Schema     string // the object that a message is
	Fields     []field
}

// build returns the page for both descriptions.
func build(openapi, asyncapi string) ([]byte, error) {
	d := make(documents)
	for _, file := range []string{openapi, asyncapi} {
		if err := d.load(file); err != nil {
			return nil, err
		}
	}
	rest, sockets := filepath.Base(openapi), filepath.Base(asyncapi)
	p := page{Intro: markdown(d[rest].at("info", "description").text())}
	for _, step := range []func() error{
		func() (err error) { p.Groups, err = d.groups(rest); return },
		func() (err error) { p.Channels, err = d.channels(sockets); return },
		func() (err error) { p.Objects, err = d.objects(rest); return },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	for _, e := range d[rest].at("x-errors").list() {
		p.Errors = append(p.Errors, row{e.at("code").text(), e.at("status").text(), markdown(e.at("message").text()), markdown(e.at("when").text())})
	}
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, p)
	return out.Bytes(), err
}

// groups returns the operations by their first tag, in the order of the tags.
func (d documents) groups(file string) ([]group, error) {
	var all []group
	for _, tag := range d[file].at("tags").list() {
		name := tag.at("name").text()
		all = append(all, group{Name: name, Title: strings.ToUpper(name[:1]) + name[1:], Text: markdown(tag.at("description").text())})
	}
	for _, path := range d[file].at("paths").pairs() {
		base := append(path.value.at("servers").list(), d[file].at("servers").list()...)[0].at("url").text()
		for _, method := range path.value.pairs() {
			if !slices.Contains([]string{"get", "post", "put", "delete"}, method.key) {
				continue
			}
			op, err := d.operation(file, strings.ToUpper(method.key), strings.TrimSuffix(base, "/")+path.key, method.value)
			if err != nil {
				return nil, err
			}
			tag := method.value.at("tags").list()[0].text()
			i := slices.IndexFunc(all, func(g group) bool { return g.Name == tag })
			if i < 0 {
				all = append(all, group{Name: tag, Title: tag})
				i = len(all) - 1
			}
			all[i].Operations = append(all[i].Operations, op)
		}
	}
	return all, nil
}

// objects returns the named schemas.
func (d documents) objects(file string) ([]object, error) {
	var all []object
	for _, schema := range d[file].at("components", "schemas").pairs() {
		fields, err := d.fields(file, schema.value, "", 0)
		if err != nil {
			return nil, err
		}
		kind, err := d.typeOf(file, schema.value)
		if err != nil {
			return nil, err
		}
		all = append(all, object{Name: schema.key, Type: kind, Text: markdown(textOf(schema.value, schema.value)), Fields: fields})
	}
	return all, nil
}
