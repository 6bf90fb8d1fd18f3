package ratelimit_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

func TestForgetDeletesTheCountersOfItsOwners(t *testing.T) {
	t.Parallel()
	redistest.RunOnEach(t, map[string]func(*testing.T) redistest.Deployment{
		"Single": redistest.StartSingle,
		"LeastRights": func(t *testing.T) redistest.Deployment {
			server := redistest.Start(t)
			server.Allow(redistest.LeastRights(t, "with `scanlogin forget`"))
			return redistest.OneMaster(server, "redis://"+redistest.AppUser+server.Addr())
		},
		"LeastRightsOnACluster": redistest.StartRestrictedCluster("with `scanlogin forget`"),
	}, func(t *testing.T, d redistest.Deployment) {
		store := openRedis(t, d.URL)
		const each = 1500 // more than one SCAN returns
		var ops []ratelimit.Op
		for i := range each {
			n := strconv.Itoa(i)
			ops = append(ops, ratelimit.Incr("alice"+n, time.Hour).OwnedBy("alice"), ratelimit.Incr("bob"+n, time.Hour).OwnedBy("bob"), ratelimit.Incr("none"+n, time.Hour))
		}
		// Increments with and without an owner keep the owner.
		ops = append(ops, ratelimit.Incr("alice0", time.Hour), ratelimit.Allow("allowance", ratelimit.Limit{Burst: 2, Period: time.Hour}))
		do(t, store, ops)
		for _, want := range []int{each, 0} {
			if n, err := store.Forget(t.Context(), "alice", "nobody", ""); n != want || err != nil {
				t.Errorf("%d deleted, want %d: error %v", n, want, err)
			}
		}
		for _, owner := range []string{"alice", "bob", "none"} {
			var counts []ratelimit.Op
			for i := range each {
				counts = append(counts, ratelimit.Count(owner+strconv.Itoa(i)))
			}
			for i, r := range do(t, store, counts) {
				if (r.Count == 0) != (owner == "alice") {
					t.Fatalf("%s%d counts %d", owner, i, r.Count)
				}
			}
		}
	})
}

// do runs operations in calls so small that a busy machine finishes each in time.
func do(t *testing.T, store *ratelimit.Redis, ops []ratelimit.Op) (results []ratelimit.Result) {
	t.Helper()
	for part := range slices.Chunk(ops, 50) {
		more, err := store.Do(t.Context(), part...)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, more...)
	}
	return results
}

func TestForgetNeedsTheRightToScan(t *testing.T) {
	server := redistest.Start(t)
	server.Allow(redistest.LeastRights(t))
	if _, err := openRedis(t, "redis://"+redistest.AppUser+server.Addr()).Forget(t.Context(), "alice"); err == nil {
		t.Error("no error")
	}
}

// TestForgetKeepsToItsPrefix uses a prefix that is a pattern for others.
func TestForgetKeepsToItsPrefix(t *testing.T) {
	server := redistest.Start(t)
	stores := make(map[string]*ratelimit.Redis)
	for _, prefix := range []string{"te*t[s]?", "test", "text"} {
		stores[prefix] = ratelimit.NewRedis(redistest.Open(t, redisclient.Options{URL: server.URL(), Prefix: prefix}))
		if _, err := stores[prefix].Do(t.Context(), ratelimit.Incr("k", time.Hour).OwnedBy("alice")); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := stores["te*t[s]?"].Forget(t.Context(), "alice"); n != 1 || err != nil {
		t.Errorf("%d deleted, error %v", n, err)
	}
	if keys := server.Do("KEYS", "*").([]any); len(keys) != 2 {
		t.Errorf("left: %v", keys)
	}
}
