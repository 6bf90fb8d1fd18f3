package webhook

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/queue"
)

const (
	// atOnce bounds the calls that one node makes to one receiver at a time.
	atOnce = 8
	// holdToSend is for how long a message is held while it is being sent: an
	// attempt and some. A dead node's messages are sent by others after it.
	holdToSend = attemptTime + 5*time.Second
	// giveUp is the age at which a message that fails becomes a dead letter.
	giveUp = 24 * time.Hour
)

// sender sends the messages of one pool.
type sender struct {
	*Relay
	pool   string
	due    queue.Lane
	caller *caller
	wake   chan struct{} // holds a token when there may be something to send
	ended  chan error    // what became of an attempt; room for all

	failing int // attempts that failed since one succeeded; run's own
}

func newSender(r *Relay, pool string) *sender {
	return &sender{
		Relay: r, pool: pool, due: dueOf(pool), wake: make(chan struct{}, 1), ended: make(chan error, atOnce),
		caller: newCaller(func() bool { w := r.webhook(pool); return w != nil && w.AllowPrivate }),
	}
}

// nudge has the sender look for messages at once.
func (s *sender) nudge() { nudge(s.wake) }

// run sends until ctx ends, and waits for the attempts that are under way, which
// that breaks off.
func (s *sender) run(ctx context.Context) {
	var attempts sync.WaitGroup
	defer s.caller.close()
	defer attempts.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for free := atOnce; ctx.Err() == nil; {
		entries, err := s.Queue.Take(ctx, s.due, free, holdToSend)
		if err != nil {
			s.Log.Debug("webhook messages are not taken", "pool", s.pool, "error", err)
		}
		free -= len(entries)
		for _, e := range entries {
			attempts.Go(func() { s.ended <- s.attempt(ctx, e) })
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-s.wake:
		case err := <-s.ended:
			free++
			s.note(err)
		}
	}
}

// attempt sends a message once, and decides what becomes of it.
func (s *sender) attempt(ctx context.Context, e queue.Entry) error {
	m, ok := readMessage(e.Text)
	if !ok {
		s.done(ctx, e)
		return nil
	}
	err := s.send(ctx, m)
	switch {
	case err == nil:
		s.done(ctx, e)
		s.Observe(s.pool, Delivered)
	case ctx.Err() != nil: // we leave; whether it arrived is not known
		s.letGo(ctx, s.due, e.ID)
		return nil
	default:
		s.Observe(s.pool, Failed)
		s.postpone(ctx, e, m, err)
	}
	return err
}

var errNoWebhook = errors.New("the pool has no webhook")

func (s *sender) send(ctx context.Context, m message) error {
	w := s.webhook(s.pool)
	if w == nil {
		return errNoWebhook
	}
	return s.caller.post(ctx, w, m)
}

// postpone holds a message that failed until its next attempt. There is no
// count of attempts that could be lost: the pause is computed from the age.
func (s *sender) postpone(ctx context.Context, e queue.Entry, m message, failure error) {
	age := s.Store.Now().Sub(e.Added)
	if errors.Is(failure, errGone) || age >= giveUp {
		if err := s.bury(ctx, s.pool, m, failure.Error()); err == nil {
			s.done(ctx, e)
			return
		}
	}
	wait := pause(age)
	if later, ok := errors.AsType[*laterError](failure); ok {
		wait = min(max(wait, later.after), longestPause)
	}
	if err := s.Queue.Hold(ctx, s.due, wait, e.ID); err != nil { // then it is free when holdToSend is over
		s.Log.Debug("webhook message is not postponed", "pool", s.pool, "error", err)
	}
}

const (
	firstPause   = 5 * time.Second
	longestPause = 6 * time.Hour
)

// pause is how long a message of that age waits for its next attempt: as long
// as it has waited up to now, so that pauses double, and up to a fifth more, so
// that those that failed together do not come back together.
func pause(age time.Duration) time.Duration {
	p := min(max(age, firstPause), longestPause)
	return min(p+rand.N(p/5), longestPause) // #nosec G404 -- it spreads load, and nobody gains by guessing it
}

// done removes a message. If that fails it is sent once more.
func (s *sender) done(ctx context.Context, e queue.Entry) {
	if err := s.Queue.Done(ctx, s.due, e.ID); err != nil {
		s.Log.Debug("webhook message is not done", "pool", s.pool, "error", err)
	}
}

// note logs when a receiver begins to fail and when it is well again.
func (s *sender) note(err error) {
	switch {
	case err == nil && s.failing > 0:
		s.Log.Info("webhook receiver is well again", "pool", s.pool, "failed", s.failing)
		s.failing = 0
	case err != nil:
		s.failing++
		if s.failing&(s.failing-1) == 0 { // the 1st, 2nd, 4th, 8th …
			s.Log.Warn("webhook receiver fails", "pool", s.pool, "reason", err.Error(), "failed", s.failing)
		}
	}
}
