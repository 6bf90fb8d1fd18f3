package hub

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// mark notes that the bus must be told about a code: that it is watched, that
// it no longer is, or that its state is wanted again. What exactly is found
// out when the reconciler looks, so that no order of events matters. h.mu is
// held.
func (h *Hub) mark(id session.ID) {
	h.dirty[id] = struct{}{}
	select {
	case h.nudge <- struct{}{}:
	default:
	}
}

// endStep is how finely ends of life are kept: a code is asked for again at most
// two steps after its end, and one waking serves all that end within a step.
const endStep = 250 * time.Millisecond

func stepOf(t time.Time) int64 { return t.UnixMilli() / endStep.Milliseconds() }

// reconcile tells the bus what is wanted until ctx ends: the only goroutine
// that does, so that the bus hears one thing after the other.
func (h *Hub) reconcile(ctx context.Context) {
	tick := time.NewTicker(endStep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.markEnded()
			continue
		case <-h.nudge:
		}
		follow, leave := h.changes()
		// An error means that ctx ended, which the loop sees next.
		if len(leave) > 0 {
			_ = h.bus.Unsubscribe(ctx, leave...)
		}
		if len(follow) > 0 {
			_ = h.bus.Subscribe(ctx, follow...)
		}
	}
}

// changes returns what the bus must be told, and forgets the topics that
// nobody watches.
func (h *Hub) changes() (follow, leave []session.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.dirty {
		t := h.topics[id]
		switch {
		case t == nil:
		case t.first == nil:
			delete(h.topics, id)
			if t.subscribed {
				leave = append(leave, id)
			}
		case !t.subscribed || t.again:
			t.subscribed, t.again = true, false
			follow = append(follow, id)
		}
	}
	clear(h.dirty)
	return follow, leave
}

// awaitEnd notes when a code's state must be asked for again, because its end
// will have come: time's end is announced by nobody. h.mu is held.
func (h *Hub) awaitEnd(id session.ID, t *topic) {
	if t.err != nil || t.latest.Status.Over() {
		return
	}
	// The end of the step in which the code ends, so that the first
	// question nearly always is the last.
	h.askAgain(id, t, stepOf(t.latest.ExpiresAt)+1)
}

func (h *Hub) askAgain(id session.ID, t *topic, step int64) {
	if t.due == step {
		return
	}
	t.due = step
	h.ends[step] = append(h.ends[step], id)
}

// stepsToRetry is a second: how long a question may take to be answered before
// it is asked again.
const stepsToRetry = int64(time.Second / endStep)

// markEnded asks for the state of all codes whose end has come, each second
// anew until the store says that it has.
func (h *Hub) markEnded() {
	now := stepOf(h.now())
	h.mu.Lock()
	defer h.mu.Unlock()
	for step, ids := range h.ends {
		if step > now {
			continue
		}
		delete(h.ends, step)
		for _, id := range ids {
			t := h.topics[id]
			if t == nil || t.due != step || t.err != nil || t.latest.Status.Over() {
				continue // gone, told, or its end has moved
			}
			t.again = true
			h.mark(id)
			h.askAgain(id, t, now+stepsToRetry)
		}
	}
}
