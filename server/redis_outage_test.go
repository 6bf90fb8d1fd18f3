package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
)

// TestPagesContinueAfterARestartOfRedis kills Redis under a waiting page: with every write on
// disk, the story goes on where it was, on the same socket.
func TestPagesContinueAfterARestartOfRedis(t *testing.T) {
	a, b, redis := pairOn(t, redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always"), nil, newPool(t, nil))
	p := b.dial("userPoolId=p1", nil)
	random := p.event("code")["random"].(string)
	p.event("waiting")
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

// TestPagesGetANewCodeIfRedisLostTheirs kills a Redis that keeps nothing: the page is
// told that its code is over, and gets another on the same socket.
func TestPagesGetANewCodeIfRedisLostTheirs(t *testing.T) {
	a, b, redis := pairOn(t, redistest.Start(t, "--appendonly", "no", "--save", ""), nil, newPool(t, nil))
	p := b.dial("userPoolId=p1", nil)
	p.event("code")
	p.event("waiting")
	redis.Kill()
	redis.Restart()
	began := time.Now()
	p.event("expired")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("told after %v", took)
	}
	random := p.event("code")["random"].(string)
	p.event("waiting")
	eventually(t, "the phone scans", func() bool { return a.phone("scanned", random, "alice").code == 200 })
	p.event("scanned")
	a.phone("confirm", random, "alice").ok()
	p.event("confirmed")
}

// TestEveryKeyInRedisExpiresInTime leaves a page alone until it has had its codes, and
// looks at what is left in Redis.
func TestEveryKeyInRedisExpiresInTime(t *testing.T) {
	t.Parallel()
	a, _, redis := pair(t, nil, newPool(t, func(p *pool.Pool) { p.CodeTTL = time.Second }),
		newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs = "p2", nil })) // whose codes live long enough to be scanned
	p := a.dial("userPoolId=p1", nil)
	for range pool.DefaultMaxCodes {
		p.event("code")
		p.event("waiting")
		p.event("expired")
	}
	p.closed(4408)
	a.confirmed("p2")
	keys, _ := redis.Do("KEYS", "*").([]any)
	codes := 0
	const gone = -2              // it came to its end meanwhile
	const estimate = time.Second // the end is by an estimate of Redis's clock
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
	if codes != pool.DefaultMaxCodes+1 {
		t.Errorf("%d keys of %d codes", codes, pool.DefaultMaxCodes+1)
	}
}
