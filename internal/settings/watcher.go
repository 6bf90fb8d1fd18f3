package settings

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
)

// Document is the name under which the layer is stored and announced.
const Document = "settings"

// pollEvery is how often the storage is asked whether an announcement was
// missed: with a call's time it stays below the promised 2 s.
const pollEvery = time.Second

// Keeper keeps one node's layer as it is stored. Make it with NewKeeper.
type Keeper struct {
	shelf kv.Store
	use   func(Layer)
	log   *slog.Logger
	woken chan struct{} // holds a token when the layer may have changed

	mu   sync.Mutex // also held while use is called, so that the newest one is used last
	have kv.Document
	now  Layer
	away bool // the storage did not answer the last time
}

// NewKeeper makes a Keeper that has use called with each layer, from one
// goroutine at a time; use must not call the Keeper.
func NewKeeper(on kv.Store, use func(Layer), log *slog.Logger) *Keeper {
	return &Keeper{shelf: on, use: use, log: log, woken: make(chan struct{}, 1)}
}

// Now estimates the storage's clock.
func (k *Keeper) Now() time.Time { return k.shelf.Now() }

// Wake has the storage asked soon. It does not block.
func (k *Keeper) Wake() {
	select {
	case k.woken <- struct{}{}:
	default:
	}
}

// Layer returns what this node uses.
func (k *Keeper) Layer() Layer {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

// Run follows what is stored until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.woken:
		case <-tick.C:
		}
		_ = k.Read(ctx) // is logged, and tried again
	}
}

// Read asks the storage. An error is logged when the storage goes, and its
// return when it comes back; the node keeps what it has meanwhile.
func (k *Keeper) Read(ctx context.Context) error {
	k.mu.Lock()
	have := k.have
	k.mu.Unlock()
	found, err := k.shelf.Load(ctx, Document, have)

	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil && !k.away:
		k.log.Warn("changed settings cannot be read; what is known stays in force", "error", err)
	case err == nil && k.away:
		k.log.Info("changed settings can be read again")
	}
	k.away = err != nil
	if err != nil || k.have != have || found == have { // or a change of ours came between
		return err
	}
	k.take(found)
	return nil
}

// take uses what is stored; what is no layer counts as none. k.mu is held.
func (k *Keeper) take(found kv.Document) {
	layer, err := decode(found.Text)
	if err != nil {
		k.log.Warn("what is stored are no settings; the file's are in force", "version", found.Version, "reason", err)
	}
	layer.Version = found.Version
	k.have, k.now = found, layer
	k.use(layer)
}

// Save stores next over the layer before it, and uses it. The error is
// kv.ErrStale if somebody else was faster; it has the stored one read.
func (k *Keeper) Save(ctx context.Context, next Layer) error {
	text, err := next.encode()
	if err != nil {
		return Problems{"": err.Error()}
	}
	stored, err := k.shelf.Swap(ctx, Document, next.Version, text)
	if err != nil {
		k.Wake()
		return fmt.Errorf("save settings: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.have.Version < stored.Version { // else somebody's next change has been read already
		k.take(stored)
	}
	return nil
}
