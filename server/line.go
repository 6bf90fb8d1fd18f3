package server

import (
	"context"
	"errors"
	"sync"
)

// line is where handshakes wait for one of a few places. When all pages of a
// node that died come at once, those that are in have their first status soon
// and the others cost nothing yet; if all were begun together, all would be
// late, and who gave up would come again for the price of a page. Of
// 18,000 pages at once (`scanbench storm`) all are back after some 5 s; without
// the line they were after 23 s, having been refused 62,000 times.
type line struct {
	places chan struct{}

	mu     sync.Mutex
	broken chan struct{} // closed when the store does not answer, and made anew
}

// places keeps both cores of a small machine and the connections to Redis busy.
const places = 64

var errLine = errors.New("the store does not answer those who are first in the line")

func newLine() *line { return &line{places: make(chan struct{}, places), broken: make(chan struct{})} }

// enter waits for a place; leave gives it back. The error is errBusy, if ctx ends
// before or the store does not answer those who have one.
func (l *line) enter(ctx context.Context) error {
	select { // whoever finds a place free does not ask how the store is
	case l.places <- struct{}{}:
		return nil
	default:
	}
	l.mu.Lock()
	broken := l.broken
	l.mu.Unlock()
	select {
	case l.places <- struct{}{}:
		return nil
	case <-broken:
		return errBusy.because(errLine)
	case <-ctx.Done():
		return errBusy.because(ctx.Err())
	}
}

func (l *line) leave() { <-l.places }

// disperse sends all away who wait.
func (l *line) disperse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.broken)
	l.broken = make(chan struct{})
}
