package webhook

import (
	"context"
	"errors"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
)

const tooMany = "too many messages wait for this receiver"

// queueAll queues the messages on a code that were not queued. Its receiver may
// have been told of one before by another node, and knows it by its id.
func (f *follower) queueAll(ctx context.Context, s session.Session, c *followed) error {
	for _, t := range f.own(s) {
		m := t.message()
		scanned := !s.ScannedAt.IsZero()
		if queued, known := c.told[m.ID]; queued || known && !scanned {
			continue
		}
		queued := true
		if w := f.webhook(f.pool); w != nil && w.Wants(t.Type) {
			var err error
			if queued, err = f.add(ctx, m, scanned); err != nil {
				return err
			}
		}
		c.told[m.ID] = queued
	}
	return nil
}

// own returns the transitions of a code that this follower tells. The scan and what
// comes after it are those of the lane of scanned codes, unless the scan was not queued
// there: then another version of scanlogin stored it.
func (f *follower) own(s session.Session) []transition {
	all := transitionsOf(s)
	switch {
	case f.scannedOnly && s.ScannedAt.IsZero():
		return nil
	case f.scannedOnly:
		return all[1:]
	case s.ScanQueued:
		return all[:1]
	}
	return all
}

// add queues a message. Where too many wait, one of a scanned code becomes a dead
// letter at once, and another one is dropped; it is not queued then, but will be when
// the code is scanned.
func (f *follower) add(ctx context.Context, m message, scanned bool) (queued bool, err error) {
	due := f.due
	if !scanned {
		due = f.unscanned
	}
	err = f.Queue.Add(ctx, due, m.text())
	switch {
	case errors.Is(err, queue.ErrFull) && scanned:
		return true, f.bury(ctx, f.pool, deadOf(f.pool), m, tooMany)
	case errors.Is(err, queue.ErrFull):
		f.drop(ctx, f.pool, tooMany)
		return false, nil
	case err != nil:
		return false, err
	}
	f.added()
	return true, nil
}
