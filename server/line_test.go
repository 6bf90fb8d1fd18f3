package server_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestAStormIsServedInTurn has more pages come at once than the line has places
// for, and none is sent away.
func TestAStormIsServedInTurn(t *testing.T) {
	n := alone(t, newPool(t, nil))
	var pages sync.WaitGroup
	for range 500 {
		pages.Go(func() {
			p := n.dial("userPoolId=p1", nil)
			p.event("code")
			p.event("waiting")
			_ = p.CloseNow()
		})
	}
	pages.Wait()
}

// TestTheLineDispersesWhenTheStoreDoesNotAnswer has more handshakes wait than
// there are places, for a store that hangs: none waits longer than for the
// first of them, and all places are free again afterwards.
func TestTheLineDispersesWhenTheStoreDoesNotAnswer(t *testing.T) {
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
			t.Errorf("%d were refused in the line, %d at its head", refused.Load(), closed.Load())
		}
		if took := time.Since(began); took > 20*time.Second { // ten times what the store is given
			t.Errorf("they waited for %v", took)
		}
	}
	for range 100 {
		p := n.dial("random="+c.random, nil, "key."+c.key)
		p.event("waiting")
		_ = p.CloseNow()
	}
}

// TestWhoHangsUpLeavesTheLine fills the line while the store hangs, and waits
// in it in vain.
func TestWhoHangsUpLeavesTheLine(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	resume := n.store.Stall()
	ctx, hangUp := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer hangUp()
	var pages sync.WaitGroup
	for range 150 {
		pages.Go(func() {
			_, _, err := websocket.Dial(ctx, n.url+"/api/v2/qrcode/ws?random="+c.random, &websocket.DialOptions{Subprotocols: []string{"scanlogin.v1"}, HTTPClient: client})
			if err == nil {
				t.Error("the store hangs, and a socket came about")
			}
		})
	}
	pages.Wait()
	resume()
	n.dial("random="+c.random, nil, "key."+c.key).event("waiting")
}
