package webhook

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// addDeadLetter adds a message to the lane dead. The error is queue.ErrFull if there is no
// room.
func (r *Relay) addDeadLetter(ctx context.Context, pool string, dead queue.Lane, m message, failure string) error {
	m.Failure = failure
	if err := r.Queue.Add(ctx, dead, m.text()); errors.Is(err, queue.ErrFull) {
		return err
	} else if err != nil {
		r.logLimited(ctx, slog.LevelWarn, pool, "webhook dead letter not stored", "error", err)
		return err
	}
	r.logLimited(ctx, slog.LevelWarn, pool, "webhook message became a dead letter", "id", m.ID, "reason", failure)
	r.Observe(pool, Dead)
	return nil
}

// drop gives up a message of an unscanned code without a dead letter: a flood of codes would
// displace the dead letters of logins.
func (r *Relay) drop(ctx context.Context, pool, failure string) {
	r.logLimited(ctx, slog.LevelWarn, pool, "webhook message of an unscanned code dropped", "reason", failure)
	r.Observe(pool, Dropped)
}

// DeadLetter is a message whose delivery was given up.
type DeadLetter struct {
	ID      string    `json:"id"` // webhook-id
	Since   time.Time `json:"since"`
	Failure string    `json:"failure"` // why the last attempt failed
	Body    string    `json:"body"`    // as sent

	entry string
}

// DeadLetters gives the console and the commands access to the dead letters in a queue. They
// are kept for 30 days after the last one of the pool, and about 10,000 per pool.
type DeadLetters struct{ Queue queue.Queue }

// List returns the n newest dead letters of a pool, newest first.
func (d DeadLetters) List(ctx context.Context, pool string, n int) ([]DeadLetter, error) {
	entries, err := d.Queue.List(ctx, deadOf(pool), n)
	if err != nil {
		return nil, err
	}
	letters := make([]DeadLetter, 0, len(entries))
	for _, e := range entries {
		if m, ok := readMessage(e.Text); ok {
			letters = append(letters, DeadLetter{ID: m.ID, Since: e.Added, Failure: m.Failure, Body: m.Body, entry: e.ID})
		}
	}
	return letters, nil
}

// Resend queues dead letters of a pool again: those with the ids, or all if none are given.
// It returns how many were queued, also with an error.
func (d DeadLetters) Resend(ctx context.Context, pool string, ids ...string) (n int, err error) {
	letters, err := d.List(ctx, pool, 2*maxDead) // a lane may exceed its limit a little
	if err != nil {
		return 0, err
	}
	for _, l := range slices.Backward(letters) { // oldest first
		if len(ids) > 0 && !slices.Contains(ids, l.ID) {
			continue
		}
		if err := d.Queue.Add(ctx, dueOf(pool), message{ID: l.ID, Body: l.Body}.text()); err != nil {
			return n, err
		}
		if err := d.Queue.Done(ctx, deadOf(pool), l.entry); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
