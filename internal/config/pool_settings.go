package config

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// PoolTexts holds values of settings of pools, by pool id and setting, as the file would
// have them.
type PoolTexts = map[string]map[string]string

// InvalidValue is a value of a pool's setting that was refused.
type InvalidValue struct {
	Pool, Setting, Text string // the text says what is wrong and the cure
}

// PoolSettings returns the settings of a pool that administrators may change while nodes
// run: those with a label. Their paths are relative to the pool.
func PoolSettings() (list []Setting) {
	for _, s := range settings {
		if s.Label != "" {
			s.Path = strings.TrimPrefix(s.Path, "pools[].")
			list = append(list, s)
		}
	}
	return list
}

// CheckPoolSetting returns an error unless administrators may change the setting.
func CheckPoolSetting(name string) error {
	var known []string
	for _, s := range PoolSettings() {
		known = append(known, s.Path)
	}
	if !slices.Contains(known, name) {
		return fmt.Errorf("cannot be changed here; the settings are %s", strings.Join(known, ", "))
	}
	return nil
}

// WithPools returns the configuration with texts in place of the values of its pools,
// validated as the file is, and the values that are invalid. Other pools are the same as
// before, and all pools keep their identities with their caches.
func (c *Config) WithPools(texts PoolTexts) (*Config, []InvalidValue) {
	d := &document{values: c.Values, positions: c.positions}
	d.values.Pools = slices.Clone(c.Pools)
	var invalid []InvalidValue
	for i := range d.values.Pools {
		p := &d.values.Pools[i]
		for _, name := range slices.Sorted(maps.Keys(texts[p.ID])) {
			if err := p.setText(name, texts[p.ID][name]); err != nil {
				invalid = append(invalid, InvalidValue{p.ID, name, err.Error()})
			}
		}
	}
	d.validateTags(reflect.ValueOf(d.values.Pools), "pools")
	next := *c
	next.Values, next.UserPools = d.values, slices.Clone(c.UserPools)
	for i, p := range d.values.Pools {
		if len(texts[p.ID]) > 0 {
			next.UserPools[i] = d.buildPool(i)
			next.UserPools[i].Identity = c.UserPools[i].Identity
		}
	}
	return &next, append(invalid, d.invalidValues()...)
}

// setText sets a setting that administrators may change.
func (p *Pool) setText(name, text string) error {
	if err := CheckPoolSetting(name); err != nil {
		return err
	}
	return setText(p.leaf(name), text)
}

// leaf returns the value of a setting, by its path within the pool.
func (p *Pool) leaf(name string) (found reflect.Value) {
	walk(reflect.ValueOf(p).Elem(), "", func(path string, leaf reflect.Value) {
		if path == name {
			found = leaf
		}
	})
	return found
}

// invalidValues returns the problems of the document by pool and setting.
func (d *document) invalidValues() (found []InvalidValue) {
	for _, p := range d.problems {
		for i, v := range d.values.Pools {
			rest, ok := strings.CutPrefix(p.Path, fmt.Sprintf("pools[%d].", i))
			if name, _, _ := strings.Cut(rest, "["); ok {
				found = append(found, InvalidValue{v.ID, name, p.Text})
			}
		}
	}
	return found
}

// Texts returns the settings that administrators may change, as the file would have them.
func (p Pool) Texts() map[string]string {
	texts := make(map[string]string)
	for _, s := range PoolSettings() {
		texts[s.Path] = textOf(p.leaf(s.Path))
	}
	texts["name"] = cmp.Or(p.Name, p.ID)
	return texts
}
