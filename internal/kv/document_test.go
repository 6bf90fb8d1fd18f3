package kv

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redistest"
)

// TestDocumentScriptIsIdempotent repeats an operation as a client does whose answer was lost,
// and then runs others.
func TestDocumentScriptIsIdempotent(t *testing.T) {
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
		{1, "a", "done", "[1 a text 0]"},  // repeated
		{1, "b", "stale", "[1 a text 0]"}, // the same version by another operation
		{2, "a", "done", "[2 a text 3]"},  // another version by the same operation
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
