package admin

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/scanlogin/scanlogin/internal/settings"
)

// filter selects rows of a table.
type filter struct {
	Pool, Kind, Text string
	Pools, Kinds     []string // in the unfiltered table
	Shown, All       int
}

// newFilter reads a filter from the query of an address.
func newFilter(query url.Values) filter {
	return filter{Pool: query.Get("pool"), Kind: query.Get("kind"), Text: strings.TrimSpace(query.Get("text"))}
}

// matches reports whether a row is selected, and counts it. A text is found in any of fields, whatever
// its case.
func (f *filter) matches(pool, kind string, fields ...string) bool {
	f.All++
	found := f.Text == "" || strings.Contains(strings.ToLower(strings.Join(fields, "\n")), strings.ToLower(f.Text))
	if f.Pool != "" && f.Pool != pool || f.Kind != "" && f.Kind != kind || !found {
		return false
	}
	f.Shown++
	return true
}

// offer sets what can be selected.
func (f *filter) offer(pools, kinds map[string]bool) {
	delete(pools, "")
	delete(kinds, "")
	f.Pools, f.Kinds = slices.Sorted(maps.Keys(pools)), slices.Sorted(maps.Keys(kinds))
}

// auditEvent is a line of the audit trail; docs/operations.md describes the fields.
type auditEvent struct {
	Time, Event, Pool, User, Admin, Address, AddressHash, Code, Call, Reason string
}

// auditPage is the data of the page of events.
type auditPage struct {
	filter
	Off    bool // there is no audit trail
	Events []auditEvent
}

// auditEvents shows the last lines of this node's audit trail.
func (c *Console) auditEvents(w http.ResponseWriter, r *http.Request, s loginSession) {
	page := auditPage{filter: newFilter(r.URL.Query()), Off: c.options.Trail == nil}
	pools, kinds := make(map[string]bool), make(map[string]bool)
	if !page.Off {
		for _, line := range c.options.Trail() {
			var e auditEvent
			if json.Unmarshal([]byte(line), &e) != nil { // not a line of the trail
				continue
			}
			pools[e.Pool], kinds[e.Event] = true, true
			if page.matches(e.Pool, e.Event, e.User, e.Admin, e.Address, e.AddressHash, e.Code, e.Call, e.Reason) {
				page.Events = append(page.Events, e)
			}
		}
	}
	page.offer(pools, kinds)
	c.render(w, r, http.StatusOK, "audit", s.view("Events", "audit", page))
}

// changesPage is the data of the page of changed settings.
type changesPage struct {
	filter
	Changes []settings.Change
}

// changes shows the history of the settings.
func (c *Console) changes(w http.ResponseWriter, r *http.Request, s loginSession) {
	page := changesPage{filter: newFilter(r.URL.Query())}
	known := make(map[string]settings.Pool)
	for _, p := range c.options.Settings.Pools() {
		known[p.ID] = p
	}
	pools, kinds := make(map[string]bool), make(map[string]bool)
	for _, change := range c.options.Settings.History() {
		if of, ok := known[change.Pool].Setting(change.Setting); ok {
			change.Before, change.After = of.Shown(change.Before), of.Shown(change.After)
		}
		pools[change.Pool], kinds[change.Setting] = true, true
		if page.matches(change.Pool, change.Setting, change.By, change.Before, change.After) {
			page.Changes = append(page.Changes, change)
		}
	}
	page.offer(pools, kinds)
	c.render(w, r, http.StatusOK, "changes", s.view("Changes", "changes", page))
}
