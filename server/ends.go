package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// ends tells of time's end: nobody makes it, so the node that made a code looks
// when the code's end has come, and again if that has moved. What somebody did
// to end a code was told by whoever did it; so over all nodes each code's end is
// told once. It is as exact as the store, and as this node's life: codes that
// are open when the node stops are told by nobody.
//
// It asks for one code after the other, so that one question is under way at
// most, whatever there is to catch up with: at a round trip of 2 ms, 500 codes a
// second, four times those of as many pages as a node takes.
type ends struct {
	store session.Store
	emit  func(session.Event)
	log   *slog.Logger

	mu      sync.Mutex
	due     map[int64][]made // by the second of the store's clock from which on to look
	n       int              // in due
	dropped int64
}

// made is a code that this node made; 100,000 of them take 7 MB (BenchmarkEndsOf100000Codes).
type made struct {
	id   session.ID
	pool string
}

// lookTime bounds one question to the store.
const lookTime = 1800 * time.Millisecond

// maxEnds bounds how many codes are looked after: three times what one pool may have
// open by default. Those beyond are told by nobody, which the log says.
const maxEnds = 200_000

func newEnds(store session.Store, emit func(session.Event), log *slog.Logger) *ends {
	return &ends{store: store, emit: emit, log: log, due: make(map[int64][]made)}
}

// note is the session.Observer that learns which codes are made.
func (e *ends) note(ev session.Event) {
	if ev.Kind == session.EventMade {
		e.lookAt(ev.Code.ExpiresAt, made{ev.Code.ID, ev.Pool})
	}
}

// lookAt has codes looked at once t is past.
func (e *ends) lookAt(t time.Time, codes ...made) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n+len(codes) > maxEnds {
		e.dropped += int64(len(codes))
		if n := e.dropped; n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
			e.log.Warn("too many codes are open to tell how each ends", "open", e.n, "untold", n)
		}
		return
	}
	second := t.Unix() + 1
	e.due[second] = append(e.due[second], codes...)
	e.n += len(codes)
}

func (e *ends) len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n
}

// take returns the codes of one second whose time has come; they are still
// counted.
func (e *ends) take(now time.Time) []made {
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

func (e *ends) forget(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n -= n
}

// run looks at what is due each second until ctx ends. While the store is away
// it tries one code a second, and goes on with all others when it is back.
func (e *ends) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for e.lookAll(ctx, e.take(e.store.Now())) {
			}
		}
	}
}

// lookAll looks at codes, and reports whether there may be more to do now.
func (e *ends) lookAll(ctx context.Context, codes []made) bool {
	for i, m := range codes {
		if e.look(ctx, m) != nil {
			e.forget(len(codes) - i)
			e.lookAt(e.store.Now(), codes[i:]...)
			return false
		}
		e.forget(1)
	}
	return len(codes) > 0
}

// look tells how a code ended, unless somebody else has, or has it looked at
// again. The error is that of a store that does not answer.
func (e *ends) look(ctx context.Context, m made) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	code, err := e.store.Load(ctx, m.id)
	now := e.store.Now()
	switch {
	case isGone(err):
		e.emit(session.Event{Kind: session.EventLost, Time: now, Pool: m.pool, Code: session.Session{ID: m.id, Pool: m.pool}})
	case err != nil:
		return err
	case !code.Status.Over():
		e.lookAt(later(code.ExpiresAt, now), m)
	case code.Status == session.Expired && code.Op == "": // not withdrawn: time did it
		e.emit(session.Event{Kind: session.EventExpired, Time: now, Pool: m.pool, Code: code})
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
