package redisstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redistest"
)

// TestAScriptThatRunsTwiceDoesItOnce runs what writes a version as a client does
// whose answer was lost: with the same operation again, and then with others.
func TestAScriptThatRunsTwiceDoesItOnce(t *testing.T) {
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Protocol: 2, DisableIdentity: true})
	defer client.Close()
	document := redis.NewScript(documentScript)
	swap := func(version int, op, text string) string {
		t.Helper()
		outcome, err := document.Run(t.Context(), client, []string{"doc"}, version, op, text).Text()
		if err != nil {
			t.Fatal(err)
		}
		return outcome
	}
	for i, step := range []struct {
		version  int
		op, want string
		stored   string
	}{
		{1, "a", "done", "[1 a text 0]"},
		{1, "a", "done", "[1 a text 0]"},  // again
		{1, "b", "stale", "[1 a text 0]"}, // the same version by another
		{2, "a", "done", "[2 a text 3]"},  // another version by the same
		{2, "a", "done", "[2 a text 3]"},
		{1, "a", "stale", "[2 a text 3]"}, // too late
		{4, "c", "stale", "[2 a text 3]"}, // too early
	} {
		if got := swap(step.version, step.op, fmt.Sprint("text ", i)); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
		if got := fmt.Sprint(server.Do("HMGET", "doc", "version", "op", "text")); got != step.stored {
			t.Errorf("step %d: stored %s, want %s", i, got, step.stored)
		}
	}
}

// TestAScriptThatRunsTwiceSwapsOnce does the same for codes. A retry sets the key's
// end again, so that WAIT has a write to wait for.
func TestAScriptThatRunsTwiceSwapsOnce(t *testing.T) {
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Protocol: 2, DisableIdentity: true})
	defer client.Close()
	script, now := redis.NewScript(swapScript), time.Now()
	const hour = 3_600_000 // ms
	for i, step := range []struct {
		version  int
		op       string
		end      int64 // ms from now
		keyEnd   int64 // ms from now
		want     string
		stored   string
		keyLives int64 // ms
	}{
		{1, "a", 1 * hour, 2 * hour, "done", "[1 a session 0]", 2 * hour},
		{1, "a", 1 * hour, 3 * hour, "done", "[1 a session 0]", 3 * hour},
		{1, "b", 1 * hour, 9 * hour, "stale", "[1 a session 0]", 3 * hour},
		{3, "c", 1 * hour, 9 * hour, "stale", "[1 a session 0]", 3 * hour},
		{2, "a", -1 * hour, 4 * hour, "done", "[2 a session 4]", 4 * hour},
		{3, "d", 1 * hour, 9 * hour, "over", "[2 a session 4]", 4 * hour},
		{2, "a", -1 * hour, 5 * hour, "done", "[2 a session 4]", 5 * hour}, // a retry after the end
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
		if life < step.keyLives-since-2 || life > step.keyLives {
			t.Errorf("step %d: the key lives for %d ms, want %d less at most %d", i, life, step.keyLives, since)
		}
	}
}
