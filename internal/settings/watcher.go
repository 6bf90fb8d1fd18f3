package settings

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/wakeup"
)

// Document is the name of the stored overrides in the key-value store.
const Document = "settings"

// pollEvery is the interval of reading the storage in case an announcement was lost.
// Together with the time of a call it stays below the guaranteed 2 s.
const pollEvery = time.Second

// Watcher holds the overrides of one node as they are stored. Make it with NewWatcher.
type Watcher struct {
	kv    kv.Store
	apply func(Overrides)
	log   *slog.Logger
	woken wakeup.Signal // set if the overrides may have changed

	mu          sync.Mutex // also held while apply runs, so that the newest overrides are applied last
	document    kv.Document
	current     Overrides
	unavailable bool // the last read failed
}

// NewWatcher makes a Watcher. It calls apply with each new version of the overrides, from
// one goroutine at a time; apply must not call the Watcher.
func NewWatcher(store kv.Store, apply func(Overrides), log *slog.Logger) *Watcher {
	return &Watcher{kv: store, apply: apply, log: log, woken: wakeup.New()}
}

// Now estimates the clock of the storage.
func (w *Watcher) Now() time.Time { return w.kv.Now() }

// Wake makes Run read the storage soon. It does not block.
func (w *Watcher) Wake() { w.woken.Set() }

// Current returns the overrides in force on this node.
func (w *Watcher) Current() Overrides {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}

// Run reads the storage, when woken and regularly, until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.woken:
		case <-tick.C:
		}
		_ = w.Read(ctx) // is logged; the next read is a retry
	}
}

// Read reads the storage and applies a new version. Without an answer the known overrides
// stay in force; the first failure and the recovery are logged.
func (w *Watcher) Read(ctx context.Context) error {
	w.mu.Lock()
	known := w.document
	w.mu.Unlock()
	found, err := w.kv.Load(ctx, Document, known)

	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil && !w.unavailable:
		w.log.Warn("changed settings cannot be read; the known ones stay in force", "error", err)
	case err == nil && w.unavailable:
		w.log.Warn("changed settings can be read again")
	}
	w.unavailable = err != nil
	if err != nil || w.document != known || found == known { // or Save stored a newer one meanwhile
		return err
	}
	w.use(found)
	return nil
}

// use applies a stored document. An invalid one counts as no overrides. w.mu is held.
func (w *Watcher) use(found kv.Document) {
	overrides, err := decode(found.Text)
	if err != nil {
		w.log.Warn("the stored settings are invalid; those in the file are in force", "version", found.Version, "reason", err)
	}
	overrides.Version = found.Version
	w.document, w.current = found, overrides
	w.apply(overrides)
}

// Save stores the next version of the overrides, and applies it. The error is
// [kv.ErrStale] if another node stored that version first; Run then reads it.
func (w *Watcher) Save(ctx context.Context, next Overrides) error {
	text, err := next.encode()
	if err != nil {
		return Problems{"": err.Error()}
	}
	stored, err := w.kv.Swap(ctx, Document, next.Version, text)
	if err != nil {
		w.Wake()
		return fmt.Errorf("save settings: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.document.Version < stored.Version { // otherwise an even newer version was read meanwhile
		w.use(stored)
	}
	return nil
}
