package redisstore_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// promised is the time within which clients are promised an answer while Redis is away.
const promised = 2 * time.Second

func TestCallsFailInTimeWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://127.0.0.1:1", "rediss://user:hunter2@127.0.0.1:1/3", "unix:///nowhere.sock",
		"redis://127.0.0.1:1?addr=127.0.0.1:2&addr=127.0.0.1:3",
		"redis://127.0.0.1:1?addr=127.0.0.1:2&master_name=main&password=hunter2",
	} {
		inTime(t, url, func() error {
			_, err := open(t, url).Load(t.Context(), session.NewID())
			return err
		})
	}
}

func TestCallsFailInTimeWhileRedisDoesNotAnswer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // does not accept connections
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	address := "redis://" + silent.Addr().String()
	for _, query := range []string{"", "?addr=" + silent.Addr().String(), "?master_name=main"} {
		st := open(t, address+query)
		inTime(t, "load"+query, func() error { _, err := st.Load(t.Context(), session.NewID()); return err })
	}
}

func TestCallsFailInTimeWhileRedisIsFrozen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	st := open(t, server.URL())
	made := create(t, st)
	server.Stop()
	inTime(t, "load", func() error { _, err := st.Load(context.Background(), made.ID); return err })
	inTime(t, "create", func() error { _, err := st.Create(context.Background(), newCode(st)); return err })
	inTime(t, "apply", func() error {
		_, _, err := st.Apply(context.Background(), made.ID, by(session.Scan, made).Transition())
		return err
	})
	server.Continue()
	redistest.Eventually(t, promised, "redis answers again", func() bool { _, err := st.Load(t.Context(), made.ID); return err == nil })
}

func inTime(t *testing.T, what string, call func() error) {
	t.Helper()
	began := time.Now()
	err := call()
	if took := time.Since(began); took > slack*promised {
		t.Errorf("%s: answered after %v", what, took)
	}
	if err == nil || errors.Is(err, session.ErrNotFound) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%s: %v", what, err)
	}
}

func TestScriptsAreSentAgainAfterAScriptFlush(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	made := create(t, st)
	server.Do("SCRIPT", "FLUSH")
	if _, err := st.Load(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
	server.Do("SCRIPT", "FLUSH")
	create(t, st)
	server.Do("SCRIPT", "FLUSH")
	scan := by(session.Scan, made).Transition()
	if _, outcome, err := st.Apply(t.Context(), made.ID, scan); err != nil || outcome != session.Applied {
		t.Errorf("%v, %v", outcome, err)
	}
	server.Do("SCRIPT", "FLUSH")
	if _, outcome, err := st.Apply(t.Context(), made.ID, scan); err != nil || outcome != session.AppliedBefore {
		t.Errorf("retry: %v, %v", outcome, err)
	}
}

func TestEveryKeyHasAnExpiry(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	for range 20 {
		apply(t, st, create(t, st), session.Scan)
	}
	late := sessiontest.New(st, -session.Retention-time.Second)
	if _, err := st.Create(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	keys := server.Do("KEYS", "*").([]any)
	const estimate = time.Second // of Redis's clock
	for _, k := range keys {
		if ms := server.Do("PTTL", k).(int64); ms <= 0 || ms > (time.Hour+session.Retention+estimate).Milliseconds() {
			t.Errorf("%v expires in %d ms", k, ms)
		}
	}
	if len(keys) != 20 {
		t.Errorf("%d keys for 20 codes and one that expired long ago", len(keys))
	}
}

func TestAFullRedisStoresAndAnnouncesNothing(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	watcher := listen(t, st)
	code := create(t, st)
	watcher.subscribe(code.ID)
	watcher.await(promised, code.ID, 1)
	server.Do("CONFIG", "SET", "maxmemory", 1)
	if _, err := sessiontest.Step(t.Context(), st, code, by(session.Withdraw, code)); err == nil {
		t.Fatal("a full Redis stored a version")
	}
	if _, err := st.Create(t.Context(), newCode(st)); !errors.Is(err, session.ErrFull) {
		t.Errorf("a full Redis created a code: %v", err)
	}
	server.Do("CONFIG", "SET", "maxmemory", 0)
	if got := apply(t, st, code, session.Scan); got.Version != 2 {
		t.Errorf("version %d after a failed step", got.Version)
	}
	watcher.await(promised, code.ID, 2)
	if watcher.received(code.ID, func(d delivery) bool { return d.Status == session.Expired }) {
		t.Error("a version that was not stored was announced")
	}
}

// TestTimesAreWholeMilliseconds creates a code at a fraction of a millisecond.
func TestTimesAreWholeMilliseconds(t *testing.T) {
	st := open(t, redistest.Start(t).URL())
	code := sessiontest.New(st, time.Minute)
	code.CreatedAt = code.CreatedAt.Truncate(time.Second).Add(123_456_789)
	code.ExpiresAt = code.CreatedAt.Add(time.Minute)
	made, err := st.Create(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	got, err := st.Load(t.Context(), code.ID)
	created := code.CreatedAt.Truncate(time.Second).Add(123 * time.Millisecond)
	ends := created.Add(time.Minute + time.Millisecond) // not before the requested end
	for _, s := range []session.Session{made, got} {
		if err != nil || !s.CreatedAt.Equal(created) || !s.ExpiresAt.Equal(ends) {
			t.Errorf("%v %v, want %v %v (%v)", s.CreatedAt, s.ExpiresAt, created, ends, err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	st := open(b, redistest.Start(b).URL())
	made := create(b, st)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Load(b.Context(), made.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreate(b *testing.B) {
	st := open(b, redistest.Start(b).URL())
	b.ReportAllocs()
	for b.Loop() {
		create(b, st)
	}
}
