package redisstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

func TestBusFollowsARedisThatWasKilledAndKeptAll(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	st := open(t, server.URL())
	heard := listen(t, st)
	code := create(t, st)
	heard.subscribe(code.ID)
	heard.await(promised, code.ID, 1)
	for _, a := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
		server.Restart()
		code = apply(t, st, code, a)
		heard.await(10*time.Second, code.ID, code.Version)
	}
	if heard.heard(code.ID, func(d delivery) bool { return d.err != nil }) {
		t.Error("nothing was lost, and yet that was told")
	}
}

func TestBusTellsThatARedisForgotEverything(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	st := open(t, server.URL())
	heard := listen(t, st)
	code := create(t, st)
	heard.subscribe(code.ID)
	heard.await(promised, code.ID, 1)
	server.Restart()
	eventually(t, 10*time.Second, "the code is told as gone", func() bool {
		return heard.heard(code.ID, func(d delivery) bool { return errors.Is(d.err, session.ErrNotFound) })
	})
	next := create(t, st)
	heard.subscribe(next.ID)
	apply(t, st, next, session.Scan)
	heard.await(promised, next.ID, 2)
}

// The connection stays as it was, so nothing but a look can show it.
func TestBusTellsThatRedisWasEmptied(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		codes   int
		destroy func(*redistest.Server, []session.Session)
	}{
		{"one code", 1, func(r *redistest.Server, _ []session.Session) { r.Do("FLUSHALL") }},
		{"many codes", 500, func(r *redistest.Server, _ []session.Session) { r.Do("FLUSHALL") }},
		{"one of three, as when a Cluster's master is emptied", 300, func(r *redistest.Server, codes []session.Session) {
			for _, c := range codes[:100] {
				r.Do("DEL", key(c.ID))
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			st := open(t, server.URL())
			heard := listen(t, st)
			codes := createMany(t, st, test.codes)
			for _, c := range codes {
				heard.subscribe(c.ID)
			}
			for _, c := range codes {
				heard.await(promised, c.ID, 1)
			}
			test.destroy(server, codes)
			for _, c := range codes {
				if _, err := st.Load(t.Context(), c.ID); err == nil {
					continue
				}
				eventually(t, 10*time.Second, "the code is told as gone", func() bool {
					return heard.heard(c.ID, func(d delivery) bool { return errors.Is(d.err, session.ErrNotFound) })
				})
			}
			if n := heard.bus.Reconnects(); n != 0 {
				t.Errorf("%d reconnects", n)
			}
		})
	}
}

func TestBusLeavesAFrozenRedisAndComesBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	st := open(t, server.URL())
	heard := listen(t, st)
	code := create(t, st)
	heard.subscribe(code.ID)
	heard.await(promised, code.ID, 1)
	eventually(t, promised, "it hears itself", func() bool { return heard.bus.Age() < time.Second }) // before, its age is without end
	server.Stop()
	began := time.Now()
	heard.subscribe(session.NewID())
	if took := time.Since(began); took > 5*time.Second { // Redis stays stopped until it is told to go on
		t.Errorf("subscribing waited %v for Redis", took)
	}
	eventually(t, 10*time.Second, "the bus is deaf long enough", func() bool { return heard.bus.Age() > 8*time.Second })
	server.Continue()
	eventually(t, 10*time.Second, "the bus is back", func() bool { return heard.bus.Reconnects() == 1 && heard.bus.Age() < time.Second })
	apply(t, st, code, session.Scan)
	heard.await(promised, code.ID, 2)
}

func TestBusEndsWhileRedisIsFrozen(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	bus := st.Bus()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- bus.Run(ctx, func(session.Snapshot, error) {}) }()
	eventually(t, promised, "it hears itself", func() bool { return bus.Age() < time.Second })
	server.Stop()
	bus.Subscribe(ctx, session.NewID())
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(promised):
		t.Error("the bus goes on after its context ended")
	}
}

func TestBusLeavesASilentConnection(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	path := startProxy(t, server.Addr())
	near, far := open(t, server.URL()), open(t, "redis://"+path.addr())
	heard := listen(t, far)
	code := create(t, near)
	heard.subscribe(code.ID)
	heard.await(promised, code.ID, 1)
	path.silence()
	began := time.Now()
	apply(t, near, code, session.Scan)
	heard.await(7*time.Second, code.ID, 2) // 5 s until it is given up
	t.Logf("current %v after the connection fell silent", time.Since(began).Round(time.Millisecond))
	if n := heard.bus.Reconnects(); n != 1 {
		t.Errorf("%d reconnects", n)
	}
}

func TestBusReadsAfterRedisForgotTheScripts(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	heard := listen(t, st)
	code := create(t, st)
	heard.subscribe(code.ID)
	heard.await(promised, code.ID, 1)
	heard.forget()
	server.Do("SCRIPT", "FLUSH")
	server.CutPubSub()
	heard.await(5*time.Second, code.ID, 1)
}

func TestGarbageOnAChannelIsPassedOver(t *testing.T) {
	server := redistest.Start(t)
	var log bytes.Buffer
	st, err := redisstore.Open(redisstore.Options{URL: server.URL(), Prefix: "test", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	code, other := create(t, st), create(t, st)
	forged, _ := json.Marshal(session.Snapshot{ID: other.ID, Version: 9, Status: session.Confirmed})
	t.Run("while the bus runs", func(t *testing.T) {
		heard := listen(t, st)
		heard.subscribe(code.ID)
		heard.await(promised, code.ID, 1)
		for _, garbage := range []any{"", "{", "null", "[]", "7", `{"id":7}`, "{}", string(forged), strings.Repeat("x", 1<<20)} {
			server.Do("PUBLISH", key(code.ID), garbage)
		}
		apply(t, st, code, session.Scan)
		heard.await(promised, code.ID, 2)
		if n := heard.len(); n != 1 || heard.heard(code.ID, func(d delivery) bool { return d.err != nil || d.Version > 2 }) {
			t.Errorf("garbage was delivered: %+v", heard.got)
		}
	})
	if n := strings.Count(log.String(), "bus message ignored"); n != 4 { // the 1st, 2nd, 4th, 8th of 9
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

func TestWhatIsNoSessionIsToldAsGoneAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var log bytes.Buffer
	st, err := redisstore.Open(redisstore.Options{URL: server.URL(), Prefix: "test", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	good := create(t, st)
	bad := make([]session.ID, 5)
	for i, garbage := range []string{"{", `"x"`, `{"id":7}`, `{"id":"` + string(good.ID) + `","version":1}`} {
		bad[i] = create(t, st).ID
		server.Do("HSET", key(bad[i]), "session", garbage)
	}
	bad[4] = session.NewID()
	server.Do("SET", key(bad[4]), "not even a hash")
	t.Run("while the bus runs", func(t *testing.T) {
		heard := listen(t, st)
		heard.subscribe(append(bad, good.ID)...)
		heard.await(promised, good.ID, 1)
		for _, id := range bad {
			eventually(t, promised, "garbage is told as gone", func() bool {
				return heard.heard(id, func(d delivery) bool { return errors.Is(d.err, session.ErrNotFound) })
			})
			if _, err := st.Load(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("loading garbage: %v", err)
			}
		}
		later := create(t, st)
		heard.subscribe(later.ID)
		heard.await(500*time.Millisecond, later.ID, 1)
	})
	if n := strings.Count(log.String(), "is no session"); n != 4 { // the 1st, 2nd, 4th, 8th of 10
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

func TestARereadOfManyDoesNotDelayAnnouncements(t *testing.T) {
	t.Parallel()
	const many, pushed = 20_000, 50
	server := redistest.Start(t)
	st := open(t, server.URL())
	heard := listen(t, st)
	codes := createMany(t, st, many)
	for _, code := range codes {
		heard.subscribe(code.ID)
	}
	eventually(t, 30*time.Second, "all are read", func() bool { return heard.len() == many })
	heard.forget()
	server.CutPubSub()
	cut := time.Now()
	var slowest time.Duration
	during := 0
	for i := range pushed {
		code := codes[i*many/pushed]
		eventually(t, 30*time.Second, "the code is read again", func() bool {
			return heard.heard(code.ID, func(delivery) bool { return true })
		})
		if heard.len() < many {
			during++
		}
		apply(t, st, code, session.Scan)
		began := time.Now()
		heard.await(promised, code.ID, 2)
		slowest = max(slowest, time.Since(began))
	}
	eventually(t, 30*time.Second, "all are read again", func() bool { return heard.len() == many })
	t.Logf("all read again after %v; %d announcements meanwhile, the slowest took %v",
		time.Since(cut).Round(time.Millisecond), during, slowest.Round(time.Millisecond))
}

func TestBusRunsOnce(t *testing.T) {
	st := open(t, redistest.Start(t).URL())
	bus := st.Bus()
	if bus.Age() != math.MaxInt64 {
		t.Errorf("heard a probe %v ago, before it ran", bus.Age())
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { bus.Run(ctx, func(session.Snapshot, error) {}) })
	eventually(t, promised, "it hears itself", func() bool { return bus.Age() < time.Second })
	if err := bus.Run(ctx, nil); err == nil {
		t.Error("it was run twice")
	}
	cancel()
	run.Wait()
	if err := bus.Subscribe(t.Context(), session.NewID()); err == nil {
		t.Error("subscribed after its end")
	}
}
