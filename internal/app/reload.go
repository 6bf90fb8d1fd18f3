package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"

	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/server"
)

// reloader exchanges the pools, signing keys, places and administrators of a
// running server for those of the configuration as it is now. All else needs a restart.
type reloader struct {
	load    func() (*configuration, error)
	desk    *desk
	signer  *server.Signer
	trail   *audit.Trail // nil: off
	places  *geoip.Atlas
	running config // what the server runs with
	log     *slog.Logger
}

// run reloads at each hangup until ctx ends.
func (r *reloader) run(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-hangups:
			if r.trail != nil {
				r.trail.Reopen() // also where the configuration is wrong: the file was moved
			}
			r.reload()
		case <-ctx.Done():
			return
		}
	}
}

// reload reads the configuration and takes its keys and pools; a wrong one
// changes nothing. A pool whose settings are the same goes on as it is, with all that
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
	if err := r.takeKeys(next); err != nil {
		r.refuse(err)
		return
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
	r.places.Replace(next.Places)
	r.running.Pools, r.running.Console = next.config.Pools, next.config.Console
	r.log.Info("pools read anew", "pools", len(next.Pools))
}

// takeKeys signs and publishes by the keys of next from now on.
func (r *reloader) takeKeys(next *configuration) error {
	before, after := keysAlone(r.running), keysAlone(next.config)
	if len(changedKeys(before, after)) == 0 {
		return nil
	}
	if err := r.signer.Replace(next.SigningKey, next.OtherKeys...); err != nil {
		return err
	}
	r.running.SigningKey, r.running.SigningKeys = after.SigningKey, after.SigningKeys
	r.log.Info("signing keys changed", "signs", next.SigningKey != nil, "publishedBeside", len(next.OtherKeys))
	return nil
}

// keysAlone is of a configuration what is about signing keys.
func keysAlone(c config) config {
	return config{SigningKey: c.SigningKey, SigningKeys: c.SigningKeys}
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

// restartKeys returns the keys at which two configurations differ beyond what
// reload takes. Administrators may come and go, but for the first and the last.
func restartKeys(a, b config) []string {
	if a.Console != nil && b.Console != nil {
		a.Console, b.Console = nil, nil
	}
	for _, c := range []*config{&a, &b} {
		c.Pools, c.SigningKey, c.SigningKeys, c.GeoIPFile = nil, "", nil, ""
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
