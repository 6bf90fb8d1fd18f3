package server_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// apiValidator is the default transport of the test process. It compares each request to a node,
// and its response, with the description of the API. A difference fails the node's test. A described
// item that no test produced fails the run.
type apiValidator struct {
	api  *apiDescription
	next http.RoundTripper

	mu    sync.RWMutex
	tests map[string]testing.TB // by the node's host:port
	seen  sync.Map              // of names as in expected
}

var validator = newValidator(http.DefaultTransport)

func newValidator(next http.RoundTripper) *apiValidator {
	d, err := readDescriptions()
	if err != nil {
		panic(err)
	}
	return &apiValidator{api: d, next: next, tests: make(map[string]testing.TB)}
}

// watch reports violations by the node at address to t, until t ends.
func (r *apiValidator) watch(t testing.TB, address string) {
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tests[at.Host] = t
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.tests, at.Host)
	})
}

// CloseIdleConnections implements the optional interface of http.Client.
func (r *apiValidator) CloseIdleConnections() {
	(&http.Client{Transport: r.next}).CloseIdleConnections()
}

// RoundTrip implements http.RoundTripper.
func (r *apiValidator) RoundTrip(req *http.Request) (*http.Response, error) {
	var requestBody []byte
	if req.Body != nil {
		var err error
		if requestBody, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(requestBody))
	}
	res, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	var responseBody []byte
	if !isStream(res) {
		responseBody, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(responseBody))
		if err != nil {
			return nil, err
		}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t := r.tests[req.URL.Host]; t != nil {
		for _, violation := range r.validate(exchange{req, requestBody, res, responseBody}) {
			t.Errorf("%s %s, answered with %d: %s\n(%.300s)", req.Method, req.URL.Path, res.StatusCode, violation, responseBody)
		}
	}
	return res, nil
}

// isStream reports whether a response is a WebSocket or an event stream.
func isStream(res *http.Response) bool {
	return res.StatusCode == http.StatusSwitchingProtocols || res.Header.Get("Content-Type") == "text/event-stream"
}

// exchange is a request and its response.
type exchange struct {
	req          *http.Request
	requestBody  []byte
	res          *http.Response
	responseBody []byte
}

// validate returns the differences between an exchange and the description.
func (r *apiValidator) validate(x exchange) (violations []string) {
	code, status := x.code(), x.res.StatusCode
	route, params := r.api.operation(x.req)
	if route == nil {
		if !strings.HasPrefix(x.req.URL.Path, "/api/") || x.req.Method == http.MethodOptions && status == http.StatusNoContent {
			return nil // pages and CORS preflights are not described
		}
		r.recordError(status, code)
		schema := "Error"
		if strings.HasPrefix(x.req.URL.Path, "/api/v3/") {
			schema = "V3Error"
		}
		return r.api.validate(restFile+"#/components/schemas/"+schema, x.responseBody)
	}
	if isSDK(x.req) && status == http.StatusOK && code > 0 && code != http.StatusOK {
		if status = r.api.originalStatus(code); status == 0 {
			return []string{fmt.Sprintf("add the code %d to x-errors in web/%s", code, restFile)}
		}
	}
	op := route.Operation
	at := operationAt(route)
	if op.Responses.Status(status) == nil {
		return []string{fmt.Sprintf("add %d to web/%s#%s/responses", status, restFile, at)}
	}
	r.seen.Store(op.OperationID+" "+strconv.Itoa(status), true)
	r.recordError(status, code)

	if status < 400 && !x.isV3Error() {
		violations = r.validateRequest(x, route, params)
	}
	response := op.Responses.Status(status)
	return append(violations, r.validateResponse(x, response.Value, responseAt(at, strconv.Itoa(status), response))...)
}

// validateResponse returns the differences between a response and its description at a location.
func (r *apiValidator) validateResponse(x exchange, response *openapi3.Response, location string) (violations []string) {
	for name, header := range response.Headers {
		switch value := x.res.Header.Get(name); {
		case value == "" && header.Value.Required:
			violations = append(violations, "the header "+name+" is missing, which web/"+location+" requires")
		case value != "":
			for _, violation := range r.api.validate(headerAt(location, name, header), asJSON(header.Value.Schema, value)) {
				violations = append(violations, "the header "+name+": "+violation)
			}
		}
	}
	for name := range x.res.Header {
		described := slices.Contains(undescribedHeaders, name) || strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "Cross-Origin-")
		for known := range response.Headers {
			described = described || strings.EqualFold(known, name)
		}
		if !described {
			violations = append(violations, "the header "+name+" is not described: add it to web/"+location+"/headers")
		}
	}
	if isStream(x.res) || len(x.responseBody) == 0 {
		return violations
	}
	kind, _, _ := strings.Cut(x.res.Header.Get("Content-Type"), ";")
	switch media := response.Content.Get(kind); {
	case media == nil:
		violations = append(violations, "the type "+kind+" is not described: add it to web/"+location+"/content")
	case media.Schema != nil:
		violations = append(violations, r.api.validate(location+jsonSchemaIn, x.responseBody)...)
	}
	return violations
}

// undescribedHeaders are headers of HTTP and of browser policies, which any response may have.
var undescribedHeaders = []string{
	"Accept-Ranges", "Allow", "Cache-Control", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type", "Date",
	"Referrer-Policy", "Sec-Websocket-Accept", "Transfer-Encoding", "Upgrade", "Vary", "X-Content-Type-Options", "X-Frame-Options",
}

// validateRequest returns the differences between a request that the server accepted and its
// description.
func (r *apiValidator) validateRequest(x exchange, route *routers.Route, inPath map[string]string) (violations []string) {
	op, at := route.Operation, operationAt(route)
	for i, parameter := range op.Parameters {
		p := parameter.Value
		value := map[string]string{
			openapi3.ParameterInPath: inPath[p.Name], openapi3.ParameterInQuery: x.req.URL.Query().Get(p.Name), openapi3.ParameterInHeader: x.req.Header.Get(p.Name),
		}[p.In]
		switch {
		case value != "":
			for _, violation := range r.api.validate(parameterAt(at, i, parameter), asJSON(p.Schema, value)) {
				violations = append(violations, p.Name+": "+violation)
			}
		case p.Required:
			violations = append(violations, p.Name+" is missing")
		}
	}
	if op.RequestBody != nil && len(bytes.TrimSpace(x.requestBody)) > 0 {
		body := x.requestBody
		if op.RequestBody.Value.Content.Get(formType) != nil {
			body = formAsJSON(body)
		}
		violations = append(violations, r.api.validate(restFile+"#"+at+"/requestBody"+bodySchemaIn(op), body)...)
	}
	for i := range violations {
		violations[i] = "the server accepted a request that the description forbids: " + violations[i]
	}
	return violations
}

// isSDK reports whether refusals are answered with HTTP 200.
func isSDK(req *http.Request) bool {
	return req.Header.Get("X-Authing-Request-From") != "" || req.Header.Get("X-Authing-Sdk-Version") != ""
}

// code returns the code of the envelope; 0 without one.
func (x exchange) code() int {
	var env struct{ Code int }
	_ = json.Unmarshal(x.responseBody, &env)
	return env.Code
}

// isV3Error reports whether a response is an error of the V3 interface, whose HTTP status is 200.
func (x exchange) isV3Error() bool {
	var env struct{ StatusCode int }
	return json.Unmarshal(x.responseBody, &env) == nil && env.StatusCode >= 400
}

func (r *apiValidator) recordError(status, code int) {
	if status >= 400 {
		r.seen.Store(fmt.Sprintf("error %d as HTTP %d", code, status), true)
	}
}

// message compares a message of a socket or an event stream, in either direction, with the
// description.
func (r *apiValidator) message(t testing.TB, text []byte) {
	t.Helper()
	name := messageName(text)
	r.seen.Store("message "+name, true)
	for _, violation := range r.api.validate(socketFile+"#/components/messages/"+name+"/payload", text) {
		t.Errorf("message %s: %s\n(%.300s)", name, violation, text)
	}
}

// closeCode compares a close code with the description.
func (r *apiValidator) closeCode(t testing.TB, code websocket.StatusCode) {
	t.Helper()
	r.seen.Store(fmt.Sprintf("close %d", code), true)
	if code > 0 && !slices.Contains(r.api.closes, int(code)) {
		t.Errorf("the close code %d is not described: add it to web/%s#/channels/socket/x-close-codes", code, socketFile)
	}
}

// expected returns the names of all described items that a whole run must produce.
func (r *apiValidator) expected() (all []string) {
	for _, item := range r.api.rest.Paths.Map() {
		for _, op := range item.Operations() {
			for status := range op.Responses.Map() {
				if status != "500" { // tests cannot cause internal errors
					all = append(all, op.OperationID+" "+status)
				}
			}
		}
	}
	for _, e := range r.api.errors {
		if e.Status != http.StatusInternalServerError {
			all = append(all, fmt.Sprintf("error %d as HTTP %d", e.Code, e.Status))
		}
	}
	for _, c := range r.api.closes {
		all = append(all, fmt.Sprintf("close %d", c))
	}
	for _, m := range messages {
		all = append(all, "message "+m)
	}
	slices.Sort(all)
	return all
}

// unseen returns the described items that no test produced; nothing unless all tests ran.
func (r *apiValidator) unseen() (missing []string) {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.bench", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return nil
		}
	}
	for _, name := range r.expected() {
		if _, ok := r.seen.Load(name); !ok {
			missing = append(missing, name)
		}
	}
	return missing
}
