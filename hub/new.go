package hub

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// subscribeTimeout bounds how long a new code waits for its subscription. Redis acknowledges
// within a few milliseconds; a code that waits longer is created without, and read then.
const subscribeTimeout = 300 * time.Millisecond

// WatchNew is Watch for a code that the caller creates next. It returns when each state of the
// code will be delivered, so that the code need not be read, or after 300 ms. Once the code is
// stored, the caller must call Created; if it cannot be stored, Close.
func (h *Hub) WatchNew(ctx context.Context, id session.ID, wake func()) (*Watch, error) {
	h.mu.Lock()
	if h.stopped {
		h.mu.Unlock()
		return nil, ErrStopped
	}
	e := &entry{subscribed: true}
	h.entries[id] = e
	w := h.add(id, e, wake)
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, subscribeTimeout)
	defer cancel()
	_ = h.bus.SubscribeNew(ctx, id) // after an error, the bus reads the code when it is created
	return w, nil
}

// Created ends what WatchNew began: s, the new code, is stored. Latest returns it from now on.
func (w *Watch) Created(s session.Snapshot) {
	w.hub.bus.Created(s)
	w.hub.deliver(s, nil)
}
