// Package expiry reports codes that have expired, for observers.
//
// No request makes a code expire, so the node that created the code reports it. Over all
// nodes each expiry is reported once, unless the node stops before: then it is not reported.
package expiry

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Reporter looks at each code of its node when the code's time is over, and again if the
// end has moved. It emits [session.EventExpired], or [session.EventLost] for a code that the
// store no longer has; it emits nothing for a code that a step has ended. A store forgets a
// code that has ended after [session.Retention], so the Reporter looks at open codes more
// often than that. Make it with New.
//
// It loads one code after the other, so at most one load is under way, however many codes
// are due: with a round trip of 2 ms that is 500 codes a second, four times those of as many
// pages as a node accepts.
type Reporter struct {
	store session.Store
	emit  func(session.Event)
	log   *slog.Logger

	mu      sync.Mutex
	due     map[int64][]created // by the second of the store's clock when to look at them
	n       int                 // codes in due, and those that are being looked at
	dropped int64
}

// created is a code that this node created; 100,000 of them take 7 MB (BenchmarkReporter).
type created struct {
	id   session.ID
	pool string
	open int64 // when it was open for certain, in seconds of the store's clock
}

// maxCodes bounds how many codes wait to be looked at: three times what one pool may have
// open by default. The expiry of further codes is not reported, which is logged.
const maxCodes = 200_000

// lookEvery is the most time between two looks at an open code: what has ended meanwhile is
// still known, with 15 s for a store that does not answer at once.
const lookEvery = session.Retention - 15*time.Second

// loadTimeout bounds how long the store may take to load a code.
const loadTimeout = 1800 * time.Millisecond

// New makes a Reporter that passes events to emit.
func New(store session.Store, emit func(session.Event), log *slog.Logger) *Reporter {
	return &Reporter{store: store, emit: emit, log: log, due: make(map[int64][]created)}
}

// Observe is the [session.Observer] by which the Reporter learns of new codes. Pass it the
// events of this node only.
func (e *Reporter) Observe(ev session.Event) {
	if ev.Kind == session.EventMade {
		now := e.store.Now()
		e.schedule(nextLook(ev.Code, now), created{ev.Code.ID, ev.Pool, now.Unix()})
	}
}

// schedule has codes looked at once t has passed.
func (e *Reporter) schedule(t time.Time, codes ...created) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n+len(codes) > maxCodes {
		e.dropped += int64(len(codes))
		if n := e.dropped; n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
			e.log.Warn("too many open codes: the expiry of some is not reported", "open", e.n, "unreported", n)
		}
		return
	}
	second := t.Unix() + 1
	e.due[second] = append(e.due[second], codes...)
	e.n += len(codes)
}

// Len returns the number of codes that are open or not looked at yet.
func (e *Reporter) Len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n
}

// takeDue returns the codes of one second that has passed. They still count in n.
func (e *Reporter) takeDue(now time.Time) []created {
	e.mu.Lock()
	defer e.mu.Unlock()
	for second, codes := range e.due {
		if second <= now.Unix() {
			delete(e.due, second)
			return codes
		}
	}
	return nil
}

func (e *Reporter) remove(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n -= n
}

// Run looks each second at the codes that are due, until ctx ends. While the store does not
// answer, it tries one code a second.
func (e *Reporter) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for e.checkAll(ctx, e.takeDue(e.store.Now())) {
			}
		}
	}
}

// checkAll looks at codes, and reports whether more may be due now.
func (e *Reporter) checkAll(ctx context.Context, codes []created) bool {
	for i, m := range codes {
		if e.check(ctx, m) != nil {
			e.remove(len(codes) - i)
			e.schedule(e.store.Now(), codes[i:]...)
			return false
		}
		e.remove(1)
	}
	return len(codes) > 0
}

// check loads a code and emits how it ended, or schedules the next look. The error is that
// of a store that does not answer.
func (e *Reporter) check(ctx context.Context, m created) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	code, err := e.store.Load(ctx, m.id)
	now := e.store.Now()
	switch {
	case errors.Is(err, session.ErrNotFound) && now.Unix()-m.open >= int64(session.Retention/time.Second):
		// The store did not answer for so long that it may have forgotten a code that has ended.
	case errors.Is(err, session.ErrNotFound):
		e.emit(session.Event{Kind: session.EventLost, Time: now, Pool: m.pool, Code: session.Session{ID: m.id, Pool: m.pool}})
	case err != nil:
		return err
	case !code.Status.Over():
		m.open = now.Unix()
		e.schedule(nextLook(code, now), m)
	case code.Status == session.Expired && code.Op == "": // no step did it
		e.emit(session.Event{Kind: session.EventExpired, Time: now, Pool: m.pool, Code: code})
	}
	return nil
}

// nextLook returns when to look at an open code again.
func nextLook(code session.Session, now time.Time) time.Time {
	return now.Add(min(max(code.ExpiresAt.Sub(now), 0), lookEvery))
}
