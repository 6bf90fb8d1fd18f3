package hub

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// markDirty records that the bus subscription of a code may have to change: it is watched
// now, it is no longer watched, or its state must be read again. The reconciler looks at
// the entry to find out which, so the order of events does not matter. h.mu is held.
func (h *Hub) markDirty(id session.ID) {
	h.dirty[id] = struct{}{}
	h.wake.Set()
}

// stepSize is the resolution of end times. A code is read again at most two steps after
// its end, and one timer serves all codes that end in the same step.
const stepSize = 250 * time.Millisecond

func stepOf(t time.Time) int64 { return t.UnixMilli() / stepSize.Milliseconds() }

// reconcile updates the bus subscriptions until ctx ends. It is the only goroutine that
// does, so the bus receives one request after the other.
func (h *Hub) reconcile(ctx context.Context) {
	tick := time.NewTicker(stepSize)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.rereadExpired()
			continue
		case <-h.wake:
		}
		subscribe, unsubscribe := h.changes()
		// An error means that ctx has ended, which the next iteration handles.
		if len(unsubscribe) > 0 {
			_ = h.bus.Unsubscribe(ctx, unsubscribe...)
		}
		if len(subscribe) > 0 {
			_ = h.bus.Subscribe(ctx, subscribe...)
		}
	}
}

// changes returns the pending subscription changes, and removes the entries without
// watchers.
func (h *Hub) changes() (subscribe, unsubscribe []session.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.dirty {
		e := h.entries[id]
		switch {
		case e == nil:
		case e.first == nil:
			delete(h.entries, id)
			if e.subscribed {
				unsubscribe = append(unsubscribe, id)
			}
		case !e.subscribed || e.reread:
			e.subscribed, e.reread = true, false
			subscribe = append(subscribe, id)
		}
	}
	clear(h.dirty)
	return subscribe, unsubscribe
}

// scheduleExpiry schedules a read of a code after its end: the store does not announce
// expiry. h.mu is held.
func (h *Hub) scheduleExpiry(id session.ID, e *entry) {
	if e.err != nil || e.latest.Status.Over() {
		return
	}
	// At the end of the step in which the code ends, so that one read nearly always
	// suffices.
	h.scheduleReread(id, e, stepOf(e.latest.ExpiresAt)+1)
}

func (h *Hub) scheduleReread(id session.ID, e *entry, step int64) {
	if e.rereadStep == step {
		return
	}
	e.rereadStep = step
	h.rereads[step] = append(h.rereads[step], id)
}

// retrySteps is one second: the time that a read may take before it is repeated.
const retrySteps = int64(time.Second / stepSize)

// rereadExpired requests the state of all codes past their end, and repeats that every
// second until the store has confirmed the end.
func (h *Hub) rereadExpired() {
	now := stepOf(h.now())
	h.mu.Lock()
	defer h.mu.Unlock()
	for step, ids := range h.rereads {
		if step > now {
			continue
		}
		delete(h.rereads, step)
		for _, id := range ids {
			e := h.entries[id]
			if e == nil || e.rereadStep != step || e.err != nil || e.latest.Status.Over() {
				continue // not watched any more, ended, or rescheduled
			}
			e.reread = true
			h.markDirty(id)
			h.scheduleReread(id, e, now+retrySteps)
		}
	}
}
