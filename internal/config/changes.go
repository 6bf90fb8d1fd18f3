package config

import (
	"reflect"
	"slices"
	"strings"
)

// RestartKeys returns the paths at which next differs from c in settings that need a
// restart. Pools are not compared: every change to them is applied by SIGHUP, as are
// changes to administrators as long as the console stays on or off.
func (c *Config) RestartKeys(next *Config) []string {
	bothConsoles := c.Console != nil && next.Console != nil
	return slices.DeleteFunc(changedPaths(c.Values, next.Values), func(path string) bool {
		s, _ := lookup(path)
		return s.Reload || strings.HasPrefix(path, "pools[") || bothConsoles && strings.HasPrefix(path, "console.")
	})
}

// SameSigningKeys reports whether next signs and publishes with the same keys.
func (c *Config) SameSigningKeys(next *Config) bool {
	return c.SigningKey == next.SigningKey && slices.Equal(c.SigningKeys, next.SigningKeys)
}

// ChangedKeys returns the keys at which next differs from p, in alphabetical order.
func (p Pool) ChangedKeys(next Pool) []string { return changedPaths(p, next) }

// changedPaths returns the paths at which two values of one type of the configuration
// differ, in alphabetical order.
func changedPaths(a, b any) (paths []string) {
	before, after := leaves(a), leaves(b)
	for path, value := range before {
		if !reflect.DeepEqual(value, after[path]) {
			paths = append(paths, path)
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

func leaves(v any) map[string]any {
	all := make(map[string]any)
	walk(reflect.ValueOf(v), "", func(path string, leaf reflect.Value) { all[path] = leaf.Interface() })
	return all
}
