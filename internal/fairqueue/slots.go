// Package fairqueue limits how many callers work at the same time, and has the others
// wait by key, such as their address. The keys take turns, so a key with many callers
// delays the others by one turn each round.
package fairqueue

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Slots let a fixed number of callers work at the same time; the others wait by key. A
// single key may use all slots. Make it with NewSlots. Its methods are safe for
// concurrent use.
type Slots struct {
	maxWaiting int           // callers that wait; 0: any number
	maxWait    time.Duration // of one caller; 0: as long as its context

	mu      sync.Mutex
	free    int               // above 0 only if no caller waits
	closed  error             // cause after Close
	waiting queue[chan error] // each channel receives one result: nil with a slot
}

// Errors of Acquire, besides those of the context, of RejectWaiting and of Close.
var (
	ErrFull    = errors.New("too many callers wait")
	ErrTimeout = errors.New("no slot became free in time")
)

// NewSlots returns n slots. At most maxWaiting callers wait, each for at most maxWait; 0
// means no limit.
func NewSlots(n, maxWaiting int, maxWait time.Duration) *Slots {
	return &Slots{free: n, maxWaiting: maxWaiting, maxWait: maxWait}
}

// Acquire waits for a slot, which Release gives back. If too many callers wait, the last
// one of the key with the most callers gets ErrFull: a full queue refuses only those who
// fill it.
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

// Release gives a slot back, to the caller whose turn it is.
func (s *Slots) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next, ok := s.waiting.pop(); ok {
		next <- nil
		return
	}
	s.free++
}

// RejectWaiting makes all callers that wait return cause.
func (s *Slots) RejectWaiting(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for next, ok := s.waiting.pop(); ok; next, ok = s.waiting.pop() {
		next <- cause
	}
}

// Close makes all callers that wait, and all later ones, return cause.
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
