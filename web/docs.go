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

// OpenAPI serves /openapi.yaml, the description of the REST interface.
func OpenAPI() http.Handler { return foreign("openapi.yaml") }

// AsyncAPI serves /asyncapi.yaml, the description of what sockets and event
// streams say. It refers to openapi.yaml beside it.
func AsyncAPI() http.Handler { return foreign("asyncapi.yaml") }

// Docs serves /docs, both descriptions as a page. It is made when it is first
// asked for, because reading YAML takes longer than all else at start.
func Docs() http.Handler {
	made := sync.OnceValue(func() asset {
		var d descriptions
		describe("openapi.yaml", &d.REST)
		describe("asyncapi.yaml", &d.Sockets)
		return page("docs.html", d)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { made().ServeHTTP(w, r) })
}

// descriptions is both, with what the template asks of them.
type descriptions struct {
	REST    restDescription
	Sockets socketDescription
}

// addressed is one operation with its address.
type addressed struct {
	operation
	Method, Address string
}

// Calls are the operations whose first tag that is.
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

// Own are a call's parameters that stand beside it: its own, and what it cannot
// do without.
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

// Common are the others, which have a table of their own.
func (d descriptions) Common(c addressed) (names []string) {
	for _, p := range c.Parameters {
		if known := d.REST.Components.Parameters.get(lastOf(p.Ref)); p.Ref != "" && !known.Required {
			names = append(names, known.Name)
		}
	}
	return names
}

// Shared is the table of them.
func (d descriptions) Shared() (shared []parameter) {
	for _, p := range d.REST.Components.Parameters {
		if !p.Value.Required {
			shared = append(shared, p.Value)
		}
	}
	return shared
}

// Proofs names the ways in which a call may show who calls, each with whether
// it also goes without.
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

// Response is a response with its reference followed.
func (d descriptions) Response(r response) response {
	if r.Ref != "" {
		return d.REST.Components.Responses.get(lastOf(r.Ref))
	}
	return r
}

// Holds is what an answer's envelope has inside, or its codes, or else its type.
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

// Messages are a channel's, with who says them.
func (d descriptions) Messages(c named[channel]) (said []saidMessage) {
	for _, m := range c.Value.Messages {
		who := "The server says"
		for _, op := range d.Sockets.Operations {
			for _, ref := range op.Value.Messages {
				if op.Value.Action == "receive" && ref.Ref == "#/channels/"+c.Name+"/messages/"+m.Name {
					who = "The page says"
				}
			}
		}
		said = append(said, saidMessage{d.Sockets.Components.Messages.get(m.Name), c.Name + "-" + m.Name, m.Name, who})
	}
	return said
}

type saidMessage struct {
	message
	ID, Name, Who string
}

// field is a row of a table of fields.
type field struct {
	Name     string
	Required bool
	Schema   schema
}

// Fields are a schema's, with those of the objects in it below their names.
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

// About is what is said of a schema: its own words, or those of the one that it
// refers to.
func (d descriptions) About(s schema) string {
	if s.Description == "" && s.Ref != "" {
		return d.REST.Components.Schemas.get(lastOf(s.Ref)).Description
	}
	return s.Description
}

// Kind says what a value may be.
func (d descriptions) Kind(s schema) template.HTML {
	switch {
	case s.Ref != "":
		name := html.EscapeString(lastOf(s.Ref))
		return template.HTML(`<a href="#schema-` + name + `">` + name + `</a>`) // #nosec G203 -- escaped just here, or of escaped parts
	case s.Const != nil:
		return code(s.Const)
	case s.Enum != nil:
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = string(code(v))
		}
		return template.HTML(strings.Join(words, ", ")) // #nosec G203 -- escaped just here, or of escaped parts
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
		return template.HTML(html.EscapeString(strings.Join(words, " or "))) // #nosec G203 -- escaped just here, or of escaped parts
	default:
		return template.HTML(html.EscapeString(fmt.Sprint(t))) // #nosec G203 -- escaped just here, or of escaped parts
	}
}

// Bounds says what a value must keep to, beyond its kind.
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
	return template.HTML("<code>" + html.EscapeString(text) + "</code>") // #nosec G203 -- escaped just here, or of escaped parts
}

var (
	inCode = regexp.MustCompile("`([^`]+)`")
	inBold = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// Line is a text with its `code` and **bold** as markup.
func (d descriptions) Line(text string) template.HTML {
	text = inCode.ReplaceAllString(html.EscapeString(text), "<code>$1</code>")
	return template.HTML(inBold.ReplaceAllString(text, "<strong>$1</strong>")) // #nosec G203 -- escaped just here, or of escaped parts
}

// Prose is the same with paragraphs.
func (d descriptions) Prose(text string) (out template.HTML) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if part != "" {
			out += "<p>" + d.Line(part) + "</p>\n"
		}
	}
	return out
}

// list is the rows of one table, for the templates that draw it.
type list struct {
	Of    descriptions
	Rows  any
	Label string
}

// List puts together what a table needs.
func (d descriptions) List(rows any, label string) list { return list{d, rows, label} }

// IsShared reports whether a parameter stands in the table of the common ones.
func (d descriptions) IsShared(name string) bool {
	return slices.ContainsFunc(d.Shared(), func(p parameter) bool { return p.Name == name })
}
