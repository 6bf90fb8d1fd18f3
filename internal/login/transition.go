package login

import (
	"context"
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// transition applies a change to a loaded code, stores the result and emits its event. It
// is the only way in which the program changes a code. stored is false if the change
// repeats what an earlier request already did; then nothing is emitted.
func (s *Service) transition(ctx context.Context, by *Caller, code session.Session, c session.Change) (_ session.Session, stored bool, err error) {
	c.Op = session.NewOpID()
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		code, err = session.Apply(ctx, s.store, code, c)
		return err
	})
	stored = err == nil && code.Op == c.Op
	if stored {
		s.emit(by, c.EventKind(code), code)
	}
	return code, stored, err
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
