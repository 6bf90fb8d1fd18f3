package redisstore

import (
	"context"
	"math/rand/v2"
	"time"
)

// pauses between tries grow from 100 ms to 2 s, half of them random, so that
// nodes that lost the same Redis do not come back at the same moment.
type pauses struct{ next time.Duration }

func (p *pauses) none() bool { return p.next == 0 }

func (p *pauses) wait(ctx context.Context) {
	p.next = min(max(2*p.next, 100*time.Millisecond), time.Second)
	select {
	case <-ctx.Done():
	case <-time.After(p.next + rand.N(p.next)): // #nosec G404 -- it spreads load
	}
}
