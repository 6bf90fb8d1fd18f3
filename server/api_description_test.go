package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// described is what web/openapi.yaml and web/asyncapi.yaml say, to be asked.
type described struct {
	rest    *openapi3.T
	routes  routers.Router
	errors  []describedError
	closes  []int                         // close codes of sockets
	schemas map[string]*jsonschema.Schema // by file and pointer; kin-openapi would compile them at each use
}

// describedError is a row of x-errors.
type describedError struct {
	Code, Status  int
	Message, When string
}

const (
	restFile   = "openapi.yaml"
	socketFile = "asyncapi.yaml"
)

// claimOfTests is the one further claim that the tests' pools list: beside it,
// a user has what is described and nothing else.
const claimOfTests = "department"

func readDescriptions() (*described, error) {
	d := &described{schemas: make(map[string]*jsonschema.Schema)}
	loader := openapi3.NewLoader()
	var err error
	if d.rest, err = loader.LoadFromFile(filepath.Join("../web", restFile)); err != nil {
		return nil, err
	}
	if err = d.rest.Validate(loader.Context); err != nil {
		return nil, err
	}
	if d.routes, err = gorillamux.NewRouter(d.rest); err != nil {
		return nil, err
	}
	var rest struct {
		Errors []describedError `yaml:"x-errors"`
	}
	var sockets struct {
		Channels struct {
			Socket struct {
				Closes []struct{ Code int } `yaml:"x-close-codes"`
			}
		}
	}
	if err = errors.Join(readYAML(restFile, &rest), readYAML(socketFile, &sockets)); err != nil {
		return nil, err
	}
	d.errors = rest.Errors
	for _, c := range sockets.Channels.Socket.Closes {
		d.closes = append(d.closes, c.Code)
	}
	return d, d.compile()
}

func readYAML(name string, into any) error {
	text, err := os.ReadFile(filepath.Join("../web", name))
	if err != nil {
		return err
	}
	return yaml.Unmarshal(text, into)
}

// compile compiles every schema that a body or a message is held against.
func (d *described) compile() error {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range []string{restFile, socketFile} {
		doc, err := readSchemas(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := c.AddResource(name, doc); err != nil {
			return err
		}
	}
	for _, at := range d.places() {
		s, err := c.Compile(at)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		d.schemas[at] = s
	}
	return nil
}

// readSchemas reads a description as the JSON that it means. What a user may
// have beside the described fields is made as strict as the tests can be.
func readSchemas(name string) (any, error) {
	text, err := os.ReadFile(filepath.Join("../web", name))
	if err != nil {
		return nil, err
	}
	if text, err = yaml.YAMLToJSON(text); err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil || name != restFile {
		return doc, err
	}
	user := doc.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)["User"].(map[string]any)
	user["additionalProperties"] = false
	user["properties"].(map[string]any)[claimOfTests] = true
	return doc, nil
}

// places is where those schemas are, by file and pointer.
func (d *described) places() []string {
	places := []string{restFile + "#/components/schemas/Error"}
	for _, message := range messages {
		places = append(places, socketFile+"#/components/messages/"+message+"/payload")
	}
	for path, item := range d.rest.Paths.Map() {
		for method, op := range item.Operations() {
			at := operationAt(&routers.Route{Path: path, Method: method})
			for i, parameter := range op.Parameters {
				places = append(places, parameterAt(at, i, parameter))
			}
			if op.RequestBody != nil {
				places = append(places, restFile+"#"+at+"/requestBody"+jsonSchemaIn)
			}
			for status, response := range op.Responses.Map() {
				place := responseAt(at, status, response)
				if response.Value.Content.Get("application/json") != nil {
					places = append(places, place+jsonSchemaIn)
				}
				for name, header := range response.Value.Headers {
					places = append(places, headerAt(place, name, header))
				}
			}
		}
	}
	return places
}

// messages are those of asyncapi.yaml.
var messages = []string{"code", "status", "refresh"}

const jsonSchemaIn = "/content/application~1json/schema"

// operationAt is where an operation is written, as a JSON pointer.
func operationAt(route *routers.Route) string {
	path := strings.ReplaceAll(strings.ReplaceAll(route.Path, "~", "~0"), "/", "~1")
	return "/paths/" + path + "/" + strings.ToLower(route.Method)
}

// parameterAt is where the schema of an operation's parameter is written.
func parameterAt(operation string, i int, parameter *openapi3.ParameterRef) string {
	if parameter.Ref != "" {
		return restFile + parameter.Ref + "/schema"
	}
	return fmt.Sprintf("%s#%s/parameters/%d/schema", restFile, operation, i)
}

// responseAt is where an operation's response is written, which may be among
// the components.
func responseAt(operation, status string, response *openapi3.ResponseRef) string {
	if response.Ref != "" {
		return restFile + response.Ref
	}
	return restFile + "#" + operation + "/responses/" + status
}

// headerAt is where the schema of a response's header is written.
func headerAt(response, name string, header *openapi3.HeaderRef) string {
	if header.Ref != "" {
		return restFile + header.Ref + "/schema"
	}
	return response + "/headers/" + name + "/schema"
}

// asJSON is the value of a header or a parameter as JSON.
func asJSON(schema *openapi3.SchemaRef, value string) []byte {
	if schema.Value.Type.Is(openapi3.TypeInteger) || schema.Value.Type.Is(openapi3.TypeNumber) {
		return []byte(value)
	}
	text, _ := json.Marshal(value) // of a string, never fails
	return text
}

// naturalStatus is the HTTP status of an error that an SDK was told as 200.
func (d *described) naturalStatus(code int) int {
	for _, row := range d.errors {
		if row.Code == code && row.Status < 500 {
			return row.Status
		}
	}
	return 0
}

// holds returns what text has that the schema does not allow, each with the
// place that would have to change.
func (d *described) holds(schema string, text []byte) (complaints []string) {
	s := d.schemas[schema]
	if s == nil {
		return []string{"web/" + schema + " is no schema"}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []string{"is no JSON: " + err.Error()}
	}
	var invalid *jsonschema.ValidationError
	if err := s.Validate(value); !errors.As(err, &invalid) {
		return nil
	}
	return leaves(invalid)
}

// leaves puts what was found at the end of each branch into words.
func leaves(v *jsonschema.ValidationError) (complaints []string) {
	for _, cause := range v.Causes {
		complaints = append(complaints, leaves(cause)...)
	}
	if len(v.Causes) > 0 {
		return complaints
	}
	_, file, _ := strings.Cut(v.SchemaURL, "/server/")
	place := "web/" + file
	at := "/" + strings.Join(v.InstanceLocation, "/")
	switch k := v.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		return []string{fmt.Sprintf("%s has %q, which is not described: add it to %s/properties, and to its `required` if it is always there",
			at, k.Properties, place)}
	case *kind.Enum:
		return []string{fmt.Sprintf("%s is %v, which %s/enum does not list: add it there", at, k.Got, place)}
	case *kind.Required:
		return []string{fmt.Sprintf("%s lacks %q, which %s requires: take it from `required` there if it may be absent", at, k.Missing, place)}
	}
	return []string{fmt.Sprintf("%s is not what %s says: %v", at, place, v)}
}

// operation is where a request leads, nil if it is none of the interface.
func (d *described) operation(req *http.Request) (*routers.Route, map[string]string) {
	if req.Method == http.MethodHead { // as GET, without the body
		req = req.Clone(req.Context())
		req.Method = http.MethodGet
	}
	route, params, err := d.routes.FindRoute(req)
	if err != nil {
		return nil, nil
	}
	return route, params
}

// TestBothPathsAreDescribed holds the description's servers against where the
// other tests call.
func TestBothPathsAreDescribed(t *testing.T) {
	var urls []string
	for _, s := range theReferee.described.rest.Servers {
		urls = append(urls, s.URL)
	}
	if want := []string{"/api/v2/qrcode", "/api/qrcode"}; !slices.Equal(urls, want) {
		t.Errorf("servers are %v, want %v", urls, want)
	}
}
