package server_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// blockingStore blocks operations while it is held, regardless of their deadline.
type blockingStore struct {
	session.Store
	mu sync.RWMutex
}

func (s *blockingStore) Load(ctx context.Context, id session.ID) (session.Session, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.Store.Load(context.WithoutCancel(ctx), id)
}

func (s *blockingStore) Create(ctx context.Context, code session.Session) (session.Session, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.Store.Create(context.WithoutCancel(ctx), code)
}

func (s *blockingStore) Apply(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.Store.Apply(context.WithoutCancel(ctx), id, t)
}

// refreshWhileBlocked opens a socket, requests another code while the store is blocked, and
// returns the messages that follow.
func refreshWhileBlocked(t *testing.T, held *blockingStore, open func() *page) <-chan map[string]any {
	t.Helper()
	held.mu.Lock()
	p := open()
	p.say(`{"action":"refresh"}`)
	told := make(chan map[string]any, 10)
	go func() {
		for {
			_, text, err := p.Read(p.ctx)
			if err != nil {
				close(told)
				return
			}
			validator.message(p, text)
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				p.Errorf("%s: %v", text, err)
			}
			told <- m
		}
	}()
	if err := p.Ping(p.ctx); err != nil { // after the pong, the refresh has been read
		t.Fatal(err)
	}
	held.mu.Unlock()
	return told
}

// TestRefreshBeforeTheFirstMessage requests another code before the page has received one.
func TestRefreshBeforeTheFirstMessage(t *testing.T) {
	t.Parallel()
	st := memstore.New()
	held := &blockingStore{Store: st}
	n := start(t, sessiontest.Node{Store: held, Bus: st.Bus()}, nil, newPool(t, nil))

	t.Run("of a code that is resumed is served", func(t *testing.T) {
		p := n.dial("userPoolId=p1", nil)
		m := p.event("code")
		random, key := m["random"].(string), m["browserKey"].(string)
		_ = p.CloseNow()
		told := refreshWhileBlocked(t, held, func() *page { return n.dial("userPoolId=p1&random="+random, nil, "key."+key) })
		if m := <-told; m["event"] != "waiting" || m["random"] != random {
			t.Errorf("first: %v", m)
		}
		if m := <-told; m["event"] != "code" || m["random"] == random {
			t.Errorf("second: %v", m)
		}
	})
	t.Run("of a new code is dropped", func(t *testing.T) {
		told := refreshWhileBlocked(t, held, func() *page { return n.dial("userPoolId=p1", nil) })
		m := <-told
		if m["event"] != "code" {
			t.Errorf("first: %v", m)
		}
		if d := n.call("GET", "/check?wait=2&version=1&random="+m["random"].(string), nil).ok(); d["event"] != "waiting" {
			t.Errorf("the new code: %v", d)
		}
	})
}
