package settings

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/kv"
)

// poolValues are overrides by pool id and setting.
type poolValues = map[string]map[string]Value

// merge returns the file with the overrides, and the overrides that are invalid and
// therefore left out. A pool without overrides is the same as in the file.
func merge(file *config.Config, values poolValues) (current *config.Config, invalid []config.InvalidValue) {
	current, found := file.WithPools(texts(values))
	for len(found) > 0 && len(values) > 0 {
		invalid = append(invalid, found...)
		values = without(values, found)
		current, found = file.WithPools(texts(values))
	}
	return current, invalid
}

func texts(values poolValues) config.PoolTexts {
	all := make(config.PoolTexts, len(values))
	for id, of := range values {
		all[id] = make(map[string]string, len(of))
		for name, v := range of {
			all[id][name] = v.Text
		}
	}
	return all
}

// without returns the values without the invalid ones. A problem of a setting that has no
// override removes all overrides of its pool, and a problem of a pool that has none removes
// all overrides, so that each call returns fewer.
func without(values poolValues, invalid []config.InvalidValue) poolValues {
	fewer := make(poolValues, len(values))
	for id, of := range values {
		fewer[id] = maps.Clone(of)
	}
	for _, v := range invalid {
		if _, ok := values[v.Pool]; !ok {
			return nil
		}
		if _, ok := values[v.Pool][v.Setting]; !ok {
			delete(fewer, v.Pool)
		}
		delete(fewer[v.Pool], v.Setting)
	}
	maps.DeleteFunc(fewer, func(_ string, of map[string]Value) bool { return len(of) == 0 })
	return fewer
}

// edited returns the overrides after an edit, which is validated as the file is. current
// is the file with the overrides before the edit.
func edited(file, current *config.Config, before Overrides, e Edit, now time.Time) (Overrides, error) {
	i := slices.IndexFunc(file.Pools, func(p config.Pool) bool { return p.ID == e.Pool })
	if i < 0 {
		return before, Problems{"": noPool(e.Pool, file)}
	}
	if err := config.CheckName(e.By); err != nil {
		return before, Problems{"": "the name of the author " + err.Error()}
	}
	if e.Mark != "" && e.Mark != describe(file.Pools[i], current.Pools[i], file.Limits, before.Pools[e.Pool]).Mark() {
		return before, kv.ErrStale
	}
	next, problems := e.validate(file, before.Pools[e.Pool])
	if len(problems) > 0 {
		return before, problems
	}
	return before.With(e, current.Pools[i].Texts(), next.Pools[i].Texts(), now), nil
}

// noPool says that the file has no pool of this id, and which it has.
func noPool(id string, file *config.Config) string {
	const most = 10 // a message has one line
	var ids []string
	for _, p := range file.Pools {
		ids = append(ids, p.ID)
	}
	if len(ids) > most {
		ids = append(ids[:most:most], "…")
	}
	return fmt.Sprintf("the configuration has no pool %q; its pools are %s", id, strings.Join(ids, ", "))
}

// validate returns the file with the overrides of the pool after the edit. values are those
// before.
func (e Edit) validate(file *config.Config, values map[string]Value) (*config.Config, Problems) {
	after := make(map[string]string)
	for name, v := range values {
		after[name] = v.Text
	}
	problems := make(Problems)
	for _, name := range e.Reset {
		delete(after, name)
		if _, ok := values[name]; !ok {
			if err := config.CheckPoolSetting(name); err != nil {
				problems[name] = err.Error()
			}
		}
	}
	for name, text := range e.Set {
		after[name] = strings.TrimSpace(text)
	}
	next, invalid := file.WithPools(config.PoolTexts{e.Pool: after})
	for _, v := range invalid {
		problems[v.Setting] = cmp.Or(problems[v.Setting], v.Text)
	}
	return next, problems
}

// describe returns a pool as administrators see it.
func describe(file, current config.Pool, limits config.Limits, values map[string]Value) Pool {
	inFile, inForce := file.Texts(), current.Texts()
	p := Pool{ID: file.ID, Name: inForce["name"]}
	for _, s := range config.PoolSettings() {
		v, changed := values[s.Path]
		p.Settings = append(p.Settings, Setting{
			Name: s.Path, Label: s.Label, Kind: s.Type, Default: s.Default, Choices: s.Choices(), About: s.Help,
			Inherited: inherited(s.Path, limits), File: inFile[s.Path], Now: inForce[s.Path], Changed: changed, By: v.By, At: v.At,
		})
	}
	for _, c := range file.Clients {
		p.Clients = append(p.Clients, Client{c.ID, c.Name})
	}
	return p
}

// inherited returns the value of the server that is in force while a pool has no limit of its
// own, and its name; "" for a setting that is not a limit.
func inherited(name string, limits config.Limits) string {
	values := map[string]int{
		"limits.codes_per_address": limits.CodesPerAddress, "limits.codes_per_pool": limits.CodesPerPool, "limits.user_rate": limits.UserRate,
	}
	if value, ok := values[name]; ok {
		return fmt.Sprintf("%d (%s)", value, name)
	}
	return ""
}
