package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/settings"
)

// desk is where the pools of a node come from: the file's settings first, what
// administrators changed over them. Either may change while the node runs.
type desk struct {
	book   *pool.Book
	keeper *settings.Keeper // nil: nothing but the file
	log    *slog.Logger
	made   time.Time

	mu    sync.Mutex
	file  *configuration
	layer settings.Layer
	now   *configuration // both together
}

func newDesk(file *configuration, log *slog.Logger) *desk {
	return &desk{book: pool.NewBook(file.Pools...), file: file, now: file, log: log, made: time.Now()}
}

// read takes what a file says.
func (d *desk) read(file *configuration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.file = file
	d.lay()
}

// filePool returns a pool as the file has it, nil if it has none of that id.
func (d *desk) filePool(id string) *pool.Pool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.file.Pools {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// admins returns those of the file.
func (d *desk) admins() []admin.Admin {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.file.config.admins()
}

// cover takes what administrators changed.
func (d *desk) cover(layer settings.Layer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.layer
	d.layer = layer
	d.lay()
	d.log.Info("changed settings are in force", "version", layer.Version, "pools", len(layer.Pools))
	for _, c := range layer.History {
		if c.At.Before(d.made) || len(before.History) > 0 && c == before.History[0] {
			return // it was before this node, or is known
		}
		d.log.Info("setting changed", "pool", c.Pool, "setting", c.Setting, "before", c.Before, "after", c.After, "reset", c.Reset, "by", c.By)
	}
}

// lay puts both together. d.mu is held.
func (d *desk) lay() {
	now, misfits := d.file.under(d.layer.Pools)
	for _, m := range misfits {
		d.log.Warn("a changed setting is ignored, and the file's value is in force", "pool", m.pool, "setting", m.setting, "reason", m.text)
	}
	d.now = now
	d.book.Replace(now.Pools...)
}

// Pools implements console.Desk.
func (d *desk) Pools() []settings.Pool {
	d.mu.Lock()
	defer d.mu.Unlock()
	pools := make([]settings.Pool, len(d.file.config.Pools))
	for i, c := range d.file.config.Pools {
		pools[i] = describe(c, d.now.config.Pools[i], d.layer.Pools[c.ID])
	}
	return pools
}

// History implements console.Desk.
func (d *desk) History() []settings.Change {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.layer.History
}

// attempts bounds how often a change is decided anew because another pool's
// came first.
const attempts = 5

// Change implements console.Desk: it makes an edit, stores it, and has it take
// effect on this node. The error is overlay.Problems if the edit is wrong, and
// shelf.ErrStale if somebody else was faster with this pool.
func (d *desk) Change(ctx context.Context, e settings.Edit) (err error) {
	for range attempts {
		if err := d.keeper.Read(ctx); err != nil { // what is decided on is what is stored
			return err
		}
		d.mu.Lock()
		before := d.layer
		next, err := d.file.edited(d.now, before, e, d.keeper.Now())
		d.mu.Unlock()
		if err != nil || next.Version == before.Version {
			return err
		}
		if err = d.keeper.Save(ctx, next); err == nil {
			return nil
		} else if !errors.Is(err, kv.ErrStale) {
			return err
		}
	}
	return kv.ErrStale
}
