package server

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Heartbeat of the contract (B.1), in beats of a second.
const (
	pingEvery = 25
	pongTime  = 10
)

// sockets is all connections of a server, in as many buckets as a heartbeat
// has seconds: each second one bucket is pinged, because waking the process
// once for many pings costs a tenth of waking it for each.
type sockets struct {
	wg     sync.WaitGroup // handshakes, and sockets until their last writer has left
	poller poller         // where they wait for bytes

	mu      sync.Mutex
	closing bool
	beaten  int // the bucket that was pinged last
	buckets [pingEvery]map[*socket]struct{}
}

func newSockets() *sockets {
	k := new(sockets)
	for i := range k.buckets {
		k.buckets[i] = make(map[*socket]struct{})
	}
	return k
}

// begin takes a place in wg for a handshake, and the socket that comes of it;
// false if no more are taken.
func (all *sockets) begin() bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	if !all.closing {
		all.wg.Add(1)
	}
	return !all.closing
}

// add counts k in; false if all others have been told to leave, and k must be.
func (all *sockets) add(k *socket) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	k.bucket = all.beaten // the next ping is a heartbeat away
	all.buckets[k.bucket][k] = struct{}{}
	return !all.closing
}

func (all *sockets) remove(k *socket) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.buckets[k.bucket], k)
}

func (all *sockets) len() (n int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, bucket := range all.buckets {
		n += len(bucket)
	}
	return n
}

// nextBeat returns the bucket whose turn it is to be pinged, and the one that was
// pongTime before.
func (all *sockets) nextBeat() (ping, late int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.beaten = (all.beaten + 1) % pingEvery
	return all.beaten, (all.beaten + pingEvery - pongTime) % pingEvery
}

// in returns the sockets of a bucket.
func (all *sockets) in(bucket int) []*socket {
	all.mu.Lock()
	defer all.mu.Unlock()
	return slices.Collect(maps.Keys(all.buckets[bucket]))
}

// beat pings a bucket a second until ctx ends, and drops peers that have not
// answered for pongTime. Then it waits for the pings that are under way.
func (all *sockets) beat(ctx context.Context) {
	var pings sync.WaitGroup
	defer pings.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			ping, late := all.nextBeat()
			for _, k := range all.in(late) {
				if k.wire.owed.Load() {
					pings.Go(func() { _ = k.wire.Close() })
				}
			}
			for _, k := range all.in(ping) {
				pings.Go(k.wire.ping)
			}
		}
	}
}

// spread is the time over which sockets are told to leave, so that the nodes
// which they come to are not stormed; each waits a random while besides.
const spread = 1500 * time.Millisecond

// few sockets are no storm, and are told at once.
const few = 100

// cutTime is how long closed connections may take to be noticed.
const cutTime = 500 * time.Millisecond

// leaveAll tells every socket to connect elsewhere, takes no new ones, and
// waits until all have ended, or ctx ends. It returns a channel that is closed
// when all have ended.
func (all *sockets) leaveAll(ctx context.Context) <-chan struct{} {
	all.mu.Lock()
	all.closing = true
	all.mu.Unlock()

	done := make(chan struct{})
	go func() {
		all.wg.Wait()
		close(done)
	}()
	buckets := rand.Perm(pingEvery) // #nosec G404 -- it spreads load
	for _, i := range buckets {
		for _, k := range all.in(i) {
			k.leave.Store(true)
			k.kick()
		}
		if all.len() > few {
			time.Sleep(spread / pingEvery)
		}
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	return done
}

// cut closes the connections of what has not ended, waits for cutTime at most,
// and ends the poller. It reports whether all have ended.
func (all *sockets) cut(done <-chan struct{}) bool {
	defer all.poller.close()
	late := time.After(cutTime)
	for {
		for i := range pingEvery {
			for _, k := range all.in(i) {
				_ = k.wire.Close() // the library's CloseNow waits for a farewell that is under way
			}
		}
		select {
		case <-done:
			return true
		case <-late:
			return false
		case <-time.After(cutTime / 10): // a handshake may have become a socket
		}
	}
}
