package server

import (
	"context"
	"errors"
	"sync"
	"time"
)

// fairQueue lets a fixed number of callers work at the same time. The others wait,
// and are let in round robin over their keys: one of each key that has callers
// waiting, within a key first come, first served. So a key that has many waiting
// delays the others by one turn each round, and a lone key uses all slots.
type fairQueue struct {
	maxWaiting int           // callers that wait; see makeRoom
	maxWait    time.Duration // of one caller

	mu      sync.Mutex
	free    int                  // slots; 0 while anyone waits
	waiting map[string][]*waiter // never empty lists
	order   []string             // the keys of waiting; the next turn is the first's
	count   int                  // of all waiters
}

// waiter is one caller that waits. Its result is sent once: nil with a slot.
type waiter struct{ result chan error }

// Errors of acquire. Another one is that of rejectAll.
var (
	errQueueFull = errors.New("too many callers wait")
	errQueueTime = errors.New("no slot became free in time")
)

func newFairQueue(slots, maxWaiting int, maxWait time.Duration) *fairQueue {
	return &fairQueue{free: slots, maxWaiting: maxWaiting, maxWait: maxWait, waiting: make(map[string][]*waiter)}
}

// acquire waits for a slot, which release gives back; it must be called once. The
// error is errQueueFull, errQueueTime, that of ctx, or what rejectAll was given.
func (q *fairQueue) acquire(ctx context.Context, key string) (release func(), err error) {
	q.mu.Lock()
	if q.free > 0 {
		q.free--
		q.mu.Unlock()
		return q.release, nil
	}
	if q.count >= q.maxWaiting && !q.makeRoom(key) {
		q.mu.Unlock()
		return nil, errQueueFull
	}
	w := &waiter{make(chan error, 1)}
	q.add(key, w)
	q.mu.Unlock()

	timer := time.NewTimer(q.maxWait)
	defer timer.Stop()
	select {
	case err = <-w.result:
	case <-timer.C:
		err = q.giveUp(key, w, errQueueTime)
	case <-ctx.Done():
		err = q.giveUp(key, w, ctx.Err())
	}
	if err != nil {
		return nil, err
	}
	return q.release, nil
}

// rejectAll has all that wait return err.
func (q *fairQueue) rejectAll(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, waiters := range q.waiting {
		for _, w := range waiters {
			w.result <- err
		}
	}
	clear(q.waiting)
	q.order, q.count = nil, 0
}

// release hands a slot to the caller whose turn it is.
func (q *fairQueue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count == 0 {
		q.free++
		return
	}
	key := q.order[0]
	w := q.waiting[key][0]
	q.remove(key, 0)
	if len(q.waiting[key]) > 0 { // its next turn comes after all others
		q.order = append(q.order[1:], key)
	}
	w.result <- nil
}

// giveUp takes w out of the queue and returns err; if w was given its result
// before, that is what counts.
func (q *fairQueue) giveUp(key string, w *waiter, err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.waiting[key] {
		if other == w {
			q.remove(key, i)
			return err
		}
	}
	return <-w.result
}

// makeRoom rejects the last waiter of the key that has the most, unless a newcomer
// of key would have as many: so a full queue is closed only to who fills it.
func (q *fairQueue) makeRoom(key string) bool {
	longest, most := key, len(q.waiting[key])+1
	for other, waiters := range q.waiting {
		if len(waiters) > most {
			longest, most = other, len(waiters)
		}
	}
	if longest == key {
		return false
	}
	last := len(q.waiting[longest]) - 1
	w := q.waiting[longest][last]
	q.remove(longest, last)
	w.result <- errQueueFull
	return true
}

func (q *fairQueue) add(key string, w *waiter) {
	if len(q.waiting[key]) == 0 {
		q.order = append(q.order, key)
	}
	q.waiting[key] = append(q.waiting[key], w)
	q.count++
}

// remove takes out the i-th waiter of key, and the key with its last.
func (q *fairQueue) remove(key string, i int) {
	waiters := q.waiting[key]
	if i == 0 {
		waiters = waiters[1:] // as nearly always, and for the price of one
	} else {
		waiters = append(waiters[:i], waiters[i+1:]...)
	}
	q.waiting[key] = waiters
	q.count--
	if len(waiters) > 0 {
		return
	}
	delete(q.waiting, key)
	for i, other := range q.order {
		if other == key {
			q.order = append(q.order[:i], q.order[i+1:]...)
			return
		}
	}
}
