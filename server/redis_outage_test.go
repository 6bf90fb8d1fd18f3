package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
)

// TestPagesContinueAfterARestartOfRedis kills Redis while a page waits: if every write is on
// disk, the login continues on the same socket.
func TestPagesContinueAfterARestartOfRedis(t *testing.T) {
	a, b, redis := pairOn(t, redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always"), nil, newPool(t, nil))
	p := b.dial("userPoolId=p1", nil)
	random := p.event("code")["random"].(string)
	a.phone("scanned", random, "alice").ok()
	p.event("scanned")
	redis.Kill()
	a.phone("confirm", random, "alice").refused(503, 1000)
	redis.Restart()
	eventually(t, "the phone confirms", func() bool { return a.phone("confirm", random, "alice").code == 200 })
	ticket := p.event("confirmed")["ticket"].(string)
	p.closed(1000)
	if u := a.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok(); u["id"] != "alice" {
		t.Errorf("user: %v", u)
	}
}

// TestPagesGetANewCodeIfRedisLostTheirs kills a Redis without persistence: the page
// gets the expiry of its code, and another code on the same socket.
func TestPagesGetANewCodeIfRedisLostTheirs(t *testing.T) {
	a, b, redis := pairOn(t, redistest.Start(t, "--appendonly", "no", "--save", ""), nil, newPool(t, nil))
	p := b.dial("userPoolId=p1", nil)
	p.event("code")
	redis.Kill()
	redis.Restart()
	began := time.Now()
	p.event("expired")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the page was informed after %v", took)
	}
	random := p.event("code")["random"].(string)
	eventually(t, "the phone scans", func() bool { return a.phone("scanned", random, "alice").code == 200 })
	p.event("scanned")
	a.phone("confirm", random, "alice").ok()
	p.event("confirmed")
}

// TestEveryKeyInRedisExpiresInTime waits until an idle page has had all its codes, and
// checks the expiry of all keys in Redis.
func TestEveryKeyInRedisExpiresInTime(t *testing.T) {
	t.Parallel()
	a, _, redis := pair(t, nil, newPool(t, func(p *pool.Pool) { p.CodeTTL = time.Second }),
		newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs = "p2", nil })) // codes with a lifetime that suffices for a scan
	shown := a.watchUntilClosed("userPoolId=p1", 4408)
	a.confirmed("p2")
	keys, _ := redis.Do("KEYS", "*").([]any)
	codes := 0
	const gone = -2              // the key has expired meanwhile
	const estimate = time.Second // the expiry is set by an estimate of Redis's clock
	for _, key := range keys {
		longest := pool.DefaultKnownBrowserTTL
		if !strings.HasPrefix(key.(string), "test:tally:") {
			codes++
			longest = pool.DefaultTicketTTL + session.Retention
		}
		ttl, _ := redis.Do("PTTL", key).(int64)
		if ttl < 0 && ttl != gone || time.Duration(ttl)*time.Millisecond > longest+estimate {
			t.Errorf("%v lives for %d ms", key, ttl)
		}
	}
	if shown < pool.DefaultMaxCodes {
		t.Errorf("the page was closed after %d codes of %d", shown, pool.DefaultMaxCodes)
	}
	if codes < shown+1 { // more if Redis stored a code too late for its page
		t.Errorf("%d keys of %d codes", codes, shown+1)
	}
}

// watchUntilClosed connects a page until it is closed with want, and returns how many
// codes it was shown. As a page does, it connects again if Redis was too slow (1013).
func (n *node) watchUntilClosed(query string, want websocket.StatusCode) (codes int) {
	n.Helper()
	p := n.dial(query, nil)
	for {
		_, text, err := p.Read(p.ctx)
		switch status := websocket.CloseStatus(err); {
		case err == nil && strings.Contains(string(text), `"event":"code"`):
			codes++
		case err == nil:
		case status == want:
			return codes
		case status == websocket.StatusTryAgainLater:
			p = n.dial(query, nil)
		default:
			n.Fatalf("instead of a close with %d: %v", want, err)
		}
	}
}
