package redisstore

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff waits between attempts, from 100 ms up to 2 s. Half of each pause is random, so
// that nodes that lost the same Redis do not all return at the same time.
type backoff struct{ next time.Duration }

// isNew reports whether wait was not called yet.
func (b *backoff) isNew() bool { return b.next == 0 }

func (b *backoff) wait(ctx context.Context) {
	b.next = min(max(2*b.next, 100*time.Millisecond), time.Second)
	select {
	case <-ctx.Done():
	case <-time.After(b.next + rand.N(b.next)): // #nosec G404 -- spreads load, needs no secrecy
	}
}
