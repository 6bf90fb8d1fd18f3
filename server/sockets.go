package server

import (
	"context"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/server/push/wsconn"
)

// Bounds of what a page sends.
const (
	maxMessage     = 4 << 10 // bytes of one message (B.1)
	maxMessageRate = 10      // messages a second; a page sends one when its user clicks
)

// sockets is all WebSocket connections of a server, and the handshakes that become one.
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

// shutdown tells all pages to connect to another node and accepts no more. It waits
// until all sockets have ended, or ctx ends. It returns a channel that is closed when
// all have ended.
func (all *sockets) shutdown(ctx context.Context) <-chan struct{} {
	all.mu.Lock()
	all.closing = true
	all.mu.Unlock()

	done := make(chan struct{})
	go func() {
		all.wg.Wait()
		close(done)
	}()
	all.group.Shutdown()
	select {
	case <-done:
	case <-ctx.Done():
	}
	return done
}

// abortTime is how long it may take until all sockets have noticed that their connection
// is closed.
const abortTime = 500 * time.Millisecond

// abort closes the connections that are left, waits for abortTime at most, and ends the
// group. It reports whether all have ended.
func (all *sockets) abort(done <-chan struct{}) bool {
	defer all.group.Close()
	late := time.After(abortTime)
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
