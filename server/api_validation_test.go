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

// A referee stands between the tests and the network, as the process's default
// transport, and holds every request and answer of a node against the
// description of the interface. What does not agree fails the node's test, and
// what is described and was never seen fails the run.
type referee struct {
	described *described
	next      http.RoundTripper

	mu    sync.RWMutex
	tests map[string]testing.TB // by the node's host:port
	seen  sync.Map              // of words as in expected
}

var theReferee = newReferee(http.DefaultTransport)

func newReferee(next http.RoundTripper) *referee {
	d, err := readDescriptions()
	if err != nil {
		panic(err)
	}
	return &referee{described: d, next: next, tests: make(map[string]testing.TB)}
}

// watch has t fail for what a node says, until t ends.
func (r *referee) watch(t testing.TB, address string) {
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

// CloseIdleConnections is for http.Client.
func (r *referee) CloseIdleConnections() { (&http.Client{Transport: r.next}).CloseIdleConnections() }

// RoundTrip implements http.RoundTripper.
func (r *referee) RoundTrip(req *http.Request) (*http.Response, error) {
	var asked []byte
	if req.Body != nil {
		var err error
		if asked, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(asked))
	}
	res, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	var said []byte
	if !isEndless(res) {
		said, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(said))
		if err != nil {
			return nil, err
		}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t := r.tests[req.URL.Host]; t != nil {
		for _, complaint := range r.judge(exchange{req, asked, res, said}) {
			t.Errorf("%s %s, answered with %d: %s\n(%.300s)", req.Method, req.URL.Path, res.StatusCode, complaint, said)
		}
	}
	return res, nil
}

// isEndless reports whether an answer is a conversation of its own.
func isEndless(res *http.Response) bool {
	return res.StatusCode == http.StatusSwitchingProtocols || res.Header.Get("Content-Type") == "text/event-stream"
}

// exchange is one request with its answer.
type exchange struct {
	req   *http.Request
	asked []byte
	res   *http.Response
	said  []byte
}

// judge returns what does not agree with the description.
func (r *referee) judge(x exchange) (complaints []string) {
	code, status := x.code(), x.res.StatusCode
	route, params := r.described.operation(x.req)
	if route == nil {
		if !strings.HasPrefix(x.req.URL.Path, "/api/") || x.req.Method == http.MethodOptions && status == http.StatusNoContent {
			return nil // of the pages' own, and between a browser and CORS
		}
		r.saw(status, code)
		return r.described.holds(restFile+"#/components/schemas/Error", x.said)
	}
	if isSDK(x.req) && status == http.StatusOK && code > 0 && code != http.StatusOK {
		if status = r.described.naturalStatus(code); status == 0 {
			return []string{fmt.Sprintf("add the code %d to x-errors in web/%s", code, restFile)}
		}
	}
	op := route.Operation
	at := operationAt(route)
	if op.Responses.Status(status) == nil {
		return []string{fmt.Sprintf("add %d to web/%s#%s/responses", status, restFile, at)}
	}
	r.seen.Store(op.OperationID+" "+strconv.Itoa(status), true)
	r.saw(status, code)

	if status < 400 {
		complaints = r.accepted(x, route, params)
	}
	response := op.Responses.Status(status)
	return append(complaints, r.said(x, response.Value, responseAt(at, strconv.Itoa(status), response))...)
}

// said complains of headers, type and body of an answer that are not described
// at a place.
func (r *referee) said(x exchange, response *openapi3.Response, place string) (complaints []string) {
	for name, header := range response.Headers {
		switch value := x.res.Header.Get(name); {
		case value == "" && header.Value.Required:
			complaints = append(complaints, "the header "+name+" is missing, which web/"+place+" requires")
		case value != "":
			for _, complaint := range r.described.holds(headerAt(place, name, header), asJSON(header.Value.Schema, value)) {
				complaints = append(complaints, "the header "+name+": "+complaint)
			}
		}
	}
	for name := range x.res.Header {
		described := slices.Contains(everywhere, name) || strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "Cross-Origin-")
		for known := range response.Headers {
			described = described || strings.EqualFold(known, name)
		}
		if !described {
			complaints = append(complaints, "the header "+name+" is not described: add it to web/"+place+"/headers")
		}
	}
	if isEndless(x.res) || len(x.said) == 0 {
		return complaints
	}
	kind, _, _ := strings.Cut(x.res.Header.Get("Content-Type"), ";")
	switch media := response.Content.Get(kind); {
	case media == nil:
		complaints = append(complaints, "the type "+kind+" is not described: add it to web/"+place+"/content")
	case media.Schema != nil:
		complaints = append(complaints, r.described.holds(place+jsonSchemaIn, x.said)...)
	}
	return complaints
}

// everywhere are headers of HTTP itself, and of what browsers make of answers.
var everywhere = []string{
	"Accept-Ranges", "Allow", "Cache-Control", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type", "Date",
	"Referrer-Policy", "Sec-Websocket-Accept", "Transfer-Encoding", "Upgrade", "Vary", "X-Content-Type-Options", "X-Frame-Options",
}

// accepted complains of a request that the server took, and the description
// does not.
func (r *referee) accepted(x exchange, route *routers.Route, inPath map[string]string) (complaints []string) {
	op, at := route.Operation, operationAt(route)
	for i, parameter := range op.Parameters {
		p := parameter.Value
		value := map[string]string{
			openapi3.ParameterInPath: inPath[p.Name], openapi3.ParameterInQuery: x.req.URL.Query().Get(p.Name), openapi3.ParameterInHeader: x.req.Header.Get(p.Name),
		}[p.In]
		switch {
		case value != "":
			for _, complaint := range r.described.holds(parameterAt(at, i, parameter), asJSON(p.Schema, value)) {
				complaints = append(complaints, p.Name+": "+complaint)
			}
		case p.Required:
			complaints = append(complaints, p.Name+" is missing")
		}
	}
	if op.RequestBody != nil && len(bytes.TrimSpace(x.asked)) > 0 {
		complaints = append(complaints, r.described.holds(restFile+"#"+at+"/requestBody"+jsonSchemaIn, x.asked)...)
	}
	for i := range complaints {
		complaints[i] = "the server takes what is described as wrong: " + complaints[i]
	}
	return complaints
}

// isSDK reports whether errors come as HTTP 200.
func isSDK(req *http.Request) bool {
	return req.Header.Get("X-Authing-Request-From") != "" || req.Header.Get("X-Authing-Sdk-Version") != ""
}

// code is the envelope's, 0 where there is none.
func (x exchange) code() int {
	var env struct{ Code int }
	_ = json.Unmarshal(x.said, &env)
	return env.Code
}

func (r *referee) saw(status, code int) {
	if status >= 400 {
		r.seen.Store(fmt.Sprintf("error %d as HTTP %d", code, status), true)
	}
}

// message holds what was read from a socket or an event stream against the
// description, and what a page says on a socket.
func (r *referee) message(t testing.TB, text []byte) {
	t.Helper()
	var m struct{ Event, Action string }
	_ = json.Unmarshal(text, &m)
	name := "status"
	switch {
	case m.Action != "":
		name = "refresh"
	case m.Event == "code":
		name = "code"
	}
	r.seen.Store("message "+name, true)
	for _, complaint := range r.described.holds(socketFile+"#/components/messages/"+name+"/payload", text) {
		t.Errorf("message %s: %s\n(%.300s)", name, complaint, text)
	}
}

// closing holds a close code against the description.
func (r *referee) closing(t testing.TB, code websocket.StatusCode) {
	t.Helper()
	r.seen.Store(fmt.Sprintf("close %d", code), true)
	if code > 0 && !slices.Contains(r.described.closes, int(code)) {
		t.Errorf("the close code %d is not described: add it to web/%s#/channels/socket/x-close-codes", code, socketFile)
	}
}

// expected is what a whole run has to see, in words.
func (r *referee) expected() (all []string) {
	for _, item := range r.described.rest.Paths.Map() {
		for _, op := range item.Operations() {
			for status := range op.Responses.Map() {
				if status != "500" { // no test can make a fault of ours on purpose
					all = append(all, op.OperationID+" "+status)
				}
			}
		}
	}
	for _, e := range r.described.errors {
		if e.Status != http.StatusInternalServerError {
			all = append(all, fmt.Sprintf("error %d as HTTP %d", e.Code, e.Status))
		}
	}
	for _, c := range r.described.closes {
		all = append(all, fmt.Sprintf("close %d", c))
	}
	for _, m := range messages {
		all = append(all, "message "+m)
	}
	slices.Sort(all)
	return all
}

// unseen is what is described and never came. It is for whole runs; of others it
// says nothing.
func (r *referee) unseen() (missing []string) {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.bench", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return nil
		}
	}
	for _, word := range r.expected() {
		if _, ok := r.seen.Load(word); !ok {
			missing = append(missing, word)
		}
	}
	return missing
}
