package webhook

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// bury lays a message aside as a dead letter; queue.ErrFull if there is no room in
// dead.
func (r *Relay) bury(ctx context.Context, pool string, dead queue.Lane, m message, failure string) error {
	m.Failure = failure
	if err := r.Queue.Add(ctx, dead, m.text()); errors.Is(err, queue.ErrFull) {
		return err
	} else if err != nil {
		r.logSome(ctx, slog.LevelWarn, pool, "dead letter of a webhook is not kept", "error", err)
		return err
	}
	r.logSome(ctx, slog.LevelWarn, pool, "webhook message is given up", "id", m.ID, "reason", failure)
	r.Observe(pool, Dead)
	return nil
}

// drop gives up a message of an unscanned code for which there is no room, also not as
// a dead letter: a flood of codes would displace those of logins.
func (r *Relay) drop(ctx context.Context, pool, failure string) {
	r.logSome(ctx, slog.LevelWarn, pool, "webhook message of an unscanned code is dropped", "reason", failure)
	r.Observe(pool, Dropped)
}

// DeadLetter is a message that was given up.
type DeadLetter struct {
	ID      string    `json:"id"` // webhook-id
	Since   time.Time `json:"since"`
	Failure string    `json:"failure"` // why the last attempt failed
	Body    string    `json:"body"`    // as it was sent

	entry string
}

// DeadLetters are the dead letters in a queue, for the console and the commands. They are kept
// for 30 days after the last of their pool came, and about 10,000 of a pool.
type DeadLetters struct{ Queue queue.Queue }

// List returns the n newest dead letters of a pool, the newest first.
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

// Resend queues dead letters of a pool anew, as if their transitions had just
// happened: those with the ids, or all if there are none. It returns how many;
// with an error, so many were queued before it.
func (d DeadLetters) Resend(ctx context.Context, pool string, ids ...string) (n int, err error) {
	letters, err := d.List(ctx, pool, 2*mostDead) // a lane may have some more than it has room for
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
