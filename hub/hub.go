// Package hub tracks which watcher in this process waits for which code, and gives each
// watcher the newest state of its code.
//
// It guarantees that a watcher is woken for every state that is newer than the last one it
// read, and never reads an older state after a newer one; that a watcher which does not
// read costs nothing and blocks no subscriber; that a code past its end is read again until the
// store confirms the end; and that neither the hub nor the bus keeps anything for a code
// after its last watcher has gone.
package hub

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/session"
)

// ErrStopped is returned by Watch after the hub's Run has returned.
var ErrStopped = errors.New("the hub has stopped")

// Hub distributes the states of codes from a bus to watchers.
type Hub struct {
	bus  session.Bus
	now  func() time.Time
	wake wakeup.Signal // set when dirty is not empty

	mu      sync.Mutex
	entries map[session.ID]*entry
	dirty   map[session.ID]struct{} // codes whose subscription may have to change
	rereads map[int64][]session.ID  // codes to read again, by the step of the store's clock (see stepSize)
	watches int
	stopped bool
}

// entry is a code that is watched, or was until the next reconciliation.
type entry struct {
	first *Watch // linked list: nearly all codes have one watcher

	latest session.Snapshot // version 0 until the first delivery
	err    error            // session.ErrNotFound or ErrLost; final

	subscribed bool  // the bus delivers this code
	reread     bool  // the bus must deliver the stored state again
	rereadStep int64 // the step in rereads that holds this code; 0: none
}

// New returns a hub on bus. now is the store's clock (session.Store.Now).
func New(bus session.Bus, now func() time.Time) *Hub {
	return &Hub{
		bus:     bus,
		now:     now,
		wake:    wakeup.New(),
		entries: make(map[session.ID]*entry),
		dirty:   make(map[session.ID]struct{}),
		rereads: make(map[int64][]session.ID),
	}
}

// Watch is one watcher's subscription to a code.
type Watch struct {
	hub  *Hub
	id   session.ID
	wake func()

	entry *entry // nil after Close
	next  *Watch
}

// Watch subscribes to a code until Close. It calls wake when Latest may return something
// newer: without holding a lock, possibly before Watch returns, and possibly once after
// Close. wake must not block. The error is ErrStopped.
func (h *Hub) Watch(id session.ID, wake func()) (*Watch, error) {
	h.mu.Lock()
	if h.stopped {
		h.mu.Unlock()
		return nil, ErrStopped
	}
	e := h.entries[id]
	if e == nil {
		e = new(entry)
		h.entries[id] = e
		h.markDirty(id)
	}
	w := h.add(id, e, wake)
	known := e.known()
	h.mu.Unlock()
	if known {
		wake()
	}
	return w, nil
}

// add adds a watch to an entry. h.mu is held.
func (h *Hub) add(id session.ID, e *entry, wake func()) *Watch {
	w := &Watch{hub: h, id: id, wake: wake, entry: e, next: e.first}
	e.first = w
	h.watches++
	return w
}

// Latest returns the newest state, with version 0 if none has been delivered yet. Both
// errors are final: session.ErrNotFound if the store does not have the code (any more),
// session.ErrLost if the store contradicts an earlier delivery.
func (w *Watch) Latest() (session.Snapshot, error) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if w.entry == nil {
		return session.Snapshot{}, nil
	}
	return w.entry.latest, w.entry.err
}

// Close ends the subscription. Further calls do nothing.
func (w *Watch) Close() {
	h := w.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.entry == nil {
		return
	}
	e := w.entry
	for at := &e.first; *at != nil; at = &(*at).next {
		if *at == w {
			*at = w.next
			break
		}
	}
	w.entry, w.next = nil, nil
	h.watches--
	if e.first == nil {
		h.markDirty(w.id)
	}
}

// Watches returns the number of open watches.
func (h *Hub) Watches() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watches
}

// Run distributes states until ctx ends, and returns ctx's error, or the error that
// permanently stopped the bus. It may be called once.
func (h *Hub) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var bus sync.WaitGroup
	bus.Go(func() { cancel(h.bus.Run(ctx, h.deliver)) })
	h.reconcile(ctx)
	bus.Wait()

	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	return context.Cause(ctx)
}

// deliver takes a delivery of the bus, and wakes the code's watchers if it is newer.
func (h *Hub) deliver(s session.Snapshot, err error) {
	h.mu.Lock()
	e := h.entries[s.ID]
	if e == nil || !e.update(s, err) {
		h.mu.Unlock()
		return
	}
	h.scheduleExpiry(s.ID, e)
	var few [4]func()
	wakes := few[:0]
	for w := e.first; w != nil; w = w.next {
		wakes = append(wakes, w.wake)
	}
	h.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

func (e *entry) known() bool { return e.latest.Version > 0 || e.err != nil }

// update makes s the newest state, and reports whether that changed anything.
func (e *entry) update(s session.Snapshot, err error) bool {
	switch {
	case e.err != nil: // final
		return false
	case err != nil:
		e.err = err
	case s.Version < e.latest.Version: // late
		return false
	case s.Version > e.latest.Version:
		e.latest = s
	case s.Op == e.latest.Op: // repeated
		return false
	default: // the same version by another operation
		e.err = session.ErrLost
	}
	return true
}
