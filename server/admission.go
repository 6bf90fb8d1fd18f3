package server

import (
	"context"
	"errors"
	"sync"
)

// admission bounds how many handshakes run at once; the others queue, and the
// addresses that wait are served in turn. An address that waits alone may have
// all places: it may be an office, or a proxy.
//
// When all pages of a node that died come at once, those that are in have their
// first status soon and the others cost nothing yet; if all were begun together,
// all would be late, and those that gave up would come again for the price of a
// page. Of 18,000 pages at once (`scanbench storm`) all are back after some 5 s;
// without a queue they were after 23 s, having been refused 62,000 times.
//
// A place is held for as long as the store takes (storeTime at most), and for one
// write to the connection (handshakeWriteTime).
type admission struct {
	mu      sync.Mutex
	free    int // above 0 only if nobody waits
	closed  bool
	waiting fairQueue[chan error] // by address; each channel takes one answer
}

// places keeps both cores of a small machine and the connections to Redis busy.
const places = 64

var (
	errNoStore = errors.New("the store does not answer the handshakes that run")
	errLeaving = errors.New("the node is leaving")
)

func newAdmission() *admission { return &admission{free: places} }

// acquire waits for a place; release gives it back. The error is errBusy: ctx
// ended before, the store does not answer the handshakes that run, or the
// server is closing.
func (a *admission) acquire(ctx context.Context, address string) error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return errBusy.because(errLeaving)
	}
	if a.free > 0 { // whether the store answers is found out by who has a place
		a.free--
		a.mu.Unlock()
		return nil
	}
	answer := make(chan error, 1)
	place := a.waiting.push(address, answer)
	a.mu.Unlock()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
	}
	a.mu.Lock()
	stillWaiting := a.waiting.remove(place)
	a.mu.Unlock()
	if !stillWaiting && <-answer == nil {
		a.release() // it was admitted meanwhile
	}
	return errBusy.because(ctx.Err())
}

// release gives a place to the next address that waits.
func (a *admission) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if next, ok := a.waiting.pop(); ok {
		next <- nil
		return
	}
	a.free++
}

// rejectWaiting refuses all that wait, because the store does not answer.
func (a *admission) rejectWaiting() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reject(errNoStore)
}

// close refuses all that wait, and all that come.
func (a *admission) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.reject(errLeaving)
}

// reject answers all that wait; a.mu is held.
func (a *admission) reject(cause error) {
	for {
		next, ok := a.waiting.pop()
		if !ok {
			return
		}
		next <- errBusy.because(cause)
	}
}
