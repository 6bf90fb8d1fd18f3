package web

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// ordered is a YAML mapping that keeps the order of its keys.
type ordered[T any] []named[T]

type named[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML implements yaml.InterfaceUnmarshaler.
func (o *ordered[T]) UnmarshalYAML(decode func(any) error) error {
	var order yaml.MapSlice
	if err := decode(&order); err != nil {
		return err
	}
	var values map[string]T
	if err := decode(&values); err != nil {
		return err
	}
	for _, item := range order {
		name := fmt.Sprint(item.Key)
		*o = append(*o, named[T]{name, values[name]})
	}
	return nil
}

func (o ordered[T]) get(name string) (value T) {
	for _, item := range o {
		if item.Name == name {
			return item.Value
		}
	}
	return value
}

// restDescription is the part of openapi.yaml that the page shows.
type restDescription struct {
	Info struct {
		Title, Version, Summary, Description string
	}
	Servers    []serverDescription
	Tags       []struct{ Name, Description string }
	Paths      ordered[pathItem]
	Components struct {
		SecuritySchemes ordered[securityScheme] `yaml:"securitySchemes"`
		Parameters      ordered[parameter]
		Responses       ordered[response]
		Schemas         ordered[schema]
	}
	Errors []errorRow `yaml:"x-errors"`
}

type serverDescription struct{ URL, Description string }

type pathItem struct {
	Servers   []serverDescription
	Get, Post *operation
}

type operation struct {
	ID                   string `yaml:"operationId"`
	Tags                 []string
	Summary, Description string
	Security             []map[string][]string
	Parameters           []parameter
	RequestBody          struct{ Content ordered[media] } `yaml:"requestBody"`
	Responses            ordered[response]
}

type securityScheme struct{ Type, In, Name, Scheme, Description string }

type parameter struct {
	Ref                   string `yaml:"$ref"`
	Name, In, Description string
	Required              bool
	Schema                schema
}

type response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Content     ordered[media]
}

type media struct{ Schema schema }

type errorRow struct {
	Code, Status  int
	Message, When string
}

// schema is the part of JSON Schema that the descriptions use.
type schema struct {
	Ref         string `yaml:"$ref"`
	Type        any    // a name, or a list of them
	Description string
	Const       any
	Enum        []any
	Properties  ordered[schema]
	Required    []string
	AllOf       []schema `yaml:"allOf"`
	Items       *schema
	Pattern     string
	Minimum     *float64
	Maximum     *float64
	MaxLength   int `yaml:"maxLength"`
	Default     any
}

// socketDescription is the part of asyncapi.yaml that the page shows.
type socketDescription struct {
	Info       struct{ Description string }
	Channels   ordered[channel]
	Operations ordered[struct {
		Action   string
		Messages []struct {
			Ref string `yaml:"$ref"`
		}
	}]
	Components struct{ Messages ordered[message] }
}

type channel struct {
	Address, Title, Description string
	Messages                    ordered[struct{}]
	Closes                      []struct {
		Code     int
		When, Do string
	} `yaml:"x-close-codes"`
}

type message struct {
	Summary, Description string
	Payload              schema
}

// describe parses an embedded description. The tests parse both.
func describe(name string, into any) {
	if err := yaml.Unmarshal(read(name), into); err != nil {
		panic(fmt.Errorf("%s: %w", name, err))
	}
}

// lastOf returns the last part of a reference, which is the name of a component.
func lastOf(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }
