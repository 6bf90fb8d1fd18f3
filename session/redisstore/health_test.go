package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

func openBounded(t *testing.T, url string, maxBytes int64) *redisstore.Store {
	t.Helper()
	return openWith(t, redisclient.Options{URL: url}, redisstore.Options{MaxBytes: maxBytes})
}

func TestUsageReportsTheLowerMaximum(t *testing.T) {
	server := redistest.Start(t)
	for _, c := range []struct{ redis, own, want int64 }{
		{0, 0, 0}, {0, 100 << 20, 100 << 20}, {64 << 20, 0, 64 << 20}, {64 << 20, 100 << 20, 64 << 20}, {128 << 20, 100 << 20, 100 << 20},
	} {
		server.Do("CONFIG", "SET", "maxmemory", c.redis)
		usage, err := openBounded(t, server.URL(), c.own).Usage(t.Context())
		if err != nil || usage.Max != c.want || usage.Used < 100<<10 || usage.Used > 32<<20 {
			t.Errorf("maxmemory %d, MaxBytes %d: %+v, %v", c.redis, c.own, usage, err)
		}
	}
}

func TestUsageWithoutTheRightReturnsErrRefused(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "app", "on", ">s#cret", "~test:*", "&test:*", "+@all", "-info")
	_, err := openBounded(t, "redis://"+redistest.AppUser+server.Addr(), 0).Usage(t.Context())
	if !errors.Is(err, session.ErrRefused) {
		t.Errorf("without the right to INFO: %v", err)
	}
	server.Kill()
	if _, err = openBounded(t, server.URL(), 0).Usage(t.Context()); err == nil || errors.Is(err, session.ErrRefused) {
		t.Errorf("without Redis: %v", err)
	}
}

// TestUsageOfAClusterIsThatOfTheFullestMaster lowers the maximum of one master of three.
func TestUsageOfAClusterIsThatOfTheFullestMaster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	st := openBounded(t, c.URL(""), 0)
	for i, node := range c {
		node.Do("CONFIG", "SET", "maxmemory", (100+i)<<20)
	}
	before, err := st.Usage(t.Context())
	if err != nil || before.Max != 100<<20 {
		t.Fatalf("usage: %+v, %v", before, err)
	}
	c[2].Do("CONFIG", "SET", "maxmemory", 4<<20)
	if usage, err := st.Usage(t.Context()); err != nil || usage.Max != 4<<20 || usage.Ratio() < before.Ratio() {
		t.Errorf("usage: %+v, %v", usage, err)
	}
	if err := st.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
}

func TestUsageBehindSentinelIsThatOfTheMaster(t *testing.T) {
	t.Parallel()
	s := startSentinel(t, 60_000)
	s.master.Do("CONFIG", "SET", "maxmemory", 50<<20)
	s.replica.Do("CONFIG", "SET", "maxmemory", 5<<20)
	st := openBounded(t, s.url(), 0)
	if usage, err := st.Usage(t.Context()); err != nil || usage.Max != 50<<20 {
		t.Errorf("usage: %+v, %v", usage, err)
	}
	if err := st.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
}

// TestCheckLeavesOnlyShortLivedKeys also checks the errors of a full and of a missing Redis.
func TestCheckLeavesOnlyShortLivedKeys(t *testing.T) {
	server := redistest.Start(t)
	st := openBounded(t, server.URL(), 0)
	if err := st.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, _ := server.Do("KEYS", "*").([]any)
	for _, key := range keys {
		if ttl, _ := server.Do("PTTL", key).(int64); !strings.HasPrefix(fmt.Sprint(key), "test:{check:") || ttl <= 0 || ttl > 10_000 {
			t.Errorf("%v expires in %d ms", key, ttl)
		}
	}
	server.Do("CONFIG", "SET", "maxmemory", 1)
	if err := st.Check(t.Context()); !errors.Is(err, session.ErrFull) {
		t.Errorf("a full Redis: %v", err)
	}
	server.Do("CONFIG", "SET", "maxmemory", 0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server.Kill()
	if err := st.Check(ctx); err == nil || errors.Is(err, session.ErrRefused) || errors.Is(err, session.ErrFull) {
		t.Errorf("without Redis: %v", err)
	}
}

func TestSessionsAreStoredWithoutHTMLEscapes(t *testing.T) {
	server := redistest.Start(t)
	st := openBounded(t, server.URL(), 0)
	code := newCode(st)
	code.Client.UserAgent = strings.Repeat("<&>", 80)
	made, err := st.Create(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(server.Do("HGET", key(made.ID), "fixed"))
	if !strings.Contains(text, code.Client.UserAgent) {
		t.Errorf("stored: %s", text)
	}
	if found, err := st.Load(t.Context(), made.ID); err != nil || found.Client != code.Client {
		t.Errorf("loaded: %+v, %v", found, err)
	}
}
