package wsconn

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Group is the connections of a server. It pings them, reads those for which bytes
// arrive, and shuts them down.
type Group struct {
	options   Options
	poller    poller
	collector collector

	mu         sync.Mutex
	closing    bool // Shutdown was called
	lastPinged int  // bucket
	buckets    [pingInterval]map[*Conn]struct{}
}

// NewGroup returns a Group without connections.
func NewGroup(o Options) *Group {
	g := &Group{options: o}
	for i := range g.buckets {
		g.buckets[i] = make(map[*Conn]struct{})
	}
	return g
}

// Add adds a connection until it is closed; its first ping is a heartbeat away. If it
// returns false, Shutdown was called before and does not ask this connection to close:
// the caller must.
func (g *Group) Add(c *Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.bucket = int8(g.lastPinged) // #nosec G115 -- below pingInterval
	g.buckets[c.bucket][c] = struct{}{}
	return !g.closing
}

// awaitClose has the heartbeat close a connection if the peer does not within closeTimeout:
// it moves the connection to the bucket that is next by then.
func (g *Group) awaitClose(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, added := g.buckets[c.bucket][c]; !added {
		return // it is closed
	}
	c.closedAt.Store(time.Now().UnixNano())
	delete(g.buckets[c.bucket], c)
	c.bucket = int8((g.lastPinged + closeTimeout + 1) % pingInterval) // #nosec G115 -- below pingInterval
	g.buckets[c.bucket][c] = struct{}{}
}

func (g *Group) remove(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.buckets[c.bucket], c)
}

// Len returns the number of connections.
func (g *Group) Len() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, bucket := range g.buckets {
		n += len(bucket)
	}
	return n
}

// bucket returns the connections of a bucket.
func (g *Group) bucket(i int) []*Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Keys(g.buckets[i]))
}

// shutdownTime is the time over which Shutdown asks many connections to close, in
// shutdownSteps, so that the servers to which their peers reconnect are not overloaded;
// peers also wait for a random time. A few connections are asked at once.
const (
	shutdownTime   = 1500 * time.Millisecond
	shutdownSteps  = 25
	fewConnections = 100
)

// Shutdown asks the handlers of all connections to close them. Connections that are
// added later are not asked; see Add.
func (g *Group) Shutdown() {
	all := g.beginShutdown()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) // #nosec G404 -- it spreads load
	for step := range slices.Chunk(all, max(1, (len(all)+shutdownSteps-1)/shutdownSteps)) {
		for _, c := range step {
			c.handler.Shutdown()
		}
		if g.Len() > fewConnections {
			time.Sleep(shutdownTime / shutdownSteps)
		}
	}
}

// beginShutdown makes Add return false from now on, and returns the connections that were
// added before.
func (g *Group) beginShutdown() (all []*Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closing = true
	for _, bucket := range g.buckets {
		all = slices.AppendSeq(all, maps.Keys(bucket))
	}
	return all
}

// Abort closes all connections without a close frame.
func (g *Group) Abort() {
	for i := range g.buckets {
		for _, c := range g.bucket(i) {
			c.Abort()
		}
	}
}

// Close ends the poller. Connections that are still open are then read by a goroutine
// each.
func (g *Group) Close() { g.poller.close() }
