package ratelimit_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/ratelimit/ratelimittest"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

func openRedis(t testing.TB, url string) *ratelimit.Redis {
	return ratelimit.NewRedis(redistest.Open(t, redisclient.Options{URL: url, Prefix: "test"}))
}

func TestRedisConformance(t *testing.T) {
	t.Parallel()
	redistest.RunOnEach(t, map[string]func(*testing.T) redistest.Deployment{
		"Single":                     redistest.StartSingle,
		"LeastRightsOverAUnixSocket": redistest.StartUnixSocket,
		"LeastRightsOnACluster":      redistest.StartRestrictedCluster(),
	}, func(t *testing.T, d redistest.Deployment) {
		ratelimittest.Run(t, func(t *testing.T) ratelimittest.Storage {
			return ratelimittest.Storage{A: openRedis(t, d.URL), B: openRedis(t, d.URL), TTL: func(key string) time.Duration {
				return d.TTL("test:tally:" + key)
			}}
		})
	})
}

func TestScriptsAreSentAgainAfterAScriptFlush(t *testing.T) {
	server := redistest.Start(t)
	store := openRedis(t, server.URL())
	for range 2 {
		results, err := store.Do(t.Context(), ratelimit.Allow("a", ratelimit.Limit{Burst: 2, Period: time.Hour}), ratelimit.Incr("b", time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		t.Log(results)
		server.Do("SCRIPT", "FLUSH")
	}
	results, err := store.Do(t.Context(), ratelimit.Allow("a", ratelimit.Limit{Burst: 2, Period: time.Hour}), ratelimit.Count("b"))
	if err != nil || results[0].RetryAfter == 0 || results[1].Count != 2 {
		t.Errorf("%v, error %v", results, err)
	}
	server.Do("SCRIPT", "FLUSH")
	results, err = store.Do(t.Context(), ratelimit.Incr("b", time.Hour), ratelimit.Reset("b"), ratelimit.Count("b"))
	if err != nil || results[2].Count != 0 {
		t.Errorf("incremented and reset: %v, error %v", results, err)
	}
	server.Do("SCRIPT", "FLUSH")
	results, err = store.Do(t.Context(), ratelimit.Incr("c", time.Hour), ratelimit.Count("c"))
	if err != nil || results[1].Count != 1 {
		t.Errorf("incremented and read: %v, error %v", results, err)
	}
}

// TestAScriptThatRanIsNotRepeatedForAnother has Redis know one script of the two.
func TestAScriptThatRanIsNotRepeatedForAnother(t *testing.T) {
	server := redistest.Start(t)
	store := openRedis(t, server.URL())
	request := ratelimit.Allow("k", ratelimit.Limit{Burst: 2, Period: time.Hour})
	do := func(ops ...ratelimit.Op) []ratelimit.Result {
		t.Helper()
		results, err := store.Do(t.Context(), ops...)
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	do(ratelimit.Allow("other", request.Limit)) // Redis knows this script, and not that of Incr
	do(ratelimit.Incr("n", time.Hour), request)
	if wait := do(request)[0].RetryAfter; wait != 0 {
		t.Errorf("the second request of two waits %v", wait)
	}
}

// TestPeekWritesNothing counts the commands of a Peek at a key that exists and at one that
// does not.
func TestPeekWritesNothing(t *testing.T) {
	server := redistest.Start(t)
	store := openRedis(t, server.URL())
	do := func(ops ...ratelimit.Op) {
		t.Helper()
		if _, err := store.Do(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	}
	commands := func() string { return fmt.Sprint(server.Do("INFO", "commandstats")) }
	do(ratelimit.Allow("k", ratelimit.Limit{Burst: 2, Period: time.Hour}))
	if !strings.Contains(commands(), "cmdstat_hset") {
		t.Error("an allowed request wrote nothing")
	}
	server.Do("CONFIG", "RESETSTAT")
	do(ratelimit.Peek("k"), ratelimit.Peek("other"))
	if text := commands(); strings.Contains(text, "cmdstat_hset") || strings.Contains(text, "cmdstat_pexpireat") {
		t.Errorf("Peek wrote: %s", text)
	}
}

var scriptTime = regexp.MustCompile(`cmdstat_evalsha:calls=(\d+),usec=(\d+)`)

// BenchmarkRedis measures the limits of one call that changes a code: one request each of
// user, address and pool in one round trip. It also reports how long Redis is busy.
func BenchmarkRedis(b *testing.B) {
	server := redistest.Start(b)
	store := openRedis(b, server.URL())
	limit := ratelimit.Limit{Burst: 1000, Period: 10 * time.Second}
	call := func(i int) error {
		_, err := store.Do(b.Context(), ratelimit.Allow("user"+strconv.Itoa(i%10_000), limit),
			ratelimit.Allow("address"+strconv.Itoa(i%100), limit), ratelimit.Allow("pool", ratelimit.Limit{Burst: 1e7, Period: time.Minute}))
		return err
	}
	if err := call(0); err != nil {
		b.Fatal(err)
	}
	server.Do("CONFIG", "RESETSTAT")
	for i := 0; b.Loop(); i++ {
		if err := call(i); err != nil {
			b.Fatal(err)
		}
	}
	found := scriptTime.FindStringSubmatch(fmt.Sprint(server.Do("INFO", "commandstats")))
	if found == nil {
		b.Fatal("INFO commandstats has no EVALSHA")
	}
	busy, _ := strconv.ParseFloat(found[2], 64)
	b.ReportMetric(busy/float64(b.N), "redis-µs/op")
}
