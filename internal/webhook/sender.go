package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

const (
	// atOnce bounds the calls that one node makes to one receiver at a time.
	atOnce = 8
	// unscannedAtOnce is how many of these may be for codes that were not scanned,
	// so that a login's message does not wait for their attempts to end.
	unscannedAtOnce = atOnce / 2
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
	caller *caller
	wake   chan struct{} // holds a token when there may be something to send
	ended  chan ended    // what became of an attempt; room for all

	failing int // attempts that failed since one succeeded; run's own
}

// ended is the end of an attempt to send a message of a lane.
type ended struct {
	lane *sending
	err  error
}

// sending is a lane, and how many of its messages may be sent at once further.
type sending struct {
	queue.Lane
	free int
	dead queue.Lane // where messages that are given up go, as long as there is room
}

func newSender(r *Relay, pool string) *sender {
	return &sender{
		Relay: r, pool: pool, wake: make(chan struct{}, 1), ended: make(chan ended, atOnce),
		caller: newCaller(func() bool { w := r.webhook(pool); return w != nil && w.AllowPrivate }),
	}
}

// nudge has the sender look for messages at once.
func (s *sender) nudge() { nudge(s.wake) }

// run sends until ctx ends, messages of scanned codes first, and waits for the
// attempts that are under way, which that breaks off.
func (s *sender) run(ctx context.Context) {
	var attempts sync.WaitGroup
	defer s.caller.close()
	defer attempts.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	lanes := []*sending{{dueOf(s.pool), atOnce, deadOf(s.pool)}, {unscannedOf(s.pool), unscannedAtOnce, deadUnscannedOf(s.pool)}}
	for free := atOnce; ctx.Err() == nil; {
		for _, lane := range lanes {
			for _, e := range s.take(ctx, lane, min(free, lane.free)) {
				free--
				lane.free--
				attempts.Go(func() { s.ended <- ended{lane, s.attempt(ctx, lane, e)} })
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-s.wake:
		case end := <-s.ended:
			free++
			end.lane.free++
			s.note(ctx, end.err)
		}
	}
}

func (s *sender) take(ctx context.Context, lane *sending, n int) []queue.Entry {
	if n == 0 {
		return nil
	}
	entries, err := s.Queue.Take(ctx, lane.Lane, n, holdToSend)
	if err != nil {
		s.Log.Debug("webhook messages are not taken", "pool", s.pool, "error", err)
	}
	return entries
}

// attempt sends a message once, and decides what becomes of it.
func (s *sender) attempt(ctx context.Context, lane *sending, e queue.Entry) error {
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
	case ctx.Err() != nil: // we leave; whether it arrived is not known
		s.letGo(ctx, lane.Lane, e.ID)
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
	return s.caller.post(ctx, w, m)
}

// postpone holds a message that failed until its next attempt. There is no
// count of attempts that could be lost: the pause is computed from the age.
func (s *sender) postpone(ctx context.Context, lane *sending, e queue.Entry, m message, failure error) {
	age := s.Store.Now().Sub(e.Added)
	if errors.Is(failure, errGone) || age >= giveUp {
		if s.discard(ctx, lane, m, failure) {
			s.done(ctx, lane, e)
			return
		}
	}
	wait := pause(age)
	if later, ok := errors.AsType[*laterError](failure); ok {
		wait = min(max(wait, later.after), longestPause)
	}
	if err := s.Queue.Hold(ctx, lane.Lane, wait, e.ID); err != nil { // then it is free when holdToSend is over
		s.Log.Debug("webhook message is not postponed", "pool", s.pool, "error", err)
	}
}

// discard gives up a message, and reports whether it may be removed: a dead letter
// must be kept first.
func (s *sender) discard(ctx context.Context, lane *sending, m message, failure error) bool {
	err := s.bury(ctx, s.pool, lane.dead, m, failure.Error())
	if errors.Is(err, queue.ErrFull) {
		s.drop(ctx, s.pool, failure.Error())
		return true
	}
	return err == nil
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
func (s *sender) done(ctx context.Context, lane *sending, e queue.Entry) {
	if err := s.Queue.Done(ctx, lane.Lane, e.ID); err != nil {
		s.Log.Debug("webhook message is not done", "pool", s.pool, "error", err)
	}
}

// note logs when a receiver begins to fail and when it is well again.
func (s *sender) note(ctx context.Context, err error) {
	switch {
	case err == nil && s.failing > 0:
		s.logSome(ctx, slog.LevelInfo, s.pool, "webhook receiver is well again", "failed", s.failing)
		s.failing = 0
	case err != nil:
		s.failing++
		if s.failing&(s.failing-1) == 0 { // the 1st, 2nd, 4th, 8th …
			s.limited.Log(ctx, slog.LevelWarn, fmt.Sprint("fails ", s.failing, "\x00", s.pool), "webhook receiver fails",
				"pool", s.pool, "reason", err.Error(), "failed", s.failing)
		}
	}
}
