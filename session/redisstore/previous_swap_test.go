package redisstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redistest"
)

// TestSwapScriptIsIdempotent repeats an operation as a client does whose answer was lost, and
// then runs others. A repetition sets the expiry again, so that WAIT has a write to wait
// for.
func TestSwapScriptIsIdempotent(t *testing.T) {
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Protocol: 2, DisableIdentity: true})
	defer client.Close()
	script, now := redis.NewScript(previousSwapScript), time.Now()
	const hour = 3_600_000 // ms
	for i, step := range []struct {
		version int
		op      string
		end     int64 // ms from now
		keyEnd  int64 // ms from now
		want    string
		stored  string
		ttl     int64 // ms
	}{
		{1, "a", 1 * hour, 2 * hour, "done", "[1 a session 0]", 2 * hour},
		{1, "a", 1 * hour, 3 * hour, "done", "[1 a session 0]", 3 * hour},
		{1, "b", 1 * hour, 9 * hour, "stale", "[1 a session 0]", 3 * hour},
		{3, "c", 1 * hour, 9 * hour, "stale", "[1 a session 0]", 3 * hour},
		{2, "a", -1 * hour, 4 * hour, "done", "[2 a session 4]", 4 * hour},
		{3, "d", 1 * hour, 9 * hour, "over", "[2 a session 4]", 4 * hour},
		{2, "a", -1 * hour, 5 * hour, "done", "[2 a session 4]", 5 * hour}, // a repetition after the end
	} {
		answer, err := script.Run(t.Context(), client, []string{"code"}, step.version, step.op, now.UnixMilli()+step.end,
			fmt.Sprint("session ", i), now.UnixMilli()+step.keyEnd, "announcement").Slice()
		if err != nil || len(answer) != 2 || answer[1] != step.want {
			t.Errorf("step %d: %v, error %v, want %s", i, answer, err, step.want)
		}
		if got := fmt.Sprint(server.Do("HMGET", "code", "version", "op", "session")); got != step.stored {
			t.Errorf("step %d: stored %s, want %s", i, got, step.stored)
		}
		life, since := server.Do("PTTL", "code").(int64), time.Since(now).Milliseconds()
		if life < step.ttl-since-2 || life > step.ttl {
			t.Errorf("step %d: the key expires in %d ms, want %d less at most %d", i, life, step.ttl, since)
		}
	}
}
