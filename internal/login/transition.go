package login

import (
	"context"
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// apply has the store apply a change to a code, and emits its event. It is the only way in
// which the program changes a code. It returns the code as it is now, also with a refusal.
// stored is false if the change repeats what an earlier request already did; then nothing is
// emitted.
//
// Errors: the refusals of session.Transition; session.ErrNotFound; ErrUnavailable, after which
// the change may be stored.
func (s *Service) apply(ctx context.Context, by *Caller, id session.ID, c session.Change) (code session.Session, stored bool, err error) {
	t := c.Transition()
	var outcome session.Outcome
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		code, outcome, err = s.store.Apply(ctx, id, t)
		return err
	})
	switch {
	case err != nil:
		return code, false, err
	case outcome == session.Refused:
		return code, false, t.Refusal(code)
	case outcome.Stored():
		s.emit(by, c.EventKind(code), code)
	}
	return code, outcome.Stored(), nil
}

// Code loads a code and its pool, without limits and without regard to the caller. A code
// of a pool that was removed is session.ErrNotFound too.
func (s *Service) Code(ctx context.Context, id session.ID) (session.Session, *pool.Pool, error) {
	var code session.Session
	err := s.withStore(ctx, func(ctx context.Context) (err error) {
		code, err = s.store.Load(ctx, id)
		return err
	})
	if err != nil {
		return session.Session{}, nil, err
	}
	p := s.pools.ByID(code.Pool)
	if p == nil {
		return session.Session{}, nil, session.ErrNotFound
	}
	return code, p, nil
}

// storeTime bounds one operation on the store, so that a request is answered within the 2 s
// of the API contract.
const storeTime = 1800 * time.Millisecond

// maxInStore is how many operations may be in progress: forty times what a healthy Redis has
// of a node at 20,000 a second. A store that does not answer holds that many requests; the
// others are refused at once.
const maxInStore = 1024

// withStore runs an operation on the store. It returns ErrUnavailable if the store does not
// answer.
func (s *Service) withStore(ctx context.Context, do func(context.Context) error) error {
	if s.inStore.Add(1) > maxInStore {
		s.inStore.Add(-1)
		return fmt.Errorf("%w: %w", ErrUnavailable, errCrowded)
	}
	defer s.inStore.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	return AsUnavailable(do(ctx))
}
