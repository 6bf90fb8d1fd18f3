package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
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
			at := "/paths/" + escapePointer(path) + "/" + strings.ToLower(method)
			if op.RequestBody != nil {
				places = append(places, restFile+"#"+at+"/requestBody"+jsonSchemaIn)
			}
			for status, response := range op.Responses.Map() {
				if response.Value.Content.Get("application/json") != nil {
					places = append(places, responseAt(at, status, response)+jsonSchemaIn)
				}
			}
		}
	}
	return places
}

// messages are those of asyncapi.yaml.
var messages = []string{"code", "status", "refresh"}

const jsonSchemaIn = "/content/application~1json/schema"

func escapePointer(part string) string {
	return strings.ReplaceAll(strings.ReplaceAll(part, "~", "~0"), "/", "~1")
}

// responseAt is where an operation's response is written, which may be among
// the components.
func responseAt(operation, status string, response *openapi3.ResponseRef) string {
	if response.Ref != "" {
		return restFile + response.Ref
	}
	return restFile + "#" + operation + "/responses/" + status
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

// TestEveryErrorIsDescribed compares x-errors with the table in problem.go.
func TestEveryErrorIsDescribed(t *testing.T) {
	file, err := parser.ParseFile(gotoken.NewFileSet(), "problem.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]bool) // whether it is described
	ast.Inspect(file, func(n ast.Node) bool {
		row, ok := n.(*ast.CompositeLit)
		for i := 0; ok && i+2 < len(row.Elts); i++ {
			code, isNumber := row.Elts[i].(*ast.BasicLit)
			status, isName := row.Elts[i+1].(*ast.SelectorExpr)
			message, isText := row.Elts[i+2].(*ast.BasicLit)
			if isNumber && isName && isText {
				rows[fmt.Sprintf("code %s, http.%s, %s", code.Value, status.Sel.Name, message.Value)] = false
			}
		}
		return true
	})
	if len(rows) < 20 {
		t.Fatalf("problem.go has its table no more in a form that is read here: %v", rows)
	}
	for _, e := range theReferee.described.errors {
		row := fmt.Sprintf("code %d, http.Status%s, %q", e.Code, strings.ReplaceAll(http.StatusText(e.Status), " ", ""), e.Message)
		if _, ok := rows[row]; !ok {
			t.Errorf("x-errors in web/openapi.yaml has a row that problem.go has not: %s", row)
		}
		rows[row] = true
	}
	for row, is := range rows {
		if !is {
			t.Errorf("problem.go has a row that web/openapi.yaml has not: %s. Add it to x-errors, and its code to the response of that status among components/responses", row)
		}
	}
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
