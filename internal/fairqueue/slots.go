// Package fairqueue limits how many callers work at the same time.
package fairqueue

import (
	"context"
	"errors"
	"sync"
	"time"
)

// slots let a fixed number of callers work at the same time. The others wait in a
// queue, by key: a key that has many waiting delays the others by one turn
// each round, and a lone key uses all slots. Make it with NewSlots.
type Slots struct {
	maxWaiting int           // callers that wait; 0: any number
	maxWait    time.Duration // of one caller; 0: as long as its context

	mu      sync.Mutex
	free    int               // above 0 only if nobody waits
	closed  error             // why nobody is let in any more
	waiting queue[chan error] // each channel takes one result: nil with a slot
}

// Errors of acquire, besides those of the context, of rejectWaiting and of close.
var (
	ErrFull    = errors.New("too many callers wait")
	ErrTimeout = errors.New("no slot became free in time")
)

func NewSlots(n, maxWaiting int, maxWait time.Duration) *Slots {
	return &Slots{free: n, maxWaiting: maxWaiting, maxWait: maxWait}
}

// acquire waits for a slot, which release gives back. Where too many wait, the last of
// the key that has the most is rejected: a full queue is closed only to who fills it.
func (s *Slots) Acquire(ctx context.Context, key string) error {
	s.mu.Lock()
	if s.closed != nil || s.free > 0 {
		defer s.mu.Unlock()
		if s.closed == nil {
			s.free--
		}
		return s.closed
	}
	if s.maxWaiting > 0 && s.waiting.len() >= s.maxWaiting {
		last, ok := s.waiting.evict(key)
		if !ok {
			s.mu.Unlock()
			return ErrFull
		}
		last <- ErrFull
	}
	result := make(chan error, 1)
	place := s.waiting.push(key, result)
	s.mu.Unlock()
	return s.await(ctx, place, result)
}

func (s *Slots) await(ctx context.Context, place queued[chan error], result <-chan error) (err error) {
	var late <-chan time.Time
	if s.maxWait > 0 {
		timer := time.NewTimer(s.maxWait)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case err := <-result:
		return err
	case <-late:
		err = ErrTimeout
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.mu.Lock()
	stillWaiting := s.waiting.remove(place)
	s.mu.Unlock()
	if !stillWaiting && <-result == nil {
		s.Release() // it was let in meanwhile
	}
	return err
}

// release gives a slot to the caller whose turn it is.
func (s *Slots) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next, ok := s.waiting.pop(); ok {
		next <- nil
		return
	}
	s.free++
}

// rejectWaiting has all that wait return cause.
func (s *Slots) RejectWaiting(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for next, ok := s.waiting.pop(); ok; next, ok = s.waiting.pop() {
		next <- cause
	}
}

// close has all that wait, and all that come, return cause.
func (s *Slots) Close(cause error) {
	s.mu.Lock()
	s.closed = cause
	s.mu.Unlock()
	s.RejectWaiting(cause)
}

// Usage returns how many slots are free and how many callers wait.
func (s *Slots) Usage() (free, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free, s.waiting.len()
}
