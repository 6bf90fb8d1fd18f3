package webhook_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

func TestForgetRemovesTheMessagesAboutAUser(t *testing.T) {
	for name, open := range map[string]func(*testing.T) queue.Queue{
		"Memory": func(*testing.T) queue.Queue { return queue.NewMemory() },
		"Redis": func(t *testing.T) queue.Queue {
			return queue.NewRedis(redistest.Open(t, redisclient.Options{URL: redistest.Start(t).URL()}))
		},
	} {
		t.Run(name, func(t *testing.T) { forgetMessages(t, open(t)) })
	}
}

// forgetMessages adds messages about alice and others to all lanes of two pools.
func forgetMessages(t *testing.T, q queue.Queue) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const each = 400 // more than one page of three
	lanes := []string{"webhooks:p:due", "webhooks:p:dead", "webhooks:other:due"}
	for _, name := range lanes {
		lane := queue.Lane{Name: name, MaxLen: 10 * each, TTL: time.Hour}
		for i := range each {
			for _, user := range []string{`,"user":{"id":"alice"}`, `,"user":{"id":"alice2","nickname":"alice"}`, ""} {
				body := fmt.Sprintf(`{"type":"code.scanned","data":{"pool":"p"%s}}`, user)
				if err := q.Add(ctx, lane, fmt.Sprintf(`{"id":"msg_%d","body":%q}`, i, body)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	want := webhook.Forgotten{Waiting: each, DeadLetters: each}
	for range 2 {
		if got, err := webhook.Forget(ctx, q, "p", "alice"); got != want || err != nil {
			t.Errorf("got %+v, want %+v: error %v", got, want, err)
		}
		want = webhook.Forgotten{}
	}
	for i, name := range lanes {
		entries, err := q.List(ctx, queue.Lane{Name: name}, 10*each)
		if err != nil {
			t.Fatal(err)
		}
		about := 0
		for _, e := range entries {
			about += strings.Count(e.Text, `{\"id\":\"alice\"}`)
		}
		if wantAbout := i / 2 * each; about != wantAbout || len(entries) != 2*each+wantAbout {
			t.Errorf("%s: %d messages, %d about alice", name, len(entries), about)
		}
	}
}
