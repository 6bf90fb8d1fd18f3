package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/loglimit"
	"github.com/scanlogin/scanlogin/session"
)

const (
	// readyTime is the deadline of a check: a hundred times its usual duration.
	readyTime = time.Second
	// readyFor is how long the result is cached.
	readyFor = time.Second
)

// readiness is whether the store would store a step, as it was at most readyFor
// ago. One check runs at a time, and all who ask meanwhile get its result.
type readiness struct {
	store session.Store
	log   *loglimit.Logger

	mu      sync.Mutex
	err     error
	checked time.Time     // when err was found
	running chan struct{} // closed when the check that runs is done; nil: none runs
}

func newReadiness(st session.Store, log *slog.Logger) *readiness {
	return &readiness{store: st, log: loglimit.New(log, quietFor)}
}

// check returns why a step would not be stored, nil if it would.
func (r *readiness) check(ctx context.Context) error {
	r.mu.Lock()
	running, err := r.running, r.err
	fresh := time.Since(r.checked) < readyFor
	if running == nil && !fresh {
		r.running = make(chan struct{})
	}
	r.mu.Unlock()
	switch {
	case running == nil && fresh:
		return err
	case running == nil:
		r.ask(context.WithoutCancel(ctx)) // the others wait for it, too
		return r.last()
	}
	select {
	case <-running:
		return r.last()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask makes one check, which ends within readyTime regardless of the caller's context.
func (r *readiness) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	err := session.Check(ctx, r.store)
	before := r.last()
	switch {
	case err != nil:
		r.log.Log(ctx, slog.LevelWarn, kindOf(err), "not ready", "error", err)
	case before != nil:
		r.log.Log(ctx, slog.LevelWarn, "ready again", "ready again")
	}
	r.mu.Lock()
	close(r.running)
	r.err, r.checked, r.running = err, time.Now(), nil
	r.mu.Unlock()
}

// last is the result of the last check.
func (r *readiness) last() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}
