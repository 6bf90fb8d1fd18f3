package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/settings"
)

func (c *Console) listPools(w http.ResponseWriter, r *http.Request, s loginSession) {
	c.render(w, r, http.StatusOK, "pools", s.view("Pools", "pools", c.options.Settings.Pools()))
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

func (c *Console) renderNoPool(w http.ResponseWriter, r *http.Request) {
	c.renderError(w, r, http.StatusNotFound, "Pool not found", "It may have been removed from the configuration.")
}

func (c *Console) showPool(w http.ResponseWriter, r *http.Request, s loginSession) {
	p, ok := c.pool(r)
	if !ok {
		c.renderNoPool(w, r)
		return
	}
	form := newForm(p, s)
	form.Saved = r.URL.Query().Has("saved")
	c.renderForm(w, r, http.StatusOK, form)
}

func (c *Console) renderForm(w http.ResponseWriter, r *http.Request, status int, form poolForm) {
	form.Snippet = c.snippet(form.Pool)
	c.render(w, r, status, "pool", form.session.view(form.Name, "pools", form))
}

// changePool handles the form of a pool. It changes the edited settings, or resets the setting
// whose button was pressed to the file's value.
func (c *Console) changePool(w http.ResponseWriter, r *http.Request, s loginSession) {
	p, ok := c.pool(r)
	if !ok {
		c.renderNoPool(w, r)
		return
	}
	form := newForm(p, s)
	edit := settings.Edit{Pool: p.ID, Mark: r.PostFormValue("mark"), By: s.Admin}
	if edit.Mark == "" {
		c.renderError(w, r, http.StatusBadRequest, "The form is incomplete", "Nothing was changed. Open the page again.")
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
		c.renderForm(w, r, http.StatusUnprocessableEntity, form)
	default:
		c.renderUnavailable(w, r, err)
	}
}

// renderStale shows the pool's current settings, which another administrator changed, and
// keeps this administrator's edits in the form.
func (c *Console) renderStale(w http.ResponseWriter, r *http.Request, s loginSession, edited poolForm) {
	p, _ := c.pool(r)
	form := newForm(p, s)
	form.Stale = true
	for i := range form.Fields {
		if f := edited.Fields[i]; f.Edited {
			form.Fields[i].Text = f.Text
		}
	}
	c.renderForm(w, r, http.StatusConflict, form)
}
