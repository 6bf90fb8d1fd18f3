package redisstore

import (
	"sync/atomic"
	"time"
)

// clock estimates Redis's clock: the local one and an offset, which moves no
// further than an answer proves it wrong. So it is as good as the quickest
// round trip so far, and follows a clock that jumps with the next answer.
type clock struct {
	offset atomic.Int64 // nanoseconds that Redis is ahead
}

func (c *clock) now() time.Time {
	return time.Now().Add(time.Duration(c.offset.Load())).UTC()
}

// observe learns from a question asked at sent and answered at received that
// Redis's clock said remote in between, rounded down to milliseconds.
func (c *clock) observe(sent, received, remote time.Time) {
	least := remote.Sub(received)
	most := remote.Add(time.Millisecond).Sub(sent)
	// Two at once may forget what one of them learned, which the next learns.
	offset := time.Duration(c.offset.Load())
	c.offset.Store(int64(min(max(offset, least), most)))
}
