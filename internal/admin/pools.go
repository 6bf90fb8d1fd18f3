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

func (c *Console) listPools(w http.ResponseWriter, _ *http.Request, v visit) {
	c.show(w, http.StatusOK, "pools", view{Title: "Pools", Page: "pools", Admin: v.Admin, CSRF: v.csrf(), Data: c.options.Desk.Pools()})
}

func (c *Console) changes(w http.ResponseWriter, _ *http.Request, v visit) {
	c.show(w, http.StatusOK, "changes", view{Title: "Changes", Page: "changes", Admin: v.Admin, CSRF: v.csrf(), Data: c.options.Desk.History()})
}

// poolForm is the page of one pool.
type poolForm struct {
	settings.Pool
	Fields []field
	Saved  bool
	Alert  string // about the whole form
	Stale  bool   // somebody else was faster
	Wrong  int    // how many fields are wrong
}

// field is a setting as the form shows it.
type field struct {
	settings.Setting
	Text    string // what stands in the form
	Typed   bool   // that is not what the page came with
	Problem string
}

// Unit says how a duration is written.
func (f field) Unit() string {
	if f.Kind == "duration" {
		return "such as 90s or 5m"
	}
	return ""
}

// Lines is a list with one element a line.
func (f field) Lines() string { return strings.ReplaceAll(f.Text, ", ", "\n") }

// Words is a switch's value in words.
func (f field) Words(text string) string {
	switch {
	case f.Kind == "boolean" && text == "true":
		return "on"
	case f.Kind == "boolean":
		return "off"
	case text == "":
		return "nothing"
	}
	return text
}

func newForm(p settings.Pool) poolForm {
	form := poolForm{Pool: p}
	for _, s := range p.Settings {
		form.Fields = append(form.Fields, field{Setting: s, Text: s.Now})
	}
	return form
}

// pool returns the pool that the address names.
func (c *Console) pool(r *http.Request) (settings.Pool, bool) {
	pools := c.options.Desk.Pools()
	i := slices.IndexFunc(pools, func(p settings.Pool) bool { return p.ID == r.URL.Query().Get("id") })
	if i < 0 {
		return settings.Pool{}, false
	}
	return pools[i], true
}

func (c *Console) noPool(w http.ResponseWriter) {
	c.sorry(w, http.StatusNotFound, "There is no such pool", "It may have been taken out of the configuration.")
}

func (c *Console) showPool(w http.ResponseWriter, r *http.Request, v visit) {
	p, ok := c.pool(r)
	if !ok {
		c.noPool(w)
		return
	}
	form := newForm(p)
	form.Saved = r.URL.Query().Has("saved")
	c.showForm(w, http.StatusOK, v, form)
}

func (c *Console) showForm(w http.ResponseWriter, status int, v visit, form poolForm) {
	c.show(w, status, "pool", view{Title: form.Name, Page: "pools", Admin: v.Admin, CSRF: v.csrf(), Data: form})
}

// changePool takes the form of a pool: all that differs from what is in force is
// changed, or the one setting whose button was pressed goes back to the file's
// value.
func (c *Console) changePool(w http.ResponseWriter, r *http.Request, v visit) {
	p, ok := c.pool(r)
	if !ok {
		c.noPool(w)
		return
	}
	form := newForm(p)
	edit := settings.Edit{Pool: p.ID, Mark: r.PostFormValue("mark"), By: v.Admin}
	if edit.Mark == "" {
		c.sorry(w, http.StatusBadRequest, "The form is not whole", "Nothing was changed. Open the page again.")
		return
	}
	if reset := r.PostFormValue("reset"); reset != "" {
		edit.Reset = []string{reset}
	} else {
		edit.Set = form.fill(r.PostForm)
	}
	err := c.options.Desk.Change(r.Context(), edit)
	problems, wrong := errors.AsType[settings.Problems](err)
	switch {
	case err == nil:
		c.record(r, Action{Name: "change", Admin: v.Admin, Pool: p.ID})
		http.Redirect(w, r, "/console/pool?saved&id="+url.QueryEscape(p.ID), http.StatusSeeOther)
	case errors.Is(err, kv.ErrStale):
		c.stale(w, r, v, form)
	case wrong:
		form.blame(problems)
		c.showForm(w, http.StatusUnprocessableEntity, v, form)
	default:
		c.away(w, err)
	}
}

// stale shows what somebody else has made of the pool meanwhile, with what this
// administrator changed still in the form.
func (c *Console) stale(w http.ResponseWriter, r *http.Request, v visit, typed poolForm) {
	p, _ := c.pool(r)
	form := newForm(p)
	form.Stale = true
	for i := range form.Fields {
		if f := typed.Fields[i]; f.Typed {
			form.Fields[i].Text = f.Text
		}
	}
	c.showForm(w, http.StatusConflict, v, form)
}

// fill takes what was typed, and returns what of it differs from what the page
// came with. The rest of the form says nothing: somebody else may have changed
// that meanwhile.
func (form *poolForm) fill(typed url.Values) map[string]string {
	changed := make(map[string]string)
	for i := range form.Fields {
		f := &form.Fields[i]
		text := f.read(typed.Get("set." + f.Name))
		if typed.Has("set."+f.Name) && text != f.read(typed.Get("was."+f.Name)) {
			f.Text, f.Typed = text, true
			changed[f.Name] = text
		}
	}
	return changed
}

// read turns what a form has of the field into what the configuration would.
func (f field) read(text string) string {
	if f.Kind == "list" {
		return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }), ", ")
	}
	return strings.TrimSpace(text)
}

// blame says at each field what is wrong with it.
func (form *poolForm) blame(problems settings.Problems) {
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
