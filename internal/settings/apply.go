package main

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/settings"
)

// values are texts in the place of the file's, by pool and setting.
type values = map[string]map[string]settings.Value

// misfit is a value over the file that cannot be used.
type misfit struct {
	pool, setting, text string
}

// under returns the settings with values over those of the pools. They are
// checked by what checks the file; one that does not pass is left out. A pool
// without any is the file's own.
func (s *configuration) under(over values) (now *configuration, misfits []misfit) {
	d, found := s.covered(over)
	for len(found) > 0 && len(over) > 0 {
		misfits = append(misfits, found...)
		over = without(over, found)
		d, found = s.covered(over)
	}
	if len(over) == 0 {
		return s, misfits
	}
	now = &configuration{config: d.config, Pools: slices.Clone(s.Pools)}
	for i, p := range d.pools() {
		if len(over[p.ID]) > 0 {
			p.Identity = s.Pools[i].Identity // with all that it remembers
			now.Pools[i] = p
		}
	}
	return now, misfits
}

// covered returns the configuration with values written over it, and those that
// are wrong.
func (s *configuration) covered(over values) (*document, []misfit) {
	d := &document{config: s.config, places: s.places}
	d.config.Pools = slices.Clone(s.config.Pools)
	var misfits []misfit
	for i := range d.config.Pools {
		p := &d.config.Pools[i]
		for _, name := range slices.Sorted(maps.Keys(over[p.ID])) {
			leaf, ok := p.setting(name)
			if !ok {
				misfits = append(misfits, misfit{p.ID, name, "is no setting that can be changed; known are " + strings.Join(settingNames(), ", ")})
			} else if err := setText(leaf, over[p.ID][name].Text); err != nil {
				misfits = append(misfits, misfit{p.ID, name, err.Error()})
			}
		}
	}
	d.pools()
	return d, append(misfits, d.misfits()...)
}

// misfits returns which values the problems of d are about.
func (d *document) misfits() []misfit {
	var found []misfit
	for _, p := range d.problems {
		for i, c := range d.config.Pools {
			rest, ok := strings.CutPrefix(p.path, fmt.Sprintf("pools[%d].", i))
			if name, _, _ := strings.Cut(rest, "["); ok {
				found = append(found, misfit{c.ID, name, p.text})
			}
		}
	}
	return found
}

// without returns the values but for the misfits. One that is about none of the
// values takes all of its pool's along, or all there are, so that there are
// fewer each time.
func without(over values, misfits []misfit) values {
	less := make(values, len(over))
	for id, of := range over {
		less[id] = maps.Clone(of)
	}
	for _, m := range misfits {
		if _, ok := over[m.pool]; !ok {
			return nil
		}
		if _, ok := over[m.pool][m.setting]; !ok {
			delete(less, m.pool)
		}
		delete(less[m.pool], m.setting)
	}
	maps.DeleteFunc(less, func(_ string, of map[string]settings.Value) bool { return len(of) == 0 })
	return less
}

// edited returns a layer after an edit, which is checked by what checks the
// file. now is s under that layer.
func (s *configuration) edited(now *configuration, layer settings.Layer, e settings.Edit, at time.Time) (settings.Layer, error) {
	i := slices.IndexFunc(s.config.Pools, func(c poolConfig) bool { return c.ID == e.Pool })
	if i < 0 {
		return layer, settings.Problems{"": "there is no such pool in the configuration"}
	}
	if utf8.RuneCountInString(e.By) > maxNameRunes || strings.ContainsFunc(e.By, unicode.IsControl) {
		return layer, settings.Problems{"": fmt.Sprintf("who changes it must be named in at most %d characters in one line", maxNameRunes)}
	}
	if e.Mark != "" && e.Mark != describe(s.config.Pools[i], now.config.Pools[i], layer.Pools[e.Pool]).Mark() {
		return layer, kv.ErrStale
	}
	of := maps.Clone(layer.Pools[e.Pool])
	if of == nil {
		of = make(map[string]settings.Value)
	}
	for _, name := range e.Reset {
		delete(of, name)
	}
	for name, text := range e.Set {
		of[name] = settings.Value{Text: strings.TrimSpace(text)}
	}
	d, misfits := s.covered(values{e.Pool: of})
	problems := make(settings.Problems)
	for _, m := range misfits {
		problems[m.setting] = cmp.Or(problems[m.setting], m.text)
	}
	for _, name := range e.Reset {
		if _, over := layer.Pools[e.Pool][name]; !over && !slices.Contains(settingNames(), name) {
			problems[name] = "is no setting that can be changed; known are " + strings.Join(settingNames(), ", ")
		}
	}
	if len(problems) > 0 {
		return layer, problems
	}
	return layer.With(e, now.config.Pools[i].texts(), d.config.Pools[i].texts(), at), nil
}

// settingRows are the rows of the reference that administrators may change.
func settingRows() []row {
	return slices.DeleteFunc(slices.Clone(reference[:]), func(r row) bool { return r.label == "" })
}

// setting is the row's name within a pool.
func (r row) setting() string { return strings.TrimPrefix(r.path, "pools[].") }

func settingNames() []string {
	var names []string
	for _, r := range settingRows() {
		names = append(names, r.setting())
	}
	return names
}

// setting finds the value of a setting that administrators may change.
func (c *poolConfig) setting(name string) (found reflect.Value, ok bool) {
	if !slices.Contains(settingNames(), name) {
		return found, false
	}
	walk(reflect.ValueOf(c).Elem(), "", func(path string, leaf reflect.Value) {
		if path == name {
			found, ok = leaf, true
		}
	})
	return found, ok
}

// texts returns a pool's settings as the file would have them.
func (c poolConfig) texts() map[string]string {
	texts := make(map[string]string)
	for _, name := range settingNames() {
		leaf, _ := c.setting(name)
		texts[name] = textOf(leaf)
	}
	texts["name"] = cmp.Or(c.Name, c.ID)
	return texts
}

// describe returns a pool as administrators see it: what the file says, what is
// in force, and the values that make the difference.
func describe(file, now poolConfig, over map[string]settings.Value) settings.Pool {
	fileTexts, texts := file.texts(), now.texts()
	p := settings.Pool{ID: file.ID, Name: texts["name"]}
	for _, r := range settingRows() {
		name := r.setting()
		v, changed := over[name]
		p.Settings = append(p.Settings, settings.Setting{
			Name: name, Label: r.label, Kind: r.kind, Default: r.fallback, About: r.about,
			File: fileTexts[name], Now: texts[name], Changed: changed, By: v.By, At: v.At,
		})
	}
	return p
}
