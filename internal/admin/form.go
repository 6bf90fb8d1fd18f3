package admin

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/scanlogin/scanlogin/internal/settings"
)

// poolForm is the data of a pool's page.
type poolForm struct {
	settings.Pool
	Fields  []field
	Saved   bool
	Alert   string // problem of the whole form
	Stale   bool   // another administrator saved first
	Wrong   int    // number of invalid fields
	Snippet string // for a page

	session loginSession
}

// group is a part of the form.
type group struct {
	Title  string
	Fields []field
}

// groups are the titles of the form's parts, and the settings in each. Other settings are in a last part.
var groups = [...]struct {
	title    string
	settings []string
}{
	{"Appearance and address", []string{"name", "logo", "brand_color", "origins"}},
	{"Lifetimes", []string{"code_ttl", "confirm_ttl", "ticket_ttl", "max_codes"}},
	{"Security", []string{"bind_browser", "match", "require_pkce", "return_full_user_info", "allow_browser_exchange"}},
	{"Limits", []string{"limits.codes_per_address", "limits.codes_per_pool", "limits.user_rate"}},
}

// Groups returns the fields by group, without empty groups.
func (form poolForm) Groups() (all []group) {
	grouped := make(map[string]bool)
	for _, g := range groups {
		part := group{Title: g.title}
		for _, name := range g.settings {
			for _, f := range form.Fields {
				if f.Name == name {
					part.Fields, grouped[name] = append(part.Fields, f), true
				}
			}
		}
		all = append(all, part)
	}
	rest := group{Title: "Other"}
	for _, f := range form.Fields {
		if !grouped[f.Name] {
			rest.Fields = append(rest.Fields, f)
		}
	}
	return slices.DeleteFunc(append(all, rest), func(g group) bool { return len(g.Fields) == 0 })
}

// field is a setting in the form.
type field struct {
	settings.Setting
	Text    string // value in the form
	Edited  bool   // Text is not the value that the page was loaded with
	Problem string

	lang language
}

// Placeholder returns what is in force, or what to write, while the input is empty.
func (f field) Placeholder() string {
	switch {
	case f.Inherited != "":
		return f.lang.text("Server default: %s", f.Inherited)
	case f.Default != "":
		return f.lang.text("Default: %s", f.Default)
	case f.Kind == "address":
		return "https://"
	}
	return ""
}

// Typed returns the value in the input; empty, with the placeholder, where the server's value
// is in force.
func (f field) Typed() string {
	if f.Text == "0" && f.Inherited != "" {
		return ""
	}
	return f.Text
}

// Lines returns a list with one element per line.
func (f field) Lines() string { return strings.ReplaceAll(f.Text, ", ", "\n") }

// Words returns a value in words.
func (f field) Words(text string) string {
	switch {
	case f.Kind == "boolean" && text == "true":
		return f.lang.text("on")
	case f.Kind == "boolean":
		return f.lang.text("off")
	case text == "":
		return f.lang.text("nothing")
	}
	return f.Shown(text)
}

func newForm(p settings.Pool, s loginSession) poolForm {
	form := poolForm{Pool: p, session: s}
	for _, setting := range p.Settings {
		form.Fields = append(form.Fields, field{Setting: setting, Text: setting.Now, lang: s.lang})
	}
	return form
}

// snippet returns the markup that shows a pool's codes on a page.
func (c *Console) snippet(p settings.Pool) string {
	module := strings.TrimSuffix(c.options.PublicURL, "/") + "/scanlogin.js"
	return fmt.Sprintf("<scan-login pool=%q></scan-login>\n<script type=\"module\" src=%q></script>\n", p.ID, module)
}

// fill copies the submitted values into the form, and returns those that were edited. Other
// values are ignored, because another administrator may have changed them.
func (form *poolForm) fill(submitted url.Values) map[string]string {
	changed := make(map[string]string)
	for i := range form.Fields {
		f := &form.Fields[i]
		text := f.normalize(submitted.Get("set." + f.Name)) // for a switch: its own value, else that of the hidden input after it
		if submitted.Has("set."+f.Name) && text != f.normalize(submitted.Get("was."+f.Name)) {
			f.Text, f.Edited = text, true
			changed[f.Name] = text
		}
	}
	return changed
}

// normalize converts a submitted value to the form in the configuration.
func (f field) normalize(text string) string {
	if f.Kind == "list" {
		return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }), ", ")
	}
	text = strings.TrimSpace(text)
	if text == "" && f.Inherited != "" {
		return "0"
	}
	return text
}

// setProblems shows each problem at its field.
func (form *poolForm) setProblems(problems settings.Problems) {
	rest := make(settings.Problems)
	for name, text := range problems {
		i := slices.IndexFunc(form.Fields, func(f field) bool { return f.Name == name })
		if i < 0 {
			rest[name] = text
			continue
		}
		form.Fields[i].Problem = text
		form.Wrong++
	}
	if len(rest) > 0 {
		form.Alert = rest.Error()
	}
}
