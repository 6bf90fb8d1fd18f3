package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

const (
	// maxParallel bounds the concurrent requests of one node to one receiver.
	maxParallel = 8
	// maxParallelUnscanned is how many of these may be for unscanned codes, so that a
	// login's message does not wait for their attempts.
	maxParallelUnscanned = maxParallel / 2
	// sendHold is how long a message is held while it is sent: an attempt and a margin.
	// After that, other nodes send the messages of a dead node.
	sendHold = attemptTimeout + 5*time.Second
	// giveUpAge is the age at which a failing message becomes a dead letter.
	giveUpAge = 24 * time.Hour
)

// sender sends the messages of one pool.
type sender struct {
	*Relay
	pool    string
	poster  *poster
	wake    wakeup.Signal // set if there may be messages to send
	results chan result   // of attempts; has room for all

	failures int // failed attempts since the last success; used by run only
}

// result is the result of an attempt to send a message of a lane.
type result struct {
	lane *sendLane
	err  error
}

// sendLane is a lane of messages.
type sendLane struct {
	queue.Lane
	free int        // attempts that may be started
	dead queue.Lane // for messages that are given up
}

func newSender(r *Relay, pool string) *sender {
	return &sender{
		Relay: r, pool: pool, wake: wakeup.New(), results: make(chan result, maxParallel),
		poster: newPoster(func() bool { w := r.webhook(pool); return w != nil && w.AllowPrivate }),
	}
}

// run sends messages until ctx ends, those of scanned codes first. It then waits for the
// running attempts, which ctx aborts.
func (s *sender) run(ctx context.Context) {
	var attempts sync.WaitGroup
	defer s.poster.close()
	defer attempts.Wait()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	lanes := []*sendLane{{dueOf(s.pool), maxParallel, deadOf(s.pool)}, {unscannedOf(s.pool), maxParallelUnscanned, deadUnscannedOf(s.pool)}}
	for free := maxParallel; ctx.Err() == nil; {
		for _, lane := range lanes {
			for _, e := range s.take(ctx, lane, min(free, lane.free)) {
				free--
				lane.free--
				attempts.Go(func() { s.results <- result{lane, s.attempt(ctx, lane, e)} })
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-s.wake:
		case r := <-s.results:
			free++
			r.lane.free++
			s.logResult(ctx, r.err)
		}
	}
}

func (s *sender) take(ctx context.Context, lane *sendLane, n int) []queue.Entry {
	if n == 0 {
		return nil
	}
	entries, err := s.Queue.Take(ctx, lane.Lane, n, sendHold)
	if err != nil {
		s.Log.Debug("webhook messages not taken", "pool", s.pool, "error", err)
	}
	return entries
}

// attempt sends a message once, and removes, releases or postpones it.
func (s *sender) attempt(ctx context.Context, lane *sendLane, e queue.Entry) error {
	m, ok := readMessage(e.Text)
	if !ok {
		s.done(ctx, lane, e)
		return nil
	}
	err := s.send(ctx, m)
	switch {
	case err == nil:
		s.done(ctx, lane, e)
		s.Observe(s.pool, Delivered)
	case ctx.Err() != nil: // shutting down: the outcome is unknown
		s.release(ctx, lane.Lane, e.ID)
		return nil
	default:
		s.Observe(s.pool, Failed)
		s.postpone(ctx, lane, e, m, err)
	}
	return err
}

var errNoWebhook = errors.New("the pool has no webhook")

func (s *sender) send(ctx context.Context, m message) error {
	w := s.webhook(s.pool)
	if w == nil {
		return errNoWebhook
	}
	return s.poster.post(ctx, w, m)
}

// postpone holds a failed message until its next attempt, or gives it up. The pause is
// computed from the age, so no count of attempts has to be stored.
func (s *sender) postpone(ctx context.Context, lane *sendLane, e queue.Entry, m message, failure error) {
	age := s.Store.Now().Sub(e.Added)
	if errors.Is(failure, errGone) || age >= giveUpAge {
		if s.discard(ctx, lane, m, failure) {
			s.done(ctx, lane, e)
			return
		}
	}
	wait := pause(age)
	if response, ok := errors.AsType[*statusError](failure); ok {
		wait = min(max(wait, response.retryAfter), maxPause)
	}
	if err := s.Queue.Hold(ctx, lane.Lane, wait, e.ID); err != nil { // then it is free when sendHold ends
		s.Log.Debug("webhook message not postponed", "pool", s.pool, "error", err)
	}
}

// discard gives up a message, and reports whether it may be removed from its lane: only after
// its dead letter is stored.
func (s *sender) discard(ctx context.Context, lane *sendLane, m message, failure error) bool {
	err := s.addDeadLetter(ctx, s.pool, lane.dead, m, failure.Error())
	if errors.Is(err, queue.ErrFull) {
		s.drop(ctx, s.pool, failure.Error())
		return true
	}
	return err == nil
}

const (
	minPause = 5 * time.Second
	maxPause = 6 * time.Hour
)

// pause returns how long a message of an age waits for its next attempt: as long as its age,
// so that pauses double, plus up to a fifth, so that messages that failed together are not
// retried together.
func pause(age time.Duration) time.Duration {
	p := min(max(age, minPause), maxPause)
	return min(p+rand.N(p/5), maxPause) // #nosec G404 -- spreads load; guessing it has no value
}

// done removes a message. If that fails, it is sent again.
func (s *sender) done(ctx context.Context, lane *sendLane, e queue.Entry) {
	if err := s.Queue.Done(ctx, lane.Lane, e.ID); err != nil {
		s.Log.Debug("webhook message not removed", "pool", s.pool, "error", err)
	}
}

// logResult logs when a receiver starts to fail and when it recovers.
func (s *sender) logResult(ctx context.Context, err error) {
	switch {
	case err == nil && s.failures > 0:
		s.logLimited(ctx, slog.LevelWarn, s.pool, "webhook receiver recovered", "failed", s.failures)
		s.failures = 0
	case err != nil:
		s.failures++
		if s.failures&(s.failures-1) == 0 { // the 1st, 2nd, 4th, 8th …
			s.limited.Log(ctx, slog.LevelWarn, fmt.Sprint("fails ", s.failures, "\x00", s.pool), "webhook delivery failed",
				"pool", s.pool, "reason", err.Error(), "failed", s.failures)
		}
	}
}
