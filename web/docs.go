package web

import (
	"fmt"
	"html"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// OpenAPI serves /openapi.yaml, the description of the REST API.
func OpenAPI() http.Handler { return crossOrigin("openapi.yaml") }

// AsyncAPI serves /asyncapi.yaml, the description of the messages of WebSockets and event
// streams. It refers to openapi.yaml in the same folder.
func AsyncAPI() http.Handler { return crossOrigin("asyncapi.yaml") }

// Docs serves /docs, both descriptions as a page. The page is rendered at the first request,
// because parsing YAML takes longer than everything else at start.
func Docs() http.Handler {
	render := sync.OnceValue(func() asset {
		var d descriptions
		describe("openapi.yaml", &d.REST)
		describe("asyncapi.yaml", &d.Sockets)
		return page("docs.html", d)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { render().ServeHTTP(w, r) })
}

// descriptions are both descriptions, with the methods that the template calls.
type descriptions struct {
	REST    restDescription
	Sockets socketDescription
}

// addressed is an operation with its address.
type addressed struct {
	operation
	Method, Address string
}

// Calls returns the operations whose first tag is tag.
func (d descriptions) Calls(tag string) (calls []addressed) {
	for _, path := range d.REST.Paths {
		servers := path.Value.Servers
		if servers == nil {
			servers = d.REST.Servers
		}
		address := strings.TrimSuffix(servers[0].URL, "/") + path.Name
		if op := path.Value.Get; op != nil && op.Tags[0] == tag {
			calls = append(calls, addressed{*op, "GET", address})
		}
		if op := path.Value.Post; op != nil && op.Tags[0] == tag {
			calls = append(calls, addressed{*op, "POST", address})
		}
	}
	return calls
}

// Own returns the parameters that are shown with a call: its own and the required ones.
func (d descriptions) Own(c addressed) (own []parameter) {
	for _, p := range c.Parameters {
		known := d.REST.Components.Parameters.get(lastOf(p.Ref))
		switch {
		case p.Ref == "":
			own = append(own, p)
		case known.Required:
			own = append(own, known)
		}
	}
	return own
}

// Common returns the names of the other parameters, which have a table of their own.
func (d descriptions) Common(c addressed) (names []string) {
	for _, p := range c.Parameters {
		if known := d.REST.Components.Parameters.get(lastOf(p.Ref)); p.Ref != "" && !known.Required {
			names = append(names, known.Name)
		}
	}
	return names
}

// Shared returns the parameters in that table.
func (d descriptions) Shared() (shared []parameter) {
	for _, p := range d.REST.Components.Parameters {
		if !p.Value.Required {
			shared = append(shared, p.Value)
		}
	}
	return shared
}

// Proofs returns the names of a call's security schemes; "" means that none is needed.
func (d descriptions) Proofs(c addressed) (names []string) {
	for _, way := range c.Security {
		for name := range way {
			names = append(names, name)
		}
		if len(way) == 0 {
			names = append(names, "")
		}
	}
	return names
}

// Response returns a response with its reference resolved.
func (d descriptions) Response(r response) response {
	if r.Ref != "" {
		return d.REST.Components.Responses.get(lastOf(r.Ref))
	}
	return r
}

// Holds returns the content of a response: the data or the codes of its envelope, or its type.
func (d descriptions) Holds(r response) (out template.HTML) {
	for _, m := range r.Content {
		out = code(m.Name)
		if m.Value.Schema.Ref != "" {
			out = d.Kind(m.Value.Schema)
		}
		for _, part := range m.Value.Schema.AllOf {
			if data := part.Properties.get("data"); data.Ref != "" || data.AllOf != nil {
				out = "data: " + d.Kind(data)
			}
			if codes := part.Properties.get("code"); codes.Enum != nil {
				out = "code " + d.Kind(codes)
			}
		}
	}
	return out
}

// Messages returns a channel's messages with their senders.
func (d descriptions) Messages(c named[channel]) (sent []sentMessage) {
	for _, m := range c.Value.Messages {
		who := "The server sends"
		for _, op := range d.Sockets.Operations {
			for _, ref := range op.Value.Messages {
				if op.Value.Action == "receive" && ref.Ref == "#/channels/"+c.Name+"/messages/"+m.Name {
					who = "The page sends"
				}
			}
		}
		sent = append(sent, sentMessage{d.Sockets.Components.Messages.get(m.Name), c.Name + "-" + m.Name, m.Name, who})
	}
	return sent
}

type sentMessage struct {
	message
	ID, Name, Who string
}

// field is a row in a table of fields.
type field struct {
	Name     string
	Required bool
	Schema   schema
}

// Fields returns a schema's fields, including those of nested objects with their path.
func (d descriptions) Fields(s schema) (fields []field) {
	for _, p := range s.Properties {
		inside := p.Value
		if _, path, ok := strings.Cut(inside.Ref, "/properties/"); ok { // another schema's field
			_, owner, _ := strings.Cut(strings.TrimSuffix(inside.Ref, "/properties/"+path), "#/components/schemas/")
			inside = d.REST.Components.Schemas.get(owner).Properties.get(path)
		}
		fields = append(fields, field{p.Name, slices.Contains(s.Required, p.Name), inside})
		suffix := "."
		if inside.Items != nil {
			inside, suffix = *inside.Items, "[]."
		}
		for _, below := range d.Fields(inside) {
			below.Name = p.Name + suffix + below.Name
			fields = append(fields, below)
		}
	}
	return fields
}

// About returns the description of a schema, or of the schema that it refers to.
func (d descriptions) About(s schema) string {
	if s.Description == "" && s.Ref != "" {
		return d.REST.Components.Schemas.get(lastOf(s.Ref)).Description
	}
	return s.Description
}

// Kind returns the type or the allowed values of a schema.
func (d descriptions) Kind(s schema) template.HTML {
	switch {
	case s.Ref != "":
		name := html.EscapeString(lastOf(s.Ref))
		return template.HTML(`<a href="#schema-` + name + `">` + name + `</a>`) // #nosec G203 -- escaped here, or composed of escaped parts
	case s.Const != nil:
		return code(s.Const)
	case s.Enum != nil:
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = string(code(v))
		}
		return template.HTML(strings.Join(words, ", ")) // #nosec G203 -- escaped here, or composed of escaped parts
	case s.AllOf != nil:
		return d.Kind(s.AllOf[0])
	case s.Items != nil:
		return "list"
	}
	switch t := s.Type.(type) {
	case nil:
		return "anything"
	case []any:
		words := make([]string, len(t))
		for i, v := range t {
			words[i] = fmt.Sprint(v)
		}
		return template.HTML(html.EscapeString(strings.Join(words, " or "))) // #nosec G203 -- escaped here, or composed of escaped parts
	default:
		return template.HTML(html.EscapeString(fmt.Sprint(t))) // #nosec G203 -- escaped here, or composed of escaped parts
	}
}

// Bounds returns the limits and the default of a schema.
func (d descriptions) Bounds(s schema) (bounds []string) {
	if s.Minimum != nil {
		bounds = append(bounds, fmt.Sprintf("at least %v", *s.Minimum))
	}
	if s.Maximum != nil {
		bounds = append(bounds, fmt.Sprintf("at most %v", *s.Maximum))
	}
	if s.MaxLength > 0 {
		bounds = append(bounds, fmt.Sprintf("at most %d characters", s.MaxLength))
	}
	if s.Default != nil {
		bounds = append(bounds, fmt.Sprintf("%v if absent", s.Default))
	}
	return bounds
}

func code(v any) template.HTML {
	text := fmt.Sprint(v)
	switch v {
	case nil:
		text = "null"
	case "":
		text = `""`
	}
	return template.HTML("<code>" + html.EscapeString(text) + "</code>") // #nosec G203 -- escaped here, or composed of escaped parts
}

var (
	inCode = regexp.MustCompile("`([^`]+)`")
	inBold = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// Line converts `code` and **bold** in a text to HTML.
func (d descriptions) Line(text string) template.HTML {
	text = inCode.ReplaceAllString(html.EscapeString(text), "<code>$1</code>")
	return template.HTML(inBold.ReplaceAllString(text, "<strong>$1</strong>")) // #nosec G203 -- escaped here, or composed of escaped parts
}

// Prose is Line with paragraphs.
func (d descriptions) Prose(text string) (out template.HTML) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if part != "" {
			out += "<p>" + d.Line(part) + "</p>\n"
		}
	}
	return out
}

// list is the data of a table in the template.
type list struct {
	Of    descriptions
	Rows  any
	Label string
}

// List returns the data of a table.
func (d descriptions) List(rows any, label string) list { return list{d, rows, label} }

// IsShared reports whether a parameter is in the table of shared parameters.
func (d descriptions) IsShared(name string) bool {
	return slices.ContainsFunc(d.Shared(), func(p parameter) bool { return p.Name == name })
}
