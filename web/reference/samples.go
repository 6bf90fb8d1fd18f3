package main

import (
	"encoding/json"
	"fmt"
	"go/format"
	"regexp"
	"strings"
)

// server is where the samples send their requests.
const server = "https://scan.example.com"

// sample is a request in a language.
type sample struct{ Lang, Text string }

// request is what the samples of an operation send.
type request struct {
	method, path, operation string
	query                   []string // names of required parameters
	auth                    string   // name of a security scheme; "": none
	contentType             string   // of the body; "": none
	body                    string   // JSON; of a form too
	isSocket, isStream      bool
}

// examples has the values of parameters in samples; others are their name.
var examples = map[string]string{"random": strings.Repeat("R4nd0m", 5), "pool": "shop"}

var inBraces = regexp.MustCompile(`\{(\w+)\}`)

func example(name string) string {
	if value, ok := examples[name]; ok {
		return value
	}
	return strings.ToUpper(name)
}

// address returns the complete address of the request.
func (r request) address() string {
	path := inBraces.ReplaceAllStringFunc(r.path, func(name string) string { return example(strings.Trim(name, "{}")) })
	for i, name := range r.query {
		path += map[bool]string{true: "?", false: "&"}[i == 0] + name + "=" + example(name)
	}
	if r.isSocket {
		return strings.Replace(server, "http", "ws", 1) + path + "?userPoolId=shop"
	}
	return server + path
}

// header returns the headers of the request, as name and value.
func (r request) header() [][2]string {
	var all [][2]string
	switch r.auth {
	case "userToken":
		all = append(all, [2]string{"Authorization", "Bearer TOKEN"})
	case "browserKey":
		all = append(all, [2]string{"X-Browser-Key", "KEY"})
	}
	if r.contentType != "" {
		all = append(all, [2]string{"Content-Type", r.contentType})
	}
	return all
}

// samples returns the request for curl, in JavaScript and in Go.
func (r request) samples() ([]sample, error) {
	if r.isSocket {
		return []sample{{"JavaScript", fmt.Sprintf(`const socket = new WebSocket('%s', ['scanlogin.v1']);
socket.onmessage = ({ data }) => console.log(JSON.parse(data));`, r.address())}}, nil
	}
	inGo, err := r.inGo()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.operation, err)
	}
	return []sample{{"curl", r.inCurl()}, {"JavaScript", r.inJavaScript()}, {"Go", inGo}}, nil
}

func (r request) inCurl() string {
	lines := []string{"curl '" + r.address() + "'"}
	if r.isStream {
		lines[0] += " --no-buffer"
	}
	if r.auth == "poolSecret" {
		lines = append(lines, `--user "shop:$POOL_SECRET"`)
	}
	for _, h := range r.header() {
		lines = append(lines, "--header '"+h[0]+": "+h[1]+"'")
	}
	if r.body != "" {
		lines = append(lines, "--data '"+strings.ReplaceAll(r.encoded(), "'", `'\''`)+"'")
	} else if r.method != "GET" {
		lines = append(lines, "--request "+r.method)
	}
	return strings.Join(lines, " \\\n  ")
}

// encoded returns the body as it is sent.
func (r request) encoded() string {
	if r.contentType != "application/x-www-form-urlencoded" {
		return r.body
	}
	var values map[string]any
	if json.Unmarshal([]byte(r.body), &values) != nil {
		return r.body
	}
	var fields []string
	for _, name := range keysOf(r.body) {
		fields = append(fields, fmt.Sprintf("%s=%v", name, values[name]))
	}
	return strings.Join(fields, "&")
}

var key = regexp.MustCompile(`"([^"]+)":`)

// keysOf returns the keys of a JSON object in their order.
func keysOf(text string) []string {
	var all []string
	for _, match := range key.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

func (r request) inJavaScript() string {
	if r.isStream {
		return fmt.Sprintf("const events = new EventSource('%s', { withCredentials: true });\nevents.addEventListener('status', ({ data }) => console.log(JSON.parse(data)));", r.address())
	}
	var options []string
	if r.method != "GET" {
		options = append(options, "method: '"+r.method+"'")
	}
	var headers []string
	if r.auth == "poolSecret" {
		headers = append(headers, "authorization: `Basic ${btoa(`shop:${poolSecret}`)}`")
	}
	for _, h := range r.header() {
		headers = append(headers, fmt.Sprintf("'%s': '%s'", strings.ToLower(h[0]), h[1]))
	}
	if len(headers) > 0 {
		options = append(options, "headers: { "+strings.Join(headers, ", ")+" }")
	}
	if r.contentType == "application/json" {
		options = append(options, "body: JSON.stringify("+r.body+")")
	} else if r.body != "" {
		options = append(options, "body: new URLSearchParams("+r.body+")")
	}
	call := "const response = await fetch('" + r.address() + "'"
	if len(options) > 0 {
		call += ", {\n  " + strings.Join(options, ",\n  ") + ",\n}"
	}
	if !strings.HasPrefix(r.path, "/api/") || strings.Contains(r.path, "/image/") {
		return call + ");"
	}
	return call + ");\nconst { code, message, data } = await response.json();"
}

func (r request) inGo() (string, error) {
	var b strings.Builder
	body := "nil"
	if r.body != "" {
		body = "body"
		fmt.Fprintf(&b, "body := strings.NewReader(`%s`)\n", r.encoded())
	}
	fmt.Fprintf(&b, "req, err := http.NewRequestWithContext(ctx, %q, %q, %s)\nif err != nil {\n\treturn err\n}\n", r.method, r.address(), body)
	if r.auth == "poolSecret" {
		b.WriteString("req.SetBasicAuth(\"shop\", poolSecret)\n")
	}
	for _, h := range r.header() {
		fmt.Fprintf(&b, "req.Header.Set(%q, %q)\n", h[0], h[1])
	}
	b.WriteString("res, err := http.DefaultClient.Do(req)\nif err != nil {\n\treturn err\n}\ndefer res.Body.Close()\n")
	text, err := format.Source([]byte(b.String()))
	return strings.TrimSpace(string(text)), err
}

// exampleOf returns the body of the samples: the example of the description, or else the
// required fields.
func exampleOf(content, schema node) string {
	if given := content.at("example"); given.exists() {
		return asJSON(given)
	}
	var fields []string
	for _, name := range texts(schema.at("required")) {
		fields = append(fields, fmt.Sprintf("%q: %q", name, example(name)))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// asJSON encodes a value with its keys in the order of the file.
func asJSON(n node) string {
	var all []string
	if pairs := n.pairs(); len(pairs) > 0 {
		for _, p := range pairs {
			all = append(all, fmt.Sprintf("%q: %s", p.key, asJSON(p.value)))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	text, err := json.Marshal(n.value)
	if err != nil { // no value of YAML but a mapping, which is handled above
		return `""`
	}
	return string(text)
}
