package webhook

import (
	"context"
	"errors"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
)

const queueFull = "the queue of this receiver is full"

// queueAll queues the messages of a code that were not queued yet. Another node may have sent
// one before; the receiver recognizes its id.
func (t *tracker) queueAll(ctx context.Context, s session.Session, c *trackedCode) error {
	for _, tr := range t.ownTransitions(s) {
		m := tr.message()
		scanned := !s.ScannedAt.IsZero()
		if queued, known := c.queued[m.ID]; queued || known && !scanned {
			continue
		}
		queued := true
		if w := t.webhook(t.pool); w != nil && w.Wants(tr.Type) {
			var err error
			if queued, err = t.add(ctx, m, scanned); err != nil {
				return err
			}
		}
		c.queued[m.ID] = queued
	}
	return nil
}

// ownTransitions returns the transitions of a code that belong to this tracker. The scan and
// later ones belong to the lane of scanned codes, unless the scan was not queued there
// because an older program version stored it.
func (t *tracker) ownTransitions(s session.Session) []transition {
	all := transitionsOf(s)
	switch {
	case t.scannedOnly && s.ScannedAt.IsZero():
		return nil
	case t.scannedOnly:
		return all[1:]
	case s.ScanQueued:
		return all[:1]
	}
	return all
}

// add queues a message. If the lane is full, a message of a scanned code becomes a dead letter
// at once; one of an unscanned code is dropped, and queued later if the code is scanned.
func (t *tracker) add(ctx context.Context, m message, scanned bool) (queued bool, err error) {
	due := t.due
	if !scanned {
		due = t.unscanned
	}
	err = t.Queue.Add(ctx, due, m.text())
	switch {
	case errors.Is(err, queue.ErrFull) && scanned:
		return true, t.addDeadLetter(ctx, t.pool, deadOf(t.pool), m, queueFull)
	case errors.Is(err, queue.ErrFull):
		t.drop(ctx, t.pool, queueFull)
		return false, nil
	case err != nil:
		return false, err
	}
	t.added()
	return true, nil
}
