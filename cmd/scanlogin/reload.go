package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"
)

// reloader exchanges the pools of a running server, and its administrators, for
// those of the configuration as it is now. All else needs a restart.
type reloader struct {
	load    func() (*settings, error)
	desk    *desk
	running config // what the server runs with
	log     *slog.Logger
}

// run reloads at each hangup until ctx ends.
func (r *reloader) run(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-hangups:
			r.reload()
		case <-ctx.Done():
			return
		}
	}
}

// reload reads the configuration and takes its pools; a wrong one changes
// nothing. A pool whose settings are the same goes on as it is, with all that
// its identity remembers.
func (r *reloader) reload() {
	next, err := r.load()
	if err != nil {
		r.refuse(err)
		return
	}
	logWarnings(r.log, next.warnings)
	if keys := restartKeys(r.running, next.config); len(keys) > 0 {
		r.log.Warn("these settings changed in the file and need a restart", "keys", keys)
	}
	old := make(map[string]poolConfig)
	for _, c := range r.running.Pools {
		old[c.ID] = c
	}
	for i, c := range next.config.Pools {
		before, known := old[c.ID]
		delete(old, c.ID)
		if !known {
			r.log.Info("pool added", "pool", c.ID)
		} else if keys := changedKeys(before, c); len(keys) > 0 {
			r.log.Info("pool changed", "pool", c.ID, "keys", keys)
		} else {
			next.Pools[i] = r.desk.filePool(c.ID)
		}
	}
	for id := range old {
		r.log.Info("pool removed", "pool", id)
	}
	r.desk.read(next)
	r.running.Pools, r.running.Console = next.config.Pools, next.config.Console
	r.log.Info("pools read anew", "pools", len(next.Pools))
}

func (r *reloader) refuse(err error) {
	r.log.Error("the configuration is refused; nothing was changed")
	all, ok := errors.AsType[problems](err)
	if !ok {
		r.log.Error("configuration", "error", err)
	}
	for _, p := range all {
		r.log.Error("configuration", "problem", p.String())
	}
}

func logWarnings(log *slog.Logger, warnings []problem) {
	for _, w := range warnings {
		log.Warn("configuration", "problem", w.String())
	}
}

// restartKeys returns the keys outside of the pools at which two configurations
// differ. Administrators may come and go, but for the first and the last.
func restartKeys(a, b config) []string {
	a.Pools, b.Pools = nil, nil
	if a.Console != nil && b.Console != nil {
		a.Console, b.Console = nil, nil
	}
	return changedKeys(a, b)
}

// changedKeys returns the keys at which two values of one type from the
// configuration differ, in alphabetical order.
func changedKeys(a, b any) []string {
	before, after := leaves(a), leaves(b)
	var keys []string
	for key := range before {
		if !reflect.DeepEqual(before[key], after[key]) {
			keys = append(keys, key)
		}
	}
	for key := range after {
		if _, ok := before[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func leaves(v any) map[string]any {
	all := make(map[string]any)
	walk(reflect.ValueOf(v), "", func(path string, leaf reflect.Value) {
		all[path] = leaf.Interface()
	})
	return all
}
