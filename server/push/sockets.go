package push

import (
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/server/push/wsconn"
)

// Limits of what a page sends.
const (
	maxMessage     = 4 << 10 // bytes of one message
	maxMessageRate = 10      // messages a second; a page sends one when its user clicks
)

// sockets is all WebSocket connections of a node, and the handshakes that become one.
type sockets struct {
	group *wsconn.Group
	wg    sync.WaitGroup // handshakes, and sockets until their last writer has returned

	mu      sync.Mutex
	closing bool
}

func newSockets() *sockets {
	return &sockets{group: wsconn.NewGroup(wsconn.Options{
		Subprotocol: subprotocol, MaxMessage: maxMessage, MaxMessageRate: maxMessageRate,
	})}
}

// begin counts a handshake, and the socket that it becomes, in wg; false if the node is
// shutting down.
func (all *sockets) begin() bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	if !all.closing {
		all.wg.Add(1)
	}
	return !all.closing
}

// beginShutdown tells all pages to connect to another node, and makes begin return false.
func (all *sockets) beginShutdown() {
	all.mu.Lock()
	all.closing = true
	all.mu.Unlock()
	all.group.Shutdown()
}

// ended returns a channel that is closed when all handshakes and sockets have ended. Call it
// after beginShutdown.
func (all *sockets) ended() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		all.wg.Wait()
		close(done)
	}()
	return done
}

// abortTime is how long it may take until all sockets have noticed that their connection
// is closed.
const abortTime = 500 * time.Millisecond

// abort closes the connections that are left, waits for abortTime at most, and ends the
// group. It reports whether all have ended.
func (all *sockets) abort() bool {
	defer all.group.Close()
	done, late := all.ended(), time.After(abortTime)
	for {
		all.group.Abort()
		select {
		case <-done:
			return true
		case <-late:
			return false
		case <-time.After(abortTime / 10): // a handshake may have become a socket
		}
	}
}
