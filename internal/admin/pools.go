package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/settings"
)

func (c *Console) listPools(w http.ResponseWriter, _ *http.Request, s loginSession) {
	c.render(w, http.StatusOK, "pools", s.view("Pools", "pools", c.options.Settings.Pools()))
}

func (c *Console) changes(w http.ResponseWriter, _ *http.Request, s loginSession) {
	history := slices.Clone(c.options.Settings.History())
	for _, p := range c.options.Settings.Pools() {
		for i := range history {
			if of, ok := p.Setting(history[i].Setting); ok && p.ID == history[i].Pool {
				history[i].Before, history[i].After = of.Shown(history[i].Before), of.Shown(history[i].After)
			}
		}
	}
	c.render(w, http.StatusOK, "changes", s.view("Changes", "changes", history))
}

// poolForm is the data of a pool's page.
type poolForm struct {
	settings.Pool
	Fields []field
	Saved  bool
	Alert  string // problem of the whole form
	Stale  bool   // another administrator saved first
	Wrong  int    // number of invalid fields
}

// field is a setting in the form.
type field struct {
	settings.Setting
	Text    string // value in the form
	Edited  bool   // Text is not the value that the page was loaded with
	Problem string
}

// Unit returns the placeholder of the field.
func (f field) Unit() string {
	if f.Kind == "duration" {
		return "such as 90s or 5m"
	}
	return f.Inherited
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
		return "on"
	case f.Kind == "boolean":
		return "off"
	case text == "":
		return "nothing"
	}
	return f.Shown(text)
}

func newForm(p settings.Pool) poolForm {
	form := poolForm{Pool: p}
	for _, s := range p.Settings {
		form.Fields = append(form.Fields, field{Setting: s, Text: s.Now})
	}
	return form
}

// pool returns the pool in the URL.
func (c *Console) pool(r *http.Request) (settings.Pool, bool) {
	pools := c.options.Settings.Pools()
	i := slices.IndexFunc(pools, func(p settings.Pool) bool { return p.ID == r.URL.Query().Get("id") })
	if i < 0 {
		return settings.Pool{}, false
	}
	return pools[i], true
}

func (c *Console) renderNoPool(w http.ResponseWriter) {
	c.renderError(w, http.StatusNotFound, "Pool not found", "It may have been removed from the configuration.")
}

func (c *Console) showPool(w http.ResponseWriter, r *http.Request, s loginSession) {
	p, ok := c.pool(r)
	if !ok {
		c.renderNoPool(w)
		return
	}
	form := newForm(p)
	form.Saved = r.URL.Query().Has("saved")
	c.renderForm(w, http.StatusOK, s, form)
}

func (c *Console) renderForm(w http.ResponseWriter, status int, s loginSession, form poolForm) {
	c.render(w, status, "pool", s.view(form.Name, "pools", form))
}

// changePool handles the form of a pool. It changes the edited settings, or resets the setting
// whose button was pressed to the file's value.
func (c *Console) changePool(w http.ResponseWriter, r *http.Request, s loginSession) {
	p, ok := c.pool(r)
	if !ok {
		c.renderNoPool(w)
		return
	}
	form := newForm(p)
	edit := settings.Edit{Pool: p.ID, Mark: r.PostFormValue("mark"), By: s.Admin}
	if edit.Mark == "" {
		c.renderError(w, http.StatusBadRequest, "The form is incomplete", "Nothing was changed. Open the page again.")
		return
	}
	if reset := r.PostFormValue("reset"); reset != "" {
		edit.Reset = []string{reset}
	} else {
		edit.Set = form.fill(r.PostForm)
	}
	err := c.options.Settings.Change(r.Context(), edit)
	problems, invalid := errors.AsType[settings.Problems](err)
	switch {
	case err == nil:
		c.record(r, Action{Name: "change", Admin: s.Admin, Pool: p.ID})
		http.Redirect(w, r, "/console/pool?saved&id="+url.QueryEscape(p.ID), http.StatusSeeOther)
	case errors.Is(err, kv.ErrStale):
		c.renderStale(w, r, s, form)
	case invalid:
		form.setProblems(problems)
		c.renderForm(w, http.StatusUnprocessableEntity, s, form)
	default:
		c.renderUnavailable(w, err)
	}
}

// renderStale shows the pool's current settings, which another administrator changed, and
// keeps this administrator's edits in the form.
func (c *Console) renderStale(w http.ResponseWriter, r *http.Request, s loginSession, edited poolForm) {
	p, _ := c.pool(r)
	form := newForm(p)
	form.Stale = true
	for i := range form.Fields {
		if f := edited.Fields[i]; f.Edited {
			form.Fields[i].Text = f.Text
		}
	}
	c.renderForm(w, http.StatusConflict, s, form)
}

// fill copies the submitted values into the form, and returns those that were edited. Other
// values are ignored, because another administrator may have changed them.
func (form *poolForm) fill(submitted url.Values) map[string]string {
	changed := make(map[string]string)
	for i := range form.Fields {
		f := &form.Fields[i]
		text := f.normalize(submitted.Get("set." + f.Name))
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
