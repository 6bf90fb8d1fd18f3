package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// cluster is a set of nodes that are replaced one after the other.
type cluster struct {
	mu    sync.Mutex
	nodes []*node
}

func (c *cluster) any() *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[rand.IntN(len(c.nodes))]
}

func (c *cluster) replace(i int, by *node) (old *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, c.nodes[i] = c.nodes[i], by
	return old
}

// rollingPage is a login page that reconnects like the login element.
type rollingPage struct {
	testing.TB
	random, key string
	codes       int // codes received
	confirmed   bool
}

// run reconnects until the login is confirmed; ready is called with the first code.
func (p *rollingPage) run(ctx context.Context, c *cluster, ready func()) error {
	for !p.confirmed {
		query, offer := "userPoolId=p1", []string{"scanlogin.v1"}
		if p.random != "" {
			query, offer = query+"&random="+p.random, append(offer, "key."+p.key)
		}
		conn, _, err := websocket.Dial(ctx, c.any().url+"/api/v2/qrcode/ws?"+query, &websocket.DialOptions{Subprotocols: offer})
		if err == nil {
			err = p.listen(ctx, conn, ready)
			_ = conn.CloseNow()
		}
		switch websocket.CloseStatus(err) {
		case websocket.StatusNormalClosure:
			return nil
		case websocket.StatusPolicyViolation, 4404, 4408:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("never confirmed: %w", err)
		case <-time.After(rand.N(500 * time.Millisecond)): // a shorter pause than that of the contract
		}
	}
	return nil
}

func (p *rollingPage) listen(ctx context.Context, conn *websocket.Conn, ready func()) error {
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		validator.message(p, text)
		var m struct{ Event, Random, BrowserKey string }
		if err := json.Unmarshal(text, &m); err != nil {
			return err
		}
		switch m.Event {
		case "code":
			p.random, p.key = m.Random, m.BrowserKey
			if p.codes++; p.codes == 1 {
				ready()
			}
		case "confirmed":
			p.confirmed = true
		}
	}
}

// phoneSucceeds makes a call of the phone, and reports whether it succeeded. A node that
// shuts down may reset the connection; load balancer or phone then try again.
func (n *node) phoneSucceeds(step, random, user string) bool {
	req, err := http.NewRequestWithContext(n.Context(), "POST", n.url+"/api/v2/qrcode/"+step, strings.NewReader(`{"random":"`+random+`"}`))
	if err != nil {
		n.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", userToken(n, user))
	res, err := unvalidated.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode == http.StatusOK
}

// TestARollingRestartLosesNoLogin replaces three nodes while 500 pages wait, some of
// them scanned: all logins are confirmed, and no page needs another code.
func TestARollingRestartLosesNoLogin(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	open := func() *node {
		st := redisstore.New(redistest.Open(t, redisclient.Options{URL: redis.URL(), Prefix: "test"}), redisstore.Options{})
		return start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, nil, newPool(t, func(p *pool.Pool) { p.CodeTTL = 10 * time.Minute }))
	}
	c := &cluster{nodes: []*node{open(), open(), open()}}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()

	pages := slices.Repeat([]rollingPage{{TB: t}}, 500)
	var ready atomic.Int64
	var running sync.WaitGroup
	for i := range pages {
		running.Go(func() {
			if err := pages[i].run(ctx, c, func() { ready.Add(1) }); err != nil {
				t.Errorf("page %d: %v", i, err)
			}
		})
	}
	eventually(t, "all pages show a code", func() bool { return ready.Load() == int64(len(pages)) })

	var scanned atomic.Int64
	phone := func(i int, step string) {
		user := fmt.Sprintf("user%d", i)
		eventually(t, step, func() bool { return c.any().phoneSucceeds(step, pages[i].random, user) })
		scanned.Add(1)
	}
	for i := range 3 {
		running.Go(func() { // some phones scan meanwhile
			for k := i * 50; k < (i+1)*50; k++ {
				phone(k, "scanned")
			}
		})
		if err := c.replace(i, open()).stop(); err != nil {
			t.Errorf("node %d: %v", i, err)
		}
	}
	eventually(t, "those have scanned", func() bool { return scanned.Load() == 150 })
	for i := range pages {
		if i >= 150 {
			phone(i, "scanned")
		}
		phone(i, "confirm")
	}
	running.Wait()
	for i := range pages {
		if !pages[i].confirmed || pages[i].codes != 1 {
			t.Errorf("page %d: confirmed %v, %d codes", i, pages[i].confirmed, pages[i].codes)
		}
	}
}
