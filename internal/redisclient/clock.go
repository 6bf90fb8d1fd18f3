package redisclient

import (
	"sync/atomic"
	"time"
)

// clock estimates Redis's clock: the local clock plus an offset, which changes only as
// far as an answer contradicts it. So the estimate is as accurate as the fastest round
// trip so far, and follows a clock that jumps with the next answer.
type clock struct {
	offset atomic.Int64 // nanoseconds by which Redis is ahead
}

func (c *clock) now() time.Time {
	return time.Now().Add(time.Duration(c.offset.Load())).UTC()
}

// observe learns that Redis's clock said remote, rounded down to milliseconds, at some
// time between sent and received.
func (c *clock) observe(sent, received, remote time.Time) {
	least := remote.Sub(received)
	most := remote.Add(time.Millisecond).Sub(sent)
	// Of two concurrent calls one may be lost; the next call corrects that.
	offset := time.Duration(c.offset.Load())
	c.offset.Store(int64(min(max(offset, least), most)))
}

// CeilMillis returns t as Unix time in milliseconds, rounded up. Redis's clock is read in
// whole milliseconds, so "now < CeilMillis(end)" in a script equals now.Before(end) in Go.
func CeilMillis(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }
