package settings

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
)

// Editor keeps the pools of a node at the values of the file and of the overrides, and
// changes overrides. Make it with NewEditor.
type Editor struct {
	registry *pool.Registry
	watcher  *Watcher
	log      *slog.Logger
	started  time.Time

	mu        sync.Mutex
	file      *config.Config
	overrides Overrides
	current   *config.Config // the file with the overrides
}

// NewEditor makes an Editor of the pools in registry, which are those of file.
func NewEditor(file *config.Config, registry *pool.Registry, store kv.Store, log *slog.Logger) *Editor {
	e := &Editor{registry: registry, file: file, current: file, log: log, started: time.Now()}
	e.watcher = NewWatcher(store, e.apply, log)
	return e
}

// Wake makes Run read the stored overrides soon. It does not block.
func (e *Editor) Wake() { e.watcher.Wake() }

// Read reads the stored overrides and applies them.
func (e *Editor) Read(ctx context.Context) error { return e.watcher.Read(ctx) }

// Run applies changes of all nodes until ctx ends.
func (e *Editor) Run(ctx context.Context) { e.watcher.Run(ctx) }

// Version returns the version of the overrides in force; 0: nothing was ever changed.
func (e *Editor) Version() int64 { return e.watcher.Current().Version }

// SetFile applies a file that was read again.
func (e *Editor) SetFile(file *config.Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.file = file
	e.merge()
}

// apply applies overrides, and logs the changes that are new to this node.
func (e *Editor) apply(overrides Overrides) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.overrides
	e.overrides = overrides
	e.merge()
	e.log.Info("changed settings are in force", "version", overrides.Version, "pools", len(overrides.Pools))
	for _, c := range overrides.History {
		if c.At.Before(e.started) || len(before.History) > 0 && c == before.History[0] {
			return // older than this node, or logged before
		}
		e.log.Info("setting changed", "pool", c.Pool, "setting", c.Setting, "before", c.Before, "after", c.After, "reset", c.Reset, "by", c.By)
	}
}

// merge puts the file with the overrides into the registry. e.mu is held.
func (e *Editor) merge() {
	current, invalid := merge(e.file, e.overrides.Pools)
	for _, v := range invalid {
		e.log.Warn("an invalid override is ignored; the value in the file is in force", "pool", v.Pool, "setting", v.Setting, "reason", v.Text)
	}
	e.current = current
	e.registry.Replace(current.UserPools...)
}

// Pools returns all pools as they are on this node.
func (e *Editor) Pools() []Pool {
	e.mu.Lock()
	defer e.mu.Unlock()
	pools := make([]Pool, len(e.file.Pools))
	for i, p := range e.file.Pools {
		pools[i] = describe(p, e.current.Pools[i], e.file.Limits, e.overrides.Pools[p.ID])
	}
	return pools
}

// History returns the last changes, newest first.
func (e *Editor) History() []Change {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.overrides.History
}

// Shown returns a value of a change as people read it; see [Setting.Shown].
func (e *Editor) Shown(c Change, text string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Setting{Inherited: inherited(c.Setting, e.file.Limits)}.Shown(text)
}

// NoPool returns the error for a pool that the file does not have.
func (e *Editor) NoPool(id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return errors.New(noPool(id, e.file))
}

// attempts limits how often an edit is repeated because another pool was changed at the
// same time.
const attempts = 5

// Change makes an edit: it stores it, and applies it to this node. The error is [Problems]
// if the edit is invalid, and [kv.ErrStale] if the pool changed since its mark.
func (e *Editor) Change(ctx context.Context, edit Edit) (err error) {
	for range attempts {
		if err := e.watcher.Read(ctx); err != nil { // the edit is based on what is stored
			return err
		}
		e.mu.Lock()
		before := e.overrides
		next, err := edited(e.file, e.current, before, edit, e.watcher.Now())
		e.mu.Unlock()
		if err != nil || next.Version == before.Version {
			return err
		}
		if err = e.watcher.Save(ctx, next); err == nil {
			return nil
		} else if !errors.Is(err, kv.ErrStale) {
			return err
		}
	}
	return kv.ErrStale
}
