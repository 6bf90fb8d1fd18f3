package redisstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

func TestBusRecoversWhenRedisRestartsWithItsData(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	st := open(t, server.URL())
	watcher := listen(t, st)
	code := create(t, st)
	watcher.subscribe(code.ID)
	watcher.await(promised, code.ID, 1)
	for _, a := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
		server.Restart()
		code = apply(t, st, code, a)
		watcher.await(10*time.Second, code.ID, code.Version)
	}
	if watcher.received(code.ID, func(d delivery) bool { return d.err != nil }) {
		t.Error("an error was delivered although nothing was lost")
	}
}

func TestBusReportsCodesLostInARestart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	st := open(t, server.URL())
	watcher := listen(t, st)
	code := create(t, st)
	watcher.subscribe(code.ID)
	watcher.await(promised, code.ID, 1)
	server.Restart()
	redistest.Eventually(t, 10*time.Second, "the code is reported as not found", func() bool {
		return watcher.received(code.ID, func(d delivery) bool { return errors.Is(d.err, session.ErrNotFound) })
	})
	next := create(t, st)
	watcher.subscribe(next.ID)
	apply(t, st, next, session.Scan)
	watcher.await(promised, next.ID, 2)
}

// The connection stays open, so only the sample can detect the loss.
func TestBusReportsCodesLostToAFlush(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		codes   int
		destroy func(*redistest.Server, []session.Session)
	}{
		{"one code", 1, func(r *redistest.Server, _ []session.Session) { r.Do("FLUSHALL") }},
		{"many codes", 500, func(r *redistest.Server, _ []session.Session) { r.Do("FLUSHALL") }},
		{"one third, as when one master of a Cluster is flushed", 300, func(r *redistest.Server, codes []session.Session) {
			for _, c := range codes[:100] {
				r.Do("DEL", key(c.ID))
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			expectReports(t, test.codes, test.destroy)
		})
	}
}

// expectReports checks that a bus reports the codes that destroy removes, without reconnecting.
func expectReports(t *testing.T, count int, destroy func(*redistest.Server, []session.Session)) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	watcher := listen(t, st)
	codes := createMany(t, st, count)
	for _, c := range codes {
		watcher.subscribe(c.ID)
	}
	for _, c := range codes {
		watcher.await(promised, c.ID, 1)
	}
	destroy(server, codes)
	for _, c := range codes {
		if _, err := st.Load(t.Context(), c.ID); err == nil {
			continue
		}
		redistest.Eventually(t, 10*time.Second, "the code is reported as not found", func() bool {
			return watcher.received(c.ID, func(d delivery) bool { return errors.Is(d.err, session.ErrNotFound) })
		})
	}
	if n := watcher.bus.Reconnects(); n != 0 {
		t.Errorf("%d reconnects", n)
	}
}

func TestBusReconnectsAfterRedisWasFrozen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	st := open(t, server.URL())
	watcher := listen(t, st)
	code := create(t, st)
	watcher.subscribe(code.ID)
	watcher.await(promised, code.ID, 1)
	redistest.Eventually(t, promised, "the bus receives its probe", func() bool { return watcher.bus.Age() < time.Second }) // before, its age is unlimited
	server.Stop()
	began := time.Now()
	watcher.subscribe(session.NewID())
	if took := time.Since(began); took > 5*time.Second { // Redis stays frozen until Continue
		t.Errorf("Subscribe waited %v for Redis", took)
	}
	redistest.Eventually(t, 10*time.Second, "no probe has arrived for 8 s", func() bool { return watcher.bus.Age() > 8*time.Second })
	server.Continue()
	redistest.Eventually(t, 10*time.Second, "the bus has reconnected", func() bool { return watcher.bus.Reconnects() == 1 && watcher.bus.Age() < time.Second })
	apply(t, st, code, session.Scan)
	watcher.await(promised, code.ID, 2)
}

func TestBusEndsWhileRedisIsFrozen(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	bus := st.Bus()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- bus.Run(ctx, func(session.Snapshot, error) {}) }()
	redistest.Eventually(t, promised, "the bus receives its probe", func() bool { return bus.Age() < time.Second })
	server.Stop()
	bus.Subscribe(ctx, session.NewID())
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(promised):
		t.Error("the bus did not end with its context")
	}
}

func TestBusGivesUpASilentConnection(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	path := startProxy(t, server.Addr())
	near, far := open(t, server.URL()), open(t, "redis://"+path.addr())
	watcher := listen(t, far)
	code := create(t, near)
	watcher.subscribe(code.ID)
	watcher.await(promised, code.ID, 1)
	path.silence()
	began := time.Now()
	apply(t, near, code, session.Scan)
	watcher.await(7*time.Second, code.ID, 2) // the connection is given up after 5 s
	t.Logf("delivered %v after the connection fell silent", time.Since(began).Round(time.Millisecond))
	if n := watcher.bus.Reconnects(); n != 1 {
		t.Errorf("%d reconnects", n)
	}
}

func TestBusReadsAfterAScriptFlush(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	watcher := listen(t, st)
	code := create(t, st)
	watcher.subscribe(code.ID)
	watcher.await(promised, code.ID, 1)
	watcher.forget()
	server.Do("SCRIPT", "FLUSH")
	server.CutPubSub()
	watcher.await(5*time.Second, code.ID, 1)
}

func TestInvalidMessagesAreIgnored(t *testing.T) {
	server := redistest.Start(t)
	var log bytes.Buffer
	st := openWith(t, redisclient.Options{URL: server.URL()}, redisstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	code, other := create(t, st), create(t, st)
	forged, _ := json.Marshal(session.Snapshot{ID: other.ID, Version: 9, Status: session.Confirmed})
	t.Run("while the bus runs", func(t *testing.T) {
		watcher := listen(t, st)
		watcher.subscribe(code.ID)
		watcher.await(promised, code.ID, 1)
		for _, garbage := range []any{"", "{", "null", "[]", "7", `{"id":7}`, "{}", string(forged), strings.Repeat("x", 1<<20)} {
			server.Do("PUBLISH", key(code.ID), garbage)
		}
		apply(t, st, code, session.Scan)
		watcher.await(promised, code.ID, 2)
		if n := watcher.len(); n != 1 || watcher.received(code.ID, func(d delivery) bool { return d.err != nil || d.Version > 2 }) {
			t.Errorf("an invalid message was delivered: %+v", watcher.got)
		}
	})
	if n := strings.Count(log.String(), "invalid pub/sub message ignored"); n != 4 { // the 1st, 2nd, 4th, 8th of 9
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

func TestInvalidRecordsAreReportedAsNotFoundWithoutDelayingOthers(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var log bytes.Buffer
	st := openWith(t, redisclient.Options{URL: server.URL()}, redisstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	good := create(t, st)
	bad := make([]session.ID, 6)
	for i, garbage := range [][2]string{{"fixed", "{"}, {"state", `"x"`}, {"state", "{"}, {"state", "5"}, {"state", `{"version":"0"}`}} {
		bad[i] = create(t, st).ID
		server.Do("HSET", key(bad[i]), garbage[0], garbage[1])
	}
	bad[5] = session.NewID()
	server.Do("SET", key(bad[5]), "not even a hash")
	t.Run("while the bus runs", func(t *testing.T) {
		watcher := listen(t, st)
		watcher.subscribe(append(bad, good.ID)...)
		watcher.await(promised, good.ID, 1)
		expectNotFound(t, st, watcher, good, bad)
		later := create(t, st)
		watcher.subscribe(later.ID)
		watcher.await(500*time.Millisecond, later.ID, 1)
	})
	if n := strings.Count(log.String(), "invalid session record"); n != 5 { // the 1st, 2nd, 4th, 8th, 16th of 18
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

// expectNotFound expects that invalid records are reported, loaded and stepped as not found. A
// step is one of good's.
func expectNotFound(t *testing.T, st *redisstore.Store, watcher *listener, good session.Session, bad []session.ID) {
	t.Helper()
	for _, id := range bad {
		redistest.Eventually(t, promised, "an invalid record is reported as not found", func() bool {
			return watcher.received(id, func(d delivery) bool { return errors.Is(d.err, session.ErrNotFound) })
		})
		if _, err := st.Load(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("loading an invalid record: %v", err)
		}
		if _, _, err := st.Apply(t.Context(), id, by(session.Scan, good).Transition()); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("a step of an invalid record: %v", err)
		}
	}
}

func TestReadingManyCodesDoesNotDelayAnnouncements(t *testing.T) {
	t.Parallel()
	const many, pushed = 20_000, 50
	server := redistest.Start(t)
	st := open(t, server.URL())
	watcher := listen(t, st)
	codes := createMany(t, st, many)
	for _, code := range codes {
		watcher.subscribe(code.ID)
	}
	redistest.Eventually(t, 30*time.Second, "all are read", func() bool { return watcher.len() == many })
	watcher.forget()
	server.CutPubSub()
	cut := time.Now()
	var slowest time.Duration
	during := 0
	for i := range pushed {
		code := codes[i*many/pushed]
		redistest.Eventually(t, 30*time.Second, "the code is read again", func() bool {
			return watcher.received(code.ID, func(delivery) bool { return true })
		})
		if watcher.len() < many {
			during++
		}
		apply(t, st, code, session.Scan)
		began := time.Now()
		watcher.await(promised, code.ID, 2)
		slowest = max(slowest, time.Since(began))
	}
	redistest.Eventually(t, 30*time.Second, "all are read again", func() bool { return watcher.len() == many })
	t.Logf("all read again after %v; of %d announcements in this time the slowest took %v",
		time.Since(cut).Round(time.Millisecond), during, slowest.Round(time.Millisecond))
}

// TestUnsubscriptionsShareCommands ends sessions one after the other.
func TestUnsubscriptionsShareCommands(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	st := open(t, server.URL())
	watcher := listen(t, st)
	var codes []session.Session
	for range 50 {
		code := create(t, st)
		watcher.subscribe(code.ID)
		codes = append(codes, code)
	}
	for _, code := range codes {
		watcher.await(promised, code.ID, 1)
	}
	for _, code := range codes {
		if err := watcher.bus.Unsubscribe(t.Context(), code.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	redistest.Eventually(t, promised, "only the bus's own channel is subscribed", func() bool {
		channels, _ := server.Do("PUBSUB", "CHANNELS").([]any)
		return len(channels) == 1
	})
	text, _ := server.Do("INFO", "commandstats").(string)
	_, rest, _ := strings.Cut(text, "cmdstat_unsubscribe:calls=")
	calls, _, _ := strings.Cut(rest, ",")
	if n, err := strconv.Atoi(calls); err != nil || n < 1 || n > 25 {
		t.Errorf("%s commands for %d sessions", calls, len(codes))
	}
}
