package main

import (
	"go/format"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// buildFrom builds the page from two descriptions.
func buildFrom(t *testing.T, openapi, asyncapi string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"openapi.yaml": openapi, "asyncapi.yaml": asyncapi} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page, err := build(filepath.Join(dir, "openapi.yaml"), filepath.Join(dir, "asyncapi.yaml"))
	return string(page), err
}

const small = `
servers: [{url: /api}]
tags: [{name: site, description: Of the *site*.}]
paths:
  /token/{pool}:
    post:
      operationId: token
      tags: [site]
      summary: Get a "token" for <user>.
      security: [{poolSecret: []}]
      parameters:
        - {name: mode, in: query, required: true, description: How., schema: {type: string, enum: [a, b], default: a}}
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, required: [grant], properties: {grant: {type: string, description: '` + "`code`" + ` only'}}}
            example: {grant: code, n: 1}
      responses:
        '200': {description: Fine., content: {application/json: {schema: {$ref: '#/components/schemas/Token'}}}}
        '400': {description: Bad., content: {application/json: {schema: {type: object, properties: {code: {enum: [7]}}}}}}
components:
  securitySchemes: {poolSecret: {type: http, scheme: basic, description: Secret.}}
  schemas:
    Token: {description: A token., type: object, properties: {inner: {type: object, properties: {deep: {type: [string, 'null']}}}, list: {type: array, items: {$ref: '#/components/schemas/Other'}}}}
    Other: {type: object, properties: {x: {const: y}}}
x-errors: [{code: 7, status: 400, message: Bad, when: never}]
`

const sockets = `
channels:
  socket:
    address: /ws
    title: Socket
    messages: {hello: {payload: {type: object, properties: {token: {$ref: './openapi.yaml#/components/schemas/Token'}}}}}
    x-close-codes: [{code: 4000, when: full, do: wait}]
`

func TestThePageHasAllPartsOfTheDescriptions(t *testing.T) {
	page, err := buildFrom(t, small, sockets)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`id="token"`, `<code>/api/token/{pool}</code>`, `Get a &#34;token&#34; for &lt;user&gt;.`, "HTTP Basic: Secret.", "How. One of <code>a</code>, <code>b</code>. Default <code>a</code>.",
		`<code>grant</code>`, "<code>code</code> only", `<a href="#schema-Token">Token</a>`, `<a href="#errors">7</a>`, "<code>inner.deep</code>", "string or null", "array of Other",
		`id="channel-socket"`, `<code>hello</code>`, "full: wait", `id="schema-Other"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, want := range []string{
		"curl 'https://scan.example.com/api/token/shop?mode=MODE' \\\n  --user \"shop:$POOL_SECRET\"", "--data 'grant=code&n=1'",
		"body: new URLSearchParams({\"grant\": \"code\", \"n\": 1})", "req.SetBasicAuth(\"shop\", poolSecret)", "body := strings.NewReader(`grant=code&n=1`)",
	} {
		if !strings.Contains(html.UnescapeString(page), want) {
			t.Errorf("the samples lack %s", want)
		}
	}
}

func TestAReferenceToNothingIsAnError(t *testing.T) {
	_, err := buildFrom(t, strings.Replace(small, "schemas/Other'", "schemas/Absent'", 1), sockets)
	if err == nil || !strings.Contains(err.Error(), "#/components/schemas/Absent") {
		t.Errorf("%v", err)
	}
}

func TestMarkdownIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"a <b> & `<c>`":             "a &lt;b&gt; &amp; <code>&lt;c&gt;</code>",
		"**bold** [x](https://y/z)": `<strong>bold</strong> <a href="https://y/z">x</a>`,
		"[x](javascript:y)":         "[x](javascript:y)",
		"one\ntwo\n\nthree":         "<p>one two</p><p>three</p>",
	} {
		if got := markdown(text); string(got) != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Every sample in Go of the real descriptions is formatted Go.
func TestSamplesInGoAreGo(t *testing.T) {
	page, err := build("../openapi.yaml", "../asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, part := range strings.Split(string(page), `<figure data-lang="Go">`)[1:] {
		_, rest, _ := strings.Cut(part, "<code>")
		text, _, _ := strings.Cut(rest, "</code>")
		text = html.UnescapeString(text)
		if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text {
			t.Errorf("%v:\n%s", err, text)
		}
		found++
	}
	if found < 10 {
		t.Errorf("%d samples", found)
	}
}
