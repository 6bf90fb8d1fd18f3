package app

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/scanlogin/scanlogin/internal/audit"
	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/token"
)

// reloadSource says when to reload, and from where.
type reloadSource struct {
	load    func() (*config.Config, error)
	hangups <-chan os.Signal
}

// reloader applies a new configuration to a running server: its pools, signing keys, GeoIP
// file and administrators. Other changes need a restart.
type reloader struct {
	reloadSource
	setPools func(*config.Config) // puts the pools of a configuration into force
	signer   *token.Signer
	trail    *audit.Trail // nil: off
	places   *geoip.Locator
	running  config.Config // in force
	log      *slog.Logger
}

// newReloader makes a reloader of a. setPools may be nil: then the registry gets the pools.
func newReloader(a *App, from reloadSource, setPools func(*config.Config)) *reloader {
	if setPools == nil {
		setPools = func(c *config.Config) { a.registry.Replace(c.UserPools...) }
	}
	return &reloader{
		reloadSource: from, setPools: setPools, signer: a.signer, trail: a.trail, places: a.places, running: *a.config, log: a.log,
	}
}

// run reloads at each SIGHUP until ctx ends.
func (r *reloader) run(ctx context.Context) {
	for {
		select {
		case <-r.hangups:
			if r.trail != nil {
				r.trail.Reopen() // even if the configuration is invalid: the file may have been rotated
			}
			r.reload()
		case <-ctx.Done():
			return
		}
	}
}

// reload reads the configuration and applies it; an invalid one changes nothing. Unchanged
// pools keep their state, such as the caches of their identities.
func (r *reloader) reload() {
	next, err := r.load()
	if err != nil {
		r.logRefused(err)
		return
	}
	logWarnings(r.log, next.Warnings)
	if keys := r.running.RestartKeys(next); len(keys) > 0 {
		r.log.Warn("these settings changed in the file and need a restart", "keys", keys)
	}
	if err := r.replaceKeys(next); err != nil {
		r.logRefused(err)
		return
	}
	r.keepUnchangedPools(next)
	r.setPools(next)
	r.places.Replace(next.GeoIP)
	r.running.Pools, r.running.UserPools, r.running.Console = next.Pools, next.UserPools, next.Console
	r.log.Info("configuration reloaded", "pools", len(next.Pools))
}

// replaceKeys signs with the keys of next from now on.
func (r *reloader) replaceKeys(next *config.Config) error {
	if r.running.SameSigningKeys(next) {
		return nil
	}
	if err := r.signer.Replace(next.PrivateKey, next.PublishedKeys...); err != nil {
		return err
	}
	r.running.SigningKey, r.running.SigningKeys = next.SigningKey, next.SigningKeys
	r.log.Info("signing keys changed", "signs", next.PrivateKey != nil, "otherKeys", len(next.PublishedKeys))
	return nil
}

// keepUnchangedPools replaces the unchanged pools of next with the running ones, and logs
// the others.
func (r *reloader) keepUnchangedPools(next *config.Config) {
	running := make(map[string]int)
	for i, p := range r.running.Pools {
		running[p.ID] = i
	}
	for i, p := range next.Pools {
		before, known := running[p.ID]
		delete(running, p.ID)
		if !known {
			r.log.Info("pool added", "pool", p.ID)
		} else if keys := r.running.Pools[before].ChangedKeys(p); len(keys) > 0 {
			r.log.Info("pool changed", "pool", p.ID, "keys", keys)
		} else {
			next.UserPools[i] = r.running.UserPools[before]
		}
	}
	for id := range running {
		r.log.Info("pool removed", "pool", id)
	}
}

func (r *reloader) logRefused(err error) {
	r.log.Error("the configuration is refused; nothing was changed")
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		r.log.Error("configuration", "error", err)
	}
	for _, p := range problems {
		r.log.Error("configuration", "problem", p.String())
	}
}

func logWarnings(log *slog.Logger, warnings []config.Problem) {
	for _, w := range warnings {
		log.Warn("configuration", "problem", w.String())
	}
}
