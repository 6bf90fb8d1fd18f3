package wsconn

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Heartbeat, in seconds. Browsers and proxies close connections that are silent for a
// minute.
const (
	pingInterval = 25
	pongTimeout  = 10
	closeTimeout = 5 // for the peer's close frame; up to a second more, as the schedule goes
)

// The pings of a second go out in steps, so that a message has to wait for some of them only: those of 70,000
// connections within 0.6 s. More connections are pinged in larger steps.
const (
	pingsAtOnce  = 50
	maxPingSteps = 60
	pingPause    = 10 * time.Millisecond
)

// Heartbeat pings every connection every 25 s and closes those whose peer has not
// answered after 10 s, or has not answered a close frame after 5 to 6 s, until ctx ends. It
// returns when the last ping is written.
//
// Connections are in as many buckets as the interval has seconds, and one bucket is pinged
// each second: waking the process once for many pings costs a tenth of waking it
// for each.
func (g *Group) Heartbeat(ctx context.Context) {
	var pings sync.WaitGroup
	defer pings.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			ping, due := g.nextBuckets()
			for _, c := range g.bucket(due) {
				if c.pongDue.Load() {
					pings.Go(c.Abort)
				}
			}
			all := g.bucket(ping)
			for step := range slices.Chunk(all, max(pingsAtOnce, len(all)/maxPingSteps)) {
				for _, c := range step {
					if !c.pingNow() {
						pings.Go(c.ping)
					}
				}
				time.Sleep(pingPause)
			}
		}
	}
}

// nextBuckets returns the bucket to ping now, and the one that was pinged pongTimeout
// ago.
func (g *Group) nextBuckets() (ping, due int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lastPinged = (g.lastPinged + 1) % pingInterval
	return g.lastPinged, (g.lastPinged + pingInterval - pongTimeout) % pingInterval
}
