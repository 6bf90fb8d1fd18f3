package redisstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/queue"
	"github.com/scanlogin/scanlogin/session/redisstore/redistest"
)

// TestWhatIsDoneIsNoLongerPending looks at what the group holds: an entry that
// is gone from the stream and still pending would fill Redis for ever.
func TestWhatIsDoneIsNoLongerPending(t *testing.T) {
	server := redistest.Start(t)
	q, lane := open(t, server.URL()).Queue(), queue.Lane{Name: "lane", Most: 10, Life: time.Hour}
	for _, text := range []string{"one", "two", "three"} {
		if err := q.Add(t.Context(), lane, text); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := q.Take(t.Context(), lane, 3, time.Hour)
	if err != nil || len(taken) != 3 {
		t.Fatalf("%v, error %v", taken, err)
	}
	pending := func() string {
		t.Helper()
		return fmt.Sprint(server.Do("XPENDING", "test:queue:lane", "nodes").([]any)[0], " of ", server.Do("XLEN", "test:queue:lane"))
	}
	if got := pending(); got != "3 of 3" {
		t.Errorf("taken: %s", got)
	}
	if err := q.Done(t.Context(), lane, taken[0].ID, taken[2].ID); err != nil {
		t.Fatal(err)
	}
	if got := pending(); got != "1 of 1" {
		t.Errorf("two done: %s", got)
	}
}
