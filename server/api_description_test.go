package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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

// apiDescription is web/openapi.yaml and web/asyncapi.yaml, parsed and compiled.
type apiDescription struct {
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

// claimOfTests is the only additional claim of the test pools. Every other field of a user must
// be described.
const claimOfTests = "department"

func readDescriptions() (*apiDescription, error) {
	d := &apiDescription{schemas: make(map[string]*jsonschema.Schema)}
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

// compile compiles every schema that validates a body, header, parameter or message.
func (d *apiDescription) compile() error {
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
	for _, at := range d.schemaLocations() {
		s, err := c.Compile(at)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		d.schemas[at] = s
	}
	return nil
}

// readSchemas converts a description to JSON. A user may have the described fields and
// claimOfTests only, although the description allows any claim.
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

// schemaLocations returns the file and JSON pointer of each of these schemas.
func (d *apiDescription) schemaLocations() []string {
	locations := []string{restFile + "#/components/schemas/Error", restFile + "#/components/schemas/V3Error"}
	for _, message := range messages {
		locations = append(locations, socketFile+"#/components/messages/"+message+"/payload")
	}
	for path, item := range d.rest.Paths.Map() {
		for method, op := range item.Operations() {
			at := operationAt(&routers.Route{Path: path, Method: method})
			for i, parameter := range op.Parameters {
				locations = append(locations, parameterAt(at, i, parameter))
			}
			if op.RequestBody != nil {
				locations = append(locations, restFile+"#"+at+"/requestBody"+bodySchemaIn(op))
			}
			for status, response := range op.Responses.Map() {
				location := responseAt(at, status, response)
				if response.Value.Content.Get("application/json") != nil {
					locations = append(locations, location+jsonSchemaIn)
				}
				for name, header := range response.Value.Headers {
					locations = append(locations, headerAt(location, name, header))
				}
			}
		}
	}
	return locations
}

// messages are the messages of asyncapi.yaml.
var messages = []string{"code", "status", "refresh", "requestTypedCode", "typedCode", "error"}

// messageName returns the name under which a message is described.
func messageName(text []byte) string {
	var m struct{ Event, Action string }
	_ = json.Unmarshal(text, &m)
	switch {
	case m.Event == "code", m.Event == "error":
		return m.Event
	case m.Event == "typed-code":
		return "typedCode"
	case m.Action == "typed-code":
		return "requestTypedCode"
	case m.Action != "":
		return "refresh"
	}
	return "status"
}

const jsonSchemaIn = "/content/application~1json/schema"

// bodySchemaIn returns the schema of a request body, which is JSON or a form.
func bodySchemaIn(op *openapi3.Operation) string {
	if op.RequestBody.Value.Content.Get(formType) != nil {
		return "/content/application~1x-www-form-urlencoded/schema"
	}
	return jsonSchemaIn
}

const formType = "application/x-www-form-urlencoded"

// formAsJSON returns the parameters of a form as a JSON object.
func formAsJSON(body []byte) []byte {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return body
	}
	object := make(map[string]string)
	for name, list := range values {
		object[name] = list[0]
	}
	text, _ := json.Marshal(object) // never fails for strings
	return text
}

// operationAt returns the JSON pointer of an operation.
func operationAt(route *routers.Route) string {
	path := strings.ReplaceAll(strings.ReplaceAll(route.Path, "~", "~0"), "/", "~1")
	return "/paths/" + path + "/" + strings.ToLower(route.Method)
}

// parameterAt returns the location of the schema of a parameter.
func parameterAt(operation string, i int, parameter *openapi3.ParameterRef) string {
	if parameter.Ref != "" {
		return restFile + parameter.Ref + "/schema"
	}
	return fmt.Sprintf("%s#%s/parameters/%d/schema", restFile, operation, i)
}

// responseAt returns the location of a response: in the operation, or among the components.
func responseAt(operation, status string, response *openapi3.ResponseRef) string {
	if response.Ref != "" {
		return restFile + response.Ref
	}
	return restFile + "#" + operation + "/responses/" + status
}

// headerAt returns the location of the schema of a response header.
func headerAt(response, name string, header *openapi3.HeaderRef) string {
	if header.Ref != "" {
		return restFile + header.Ref + "/schema"
	}
	return response + "/headers/" + name + "/schema"
}

// asJSON returns the value of a header or a parameter as JSON.
func asJSON(schema *openapi3.SchemaRef, value string) []byte {
	if schema.Value.Type.Is(openapi3.TypeInteger) || schema.Value.Type.Is(openapi3.TypeNumber) {
		return []byte(value)
	}
	text, _ := json.Marshal(value) // never fails for a string
	return text
}

// originalStatus returns the HTTP status of an error that an SDK gets as 200; 0 if there is none.
func (d *apiDescription) originalStatus(code int) int {
	for _, row := range d.errors {
		if row.Code == code && row.Status < 500 {
			return row.Status
		}
	}
	return 0
}

// validate returns the violations of a schema by text, each with the location that would have
// to change.
func (d *apiDescription) validate(schema string, text []byte) (violations []string) {
	s := d.schemas[schema]
	if s == nil {
		return []string{"web/" + schema + " is not a schema"}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []string{"is not JSON: " + err.Error()}
	}
	var invalid *jsonschema.ValidationError
	if err := s.Validate(value); !errors.As(err, &invalid) {
		return nil
	}
	return describeViolations(invalid)
}

// describeViolations returns a message for each leaf of a validation error.
func describeViolations(v *jsonschema.ValidationError) (violations []string) {
	for _, cause := range v.Causes {
		violations = append(violations, describeViolations(cause)...)
	}
	if len(v.Causes) > 0 {
		return violations
	}
	_, file, _ := strings.Cut(v.SchemaURL, "/server/")
	location := "web/" + file
	at := "/" + strings.Join(v.InstanceLocation, "/")
	switch k := v.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		return []string{fmt.Sprintf("%s has %q, which is not described: add it to %s/properties, and to its `required` if it is always there",
			at, k.Properties, location)}
	case *kind.Enum:
		return []string{fmt.Sprintf("%s is %v, which %s/enum does not list: add it there", at, k.Got, location)}
	case *kind.Required:
		return []string{fmt.Sprintf("%s lacks %q, which %s requires: take it from `required` there if it may be absent", at, k.Missing, location)}
	}
	return []string{fmt.Sprintf("%s violates %s: %v", at, location, v)}
}

// operation returns the route of a request and its path parameters; nil if the API has none.
func (d *apiDescription) operation(req *http.Request) (*routers.Route, map[string]string) {
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

// TestTheDescriptionNamesBothBasePaths compares the servers of the description with the paths that
// the other tests call.
func TestTheDescriptionNamesBothBasePaths(t *testing.T) {
	var urls []string
	for _, s := range validator.api.rest.Servers {
		urls = append(urls, s.URL)
	}
	if want := []string{"/api/v2/qrcode", "/api/qrcode"}; !slices.Equal(urls, want) {
		t.Errorf("servers are %v, want %v", urls, want)
	}
}
