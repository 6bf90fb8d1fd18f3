package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// overRedis starts one node on redis with the credentials of a Redis user, such as "app:secret@";
// "" is the default user.
func overRedis(t testing.TB, redis *redistest.Server, login string, change func(*server.Options)) *node {
	t.Helper()
	client := redistest.Open(t, redisclient.Options{URL: "redis://" + login + redis.Addr(), Prefix: "test"})
	st := redisstore.New(client, redisstore.Options{})
	return start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, change, newPool(t, nil))
}

// isReady waits until readyz answers with status and word, for longer than it is cached.
func (n *node) isReady(status int, word string) {
	n.Helper()
	var code int
	var text string
	for range 1500 {
		if code, text = n.ops("/readyz"); code == status && strings.Contains(text, word) {
			return
		}
		pause()
	}
	n.Fatalf("readyz: %d %q, want %d %q", code, text, status, word)
}

// TestANodeThatCannotStoreIsNotReady removes what a step needs, one thing after the
// other, from a Redis that answers reads.
func TestANodeThatCannotStoreIsNotReady(t *testing.T) {
	t.Parallel()
	config := func(redis *redistest.Server, name, value string) { redis.Do("CONFIG", "SET", name, value) }
	for word, c := range map[string]struct{ breaks, mends func(*redistest.Server) }{
		"READONLY": {
			func(redis *redistest.Server) { redis.Do("REPLICAOF", "127.0.0.1", fmt.Sprint(redistest.FreePort(t))) },
			func(redis *redistest.Server) { redis.Do("REPLICAOF", "NO", "ONE") },
		},
		"NOREPLICAS": {
			func(redis *redistest.Server) { config(redis, "min-replicas-to-write", "1") },
			func(redis *redistest.Server) { config(redis, "min-replicas-to-write", "0") },
		},
		"MISCONF": {
			func(redis *redistest.Server) { // like a full disk: the snapshot cannot be written
				config(redis, "dir", "/proc")
				config(redis, "save", "3600 1")
				redis.Do("BGSAVE")
				eventually(t, "saving fails", func() bool {
					return strings.Contains(fmt.Sprint(redis.Do("INFO", "persistence")), "rdb_last_bgsave_status:err")
				})
			},
			func(redis *redistest.Server) { config(redis, "save", "") },
		},
	} {
		t.Run(word, func(t *testing.T) {
			redis := redistest.Start(t, "--enable-protected-configs", "yes")
			n := overRedis(t, redis, "", nil)
			n.isReady(200, "ok")
			c.breaks(redis)
			n.isReady(503, word)
			c.mends(redis)
			n.isReady(200, "ok")
			if lines := n.warnings("ready"); len(lines) < 2 || !strings.Contains(lines[0], "not ready") || !strings.Contains(strings.Join(lines, ""), "ready again") {
				t.Errorf("the log has %v", lines)
			}
		})
	}
}

// TestANodeThatMayNotPublishIsNotReady has a Redis user without the right to publish.
func TestANodeThatMayNotPublishIsNotReady(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	redis.Do("ACL", "SETUSER", "app", "on", ">secret", "~test:*", "&test:*", "+@all", "-publish")
	n := overRedis(t, redis, "app:secret@", nil)
	n.isReady(503, "the store refuses to write")
	redis.Do("ACL", "SETUSER", "app", "+publish")
	n.isReady(200, "ok")
}

// TestAFullStoreDoesNotMakeNodesUnready: otherwise an attacker who fills the store would
// remove all nodes from the load balancer.
func TestAFullStoreDoesNotMakeNodesUnready(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	n := overRedis(t, redis, "", nil)
	n.isReady(200, "ok")
	redis.Do("CONFIG", "SET", "maxmemory", "1")
	n.isReady(200, "the store is full")
	redis.Do("CONFIG", "SET", "maxmemory", "0")
	n.isReady(200, "ok\n")
}

// TestReadinessChecksTheStoreOncePerSecond, however many balancers ask.
func TestReadinessChecksTheStoreOncePerSecond(t *testing.T) {
	redis := redistest.Start(t)
	n := overRedis(t, redis, "", nil)
	n.isReady(200, "ok")
	redis.Do("CONFIG", "RESETSTAT")
	for range 200 {
		n.ops("/readyz")
	}
	calls := 0
	for line := range strings.Lines(fmt.Sprint(redis.Do("INFO", "commandstats"))) {
		if rest, ok := strings.CutPrefix(line, "cmdstat_evalsha:calls="); ok {
			_, _ = fmt.Sscanf(rest, "%d", &calls)
		}
	}
	if calls > 20 { // on a machine that needs 20 s
		t.Errorf("200 requests caused %d calls of the store", calls)
	}
}

// pause is the interval of polling.
func pause() { time.Sleep(20 * time.Millisecond) }
