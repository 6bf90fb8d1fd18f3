// Package wakeup wakes a goroutine that waits for work.
//
// It guarantees that waking it never blocks and is never lost: a goroutine that waits
// continues at once, and one that is busy continues when it waits next.
package wakeup

// Signal wakes the goroutine that receives from it. Create it with New. Any number of
// goroutines may call Set.
type Signal chan struct{}

// New returns a Signal that is not set.
func New() Signal { return make(Signal, 1) }

// Set wakes the receiver once, however often it is called before the receiver continues.
func (s Signal) Set() {
	select {
	case s <- struct{}{}:
	default: // it is set already
	}
}
