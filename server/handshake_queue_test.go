package server_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/server"
)

// TestAllHandshakesOfAStormAreServed opens more pages at once than handshakes run at once; none is
// refused.
func TestAllHandshakesOfAStormAreServed(t *testing.T) {
	n := alone(t, newPool(t, nil))
	var pages sync.WaitGroup
	for range 200 {
		pages.Go(func() {
			p := n.dial("userPoolId=p1", nil)
			p.event("code")
			_ = p.CloseNow()
		})
	}
	pages.Wait()
}

// TestWaitingHandshakesAreRejectedWhenTheStoreDoesNotAnswer starts more handshakes than run at
// once while the store hangs: all are rejected when the first of them fails, and all slots are free
// afterwards.
func TestWaitingHandshakesAreRejectedWhenTheStoreDoesNotAnswer(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for range 2 {
		resume := n.store.Stall()
		began := time.Now()
		var refused, closed atomic.Int64
		var pages sync.WaitGroup
		for range 150 {
			pages.Go(func() {
				conn, res, err := websocket.Dial(t.Context(), n.url+"/api/v2/qrcode/ws?random="+c.random,
					&websocket.DialOptions{Subprotocols: []string{"scanlogin.v1"}, HTTPClient: client})
				if err != nil {
					if res == nil || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
						t.Errorf("refused with %v: %v", res, err)
					}
					refused.Add(1)
					return
				}
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
					t.Errorf("closed with %v", err)
				}
				closed.Add(1)
			})
		}
		pages.Wait()
		resume()
		if refused.Load() == 0 || closed.Load() == 0 {
			t.Errorf("%d were refused in the queue, %d closed after they began", refused.Load(), closed.Load())
		}
		if took := time.Since(began); took > 20*time.Second { // ten times the deadline of a store call
			t.Errorf("they waited for %v", took)
		}
	}
	for range 100 {
		p := n.dial("random="+c.random, nil, "key."+c.key)
		p.event("waiting")
		_ = p.CloseNow()
	}
}

// TestClientsThatDisconnectLeaveTheQueue fills the queue while the store hangs.
func TestClientsThatDisconnectLeaveTheQueue(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	resume := n.store.Stall()
	ctx, disconnectRunning := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer disconnectRunning()
	var pages sync.WaitGroup
	for range 150 {
		pages.Go(func() {
			_, _, err := websocket.Dial(ctx, n.url+"/api/v2/qrcode/ws?random="+c.random, &websocket.DialOptions{Subprotocols: []string{"scanlogin.v1"}, HTTPClient: client})
			if err == nil {
				t.Error("a socket was opened although the store hangs")
			}
		})
	}
	pages.Wait()
	resume()
	n.dial("random="+c.random, nil, "key."+c.key).event("waiting")
}

// TestDisconnectingDoesNotRejectOthers has the clients of all running handshakes disconnect
// while another one waits. That is not a failure of the store.
func TestDisconnectingDoesNotRejectOthers(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	for range 10 { // again if the clients were slower than the deadline of the store
		if disconnectRunning(t, n, c) {
			return
		}
	}
	t.Error("the handshake that waited was rejected each time")
}

// disconnectRunning reports whether a waiting handshake is served after the clients of all running
// ones have disconnected.
func disconnectRunning(t *testing.T, n *node, c code) bool {
	resume := n.store.Stall()
	defer resume()
	dial := func(ctx context.Context) error {
		conn, _, err := websocket.Dial(ctx, n.url+"/api/v2/qrcode/ws?random="+c.random, &websocket.DialOptions{
			Subprotocols: []string{"scanlogin.v1", "key." + c.key}, HTTPClient: client,
		})
		if err == nil {
			_ = conn.CloseNow()
		}
		return err
	}
	ctx, disconnectRunning := context.WithCancel(t.Context())
	defer disconnectRunning()
	var pages sync.WaitGroup
	defer pages.Wait()
	for range server.MaxHandshakes {
		pages.Go(func() { _ = dial(ctx) })
	}
	eventually(t, "all places are taken", func() bool { return n.srv.Admission() == [2]int{0, 0} })
	served := make(chan error, 1)
	go func() { served <- dial(t.Context()) }()
	eventually(t, "another handshake waits, or was rejected", func() bool { return n.srv.Admission() == [2]int{0, 1} || len(served) > 0 })
	disconnectRunning()
	eventually(t, "the others have ended", func() bool { return n.srv.Admission()[0] > 0 || len(served) > 0 })
	resume()
	return <-served == nil
}
