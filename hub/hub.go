// Package hub knows who in this process watches which code, and brings each of
// them its newest state.
//
// It promises that a watcher, from joining on, is woken for every state that is
// newer than the one it saw, and never sees an older one after a newer; that a
// watcher which does not look costs nothing and holds up nobody; that a code
// whose time is over is asked for again until the store says so; and that
// nothing is left, here or on the bus, when the last watcher has gone.
package hub

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// ErrStopped is returned by Watch when the hub's Run has ended.
var ErrStopped = errors.New("the hub has stopped")

// Hub brings the states of codes from a bus to watchers.
type Hub struct {
	bus   session.Bus
	now   func() time.Time
	nudge chan struct{} // holds one token when dirty is not empty

	mu      sync.Mutex
	topics  map[session.ID]*topic
	dirty   map[session.ID]struct{} // topics that the bus must be told about
	ends    map[int64][]session.ID  // codes to ask for again, by the step of the store's clock (endStep)
	watches int
	stopped bool
}

// topic is a code that is watched, or was until just now.
type topic struct {
	first *Watch // a list: a code nearly always has one watcher

	latest session.Snapshot // of version 0 until the first delivery
	err    error            // session.ErrNotFound or ErrLost; final

	subscribed bool  // the bus was told to follow it
	again      bool  // the bus is to tell its state again
	due        int64 // the step in ends under which it stands; 0: under none
}

// New makes a hub over bus; now is the store's clock (session.Store.Now).
func New(bus session.Bus, now func() time.Time) *Hub {
	return &Hub{
		bus:    bus,
		now:    now,
		nudge:  make(chan struct{}, 1),
		topics: make(map[session.ID]*topic),
		dirty:  make(map[session.ID]struct{}),
		ends:   make(map[int64][]session.ID),
	}
}

// Watch is one watcher's hold on a code.
type Watch struct {
	hub  *Hub
	id   session.ID
	wake func()

	topic *topic // nil after Close
	next  *Watch
}

// Watch follows a code until Close. It calls wake when something newer than
// what Latest returned may be there: without locks held, perhaps before Watch
// returns and once after Close. wake must not block. The error is ErrStopped.
func (h *Hub) Watch(id session.ID, wake func()) (*Watch, error) {
	h.mu.Lock()
	if h.stopped {
		h.mu.Unlock()
		return nil, ErrStopped
	}
	t := h.topics[id]
	if t == nil {
		t = new(topic)
		h.topics[id] = t
		h.mark(id)
	}
	w := &Watch{hub: h, id: id, wake: wake, topic: t, next: t.first}
	t.first = w
	h.watches++
	known := t.known()
	h.mu.Unlock()
	if known {
		wake()
	}
	return w, nil
}

// Latest returns the newest state; of version 0 if none was told yet. Errors,
// both final: session.ErrNotFound if the store has no such code (any more),
// session.ErrLost if it contradicted what was told.
func (w *Watch) Latest() (session.Snapshot, error) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if w.topic == nil {
		return session.Snapshot{}, nil
	}
	return w.topic.latest, w.topic.err
}

// Close ends the watch; a second Close does nothing.
func (w *Watch) Close() {
	h := w.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.topic == nil {
		return
	}
	t := w.topic
	for at := &t.first; *at != nil; at = &(*at).next {
		if *at == w {
			*at = w.next
			break
		}
	}
	w.topic, w.next = nil, nil
	h.watches--
	if t.first == nil {
		h.mark(w.id)
	}
}

// Watches is the number of watches that are open.
func (h *Hub) Watches() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watches
}

// Run brings states until ctx ends, and returns its error, or why the bus can
// never work. It may be called once.
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

// deliver takes what the bus says of a code, and wakes whom it is news for.
func (h *Hub) deliver(s session.Snapshot, err error) {
	h.mu.Lock()
	t := h.topics[s.ID]
	if t == nil || !t.take(s, err) {
		h.mu.Unlock()
		return
	}
	h.awaitEnd(s.ID, t)
	var few [4]func()
	wakes := few[:0]
	for w := t.first; w != nil; w = w.next {
		wakes = append(wakes, w.wake)
	}
	h.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

func (t *topic) known() bool { return t.latest.Version > 0 || t.err != nil }

// take makes s the newest state, and reports whether it is news.
func (t *topic) take(s session.Snapshot, err error) bool {
	switch {
	case t.err != nil: // final
		return false
	case err != nil:
		t.err = err
	case s.Version < t.latest.Version: // late
		return false
	case s.Version > t.latest.Version:
		t.latest = s
	case s.Op == t.latest.Op: // said twice
		return false
	default: // another history
		t.err = session.ErrLost
	}
	return true
}
