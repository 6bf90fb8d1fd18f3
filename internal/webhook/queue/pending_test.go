package queue_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// TestDoneEntriesAreRemovedFromThePendingList: an entry that is removed from the stream alone
// would stay in the pending list of the group for ever.
func TestDoneEntriesAreRemovedFromThePendingList(t *testing.T) {
	server := redistest.Start(t)
	q, lane := openRedis(t, server.URL()), queue.Lane{Name: "lane", MaxLen: 10, TTL: time.Hour}
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

var autoclaims = regexp.MustCompile(`cmdstat_xautoclaim:calls=(\d+),`)

// TestTakeSearchesAPartOfTheHeldEntries releases the last of 1,200 held entries: each Take
// examines 500 of them, and the next one continues there.
func TestTakeSearchesAPartOfTheHeldEntries(t *testing.T) {
	server := redistest.Start(t)
	q, lane := openRedis(t, server.URL()), queue.Lane{Name: "lane", MaxLen: 2000, TTL: time.Hour}
	for range 1200 {
		if err := q.Add(t.Context(), lane, "text"); err != nil {
			t.Fatal(err)
		}
	}
	take := func(n int) []queue.Entry {
		t.Helper()
		taken, err := q.Take(t.Context(), lane, n, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return taken
	}
	var last string
	for n := 0; n < 1200; {
		taken := take(400)
		n, last = n+len(taken), taken[len(taken)-1].ID
	}
	if err := q.Hold(t.Context(), lane, 0, last); err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range 4 {
		server.Do("CONFIG", "RESETSTAT")
		found += len(take(1))
		calls := autoclaims.FindStringSubmatch(fmt.Sprint(server.Do("INFO", "commandstats")))
		if i == 0 && (calls == nil || calls[1] != "50") {
			t.Errorf("the first Take made %v calls of XAUTOCLAIM, want 50", calls)
		}
	}
	if found != 1 {
		t.Errorf("four calls of Take found %d entries, want 1", found)
	}
}
