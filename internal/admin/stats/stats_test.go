package stats_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/session"
)

// breaking is a store that can fail.
type breaking struct {
	*kv.Memory
	failing atomic.Bool
}

func (b *breaking) Put(ctx context.Context, name, field, value string, end time.Time) error {
	if b.failing.Load() {
		return errors.New("unavailable")
	}
	return b.Memory.Put(ctx, name, field, value, end)
}

func newRecorder(on kv.Store, name string) *stats.Recorder {
	return stats.NewRecorder(stats.Options{Store: on, Node: name, Version: "v1", Log: slog.New(slog.DiscardHandler)})
}

// story emits a login in a pool that was scanned after 4 s and confirmed 2 s later.
func story(r *stats.Recorder, pool string) {
	made := time.Now()
	code := session.Session{CreatedAt: made, ScannedAt: made.Add(4 * time.Second), ConfirmedAt: made.Add(6 * time.Second)}
	for _, kind := range []session.EventKind{session.EventMade, session.EventScanned, session.EventConfirmed} {
		r.Observe(session.Event{Kind: kind, Pool: pool, Code: code})
	}
	r.Observe(session.Event{Kind: session.EventRefused, Reason: "no_code"}) // names no pool
	r.Observe(session.Event{Kind: session.EventExpired, Pool: pool})
}

// load returns a load with that many sockets.
func load(sockets int) func() stats.Load {
	return func() stats.Load { return stats.Load{Sockets: sockets} }
}

func read(t *testing.T, from kv.Store, name, pool string) stats.Result {
	t.Helper()
	r, err := stats.Read(t.Context(), from, stats.Query{Range: stats.RangeOf(name), Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sum returns the number of events of a kind in all periods, and how many periods are known.
func sum(r stats.Result, kind session.EventKind) (events, known int) {
	for _, p := range r.Periods {
		events += p.Count(kind)
		if p.Known {
			known++
		}
	}
	return events, known
}

func TestStatisticsAreTheSumOfAllNodesIncludingStoppedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := &breaking{Memory: kv.NewMemory()}
		a, b := newRecorder(on, "a"), newRecorder(on, "b")
		ctx, cancel := context.WithCancel(t.Context())
		goneCtx, gone := context.WithCancel(t.Context())
		go a.Run(ctx, load(7))
		go b.Run(goneCtx, load(1))
		for range 3 { // minutes
			story(a, "x")
			story(b, "y")
			time.Sleep(time.Minute)
		}
		story(b, "y")
		gone() // publishes once more
		synctest.Wait()
		on.failing.Store(true)
		story(a, "x")
		time.Sleep(5 * time.Minute)
		on.failing.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()

		for _, span := range stats.Ranges {
			r := read(t, on, span.Name, "")
			for kind, want := range map[session.EventKind]int{session.EventMade: 8, session.EventConfirmed: 8, session.EventExpired: 8} {
				if got, _ := sum(r, kind); got != want || r.Count(kind) != want {
					t.Errorf("%s, %s: %d and %d, want %d", span.Name, kind, got, r.Count(kind), want)
				}
			}
			if r.Refused["no_code"] != 8 {
				t.Errorf("%s: refused %v", span.Name, r.Refused)
			}
			if r := read(t, on, span.Name, "x"); r.Count(session.EventMade) != 4 || len(r.Refused) != 0 || len(r.Nodes) != 2 {
				t.Errorf("%s, pool x: %+v", span.Name, r.Counts)
			}
			if r := read(t, on, span.Name, "z"); len(r.Events) != 0 {
				t.Errorf("%s, another pool: %+v", span.Name, r.Counts)
			}
		}
		r := read(t, on, "1h", "")
		toScan, _ := r.ToScan.Percentile(0.5)
		toConfirm, ok := r.ToConfirm.Percentile(0.5)
		if toScan < 3*time.Second || toScan > 5*time.Second || toConfirm < time.Second || toConfirm > 2*time.Second || !ok {
			t.Errorf("medians %v, %v", toScan, toConfirm)
		}
		cancel()
		synctest.Wait()
	})
}

// TestLoginsAreCountedByConfiguredClients has logins at clients on two nodes, at a client that no
// longer exists, and of a page.
func TestLoginsAreCountedByConfiguredClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := kv.NewMemory()
		ctx, cancel := context.WithCancel(t.Context())
		for name, logins := range map[string][]string{"a": {"grafana", "grafana", "removed", ""}, "b": {"grafana", "tv"}} {
			r := stats.NewRecorder(stats.Options{
				Store: on, Node: name, Log: slog.New(slog.DiscardHandler), HasClient: func(id string) bool { return id == "grafana" || id == "tv" },
			})
			go r.Run(ctx, load(0))
			for _, client := range logins {
				for _, kind := range []session.EventKind{session.EventMade, session.EventExchanged, session.EventTokenReused} {
					r.Observe(session.Event{Kind: kind, Pool: "x", Client: client})
				}
			}
		}
		time.Sleep(time.Minute)
		cancel()
		synctest.Wait()
		for _, span := range stats.Ranges {
			for pool, want := range map[string]map[string]int{"": {"grafana": 3, "tv": 1}, "x": {"grafana": 3, "tv": 1}, "y": {}} {
				if r := read(t, on, span.Name, pool); !maps.Equal(r.Logins, want) {
					t.Errorf("%s of pool %q: %v, want %v", span.Name, pool, r.Logins, want)
				}
			}
		}
	})
}

// TestAReportOfManyClientsIsRead logs in at more clients than a report has, with the longest ids.
func TestAReportOfManyClientsIsRead(t *testing.T) {
	on := kv.NewMemory()
	r := stats.NewRecorder(stats.Options{Store: on, Log: slog.New(slog.DiscardHandler), HasClient: func(string) bool { return true }})
	for i := range 1100 {
		r.Observe(session.Event{Kind: session.EventExchanged, Pool: "x", Client: fmt.Sprintf("%064d", i)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Run(ctx, load(0))
	if h := read(t, on, "24h", "x"); len(h.Logins) != 1000 || h.Count(session.EventExchanged) != 1100 {
		t.Errorf("%d clients, %d logins", len(h.Logins), h.Count(session.EventExchanged))
	}
}

func TestAPeriodWithoutANodeIsUnknownAndNotZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := kv.NewMemory()
		ctx, cancel := context.WithCancel(t.Context())
		go newRecorder(on, "a").Run(ctx, load(0))
		time.Sleep(10*time.Minute - time.Second)
		synctest.Wait()
		cancel()
		synctest.Wait()
		time.Sleep(5 * time.Minute)
		for name, want := range map[string]int{"1h": 10, "24h": 1, "7d": 1} {
			if _, known := sum(read(t, on, name, ""), session.EventMade); known != want {
				t.Errorf("%s: %d periods are known, want %d", name, known, want)
			}
			if _, known := sum(read(t, on, name, "x"), session.EventMade); known != want {
				t.Errorf("%s of a pool: %d periods are known, want %d", name, known, want)
			}
		}
	})
}

func TestLongRangesKeepWhatShortOnesForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := kv.NewMemory()
		ctx, cancel := context.WithCancel(t.Context())
		r := newRecorder(on, "a")
		go r.Run(ctx, load(0))
		story(r, "x")
		for _, step := range []struct {
			after           time.Duration
			hour, day, week int
		}{{time.Minute, 1, 1, 1}, {2 * time.Hour, 0, 1, 1}, {26 * time.Hour, 0, 0, 1}, {8 * 24 * time.Hour, 0, 0, 0}} {
			time.Sleep(step.after)
			synctest.Wait()
			for name, want := range map[string]int{"1h": step.hour, "24h": step.day, "7d": step.week} {
				for _, pool := range []string{"", "x"} {
					if got, _ := sum(read(t, on, name, pool), session.EventMade); got != want {
						t.Errorf("after %v more, %s of pool %q: %d, want %d", step.after, name, pool, got, want)
					}
				}
			}
		}
		cancel()
		synctest.Wait()
	})
}

func TestNodesAreActiveWhileTheyReportAndStoppedOnesSaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := &breaking{Memory: kv.NewMemory()}
		a, b := newRecorder(on, "a"), newRecorder(on, "b")
		ctx, cancel := context.WithCancel(t.Context())
		goneCtx, gone := context.WithCancel(t.Context())
		usage := 0.25
		go a.Run(ctx, func() stats.Load { return stats.Load{Sockets: 7, StoreUsage: &usage} })
		go b.Run(goneCtx, load(1))
		time.Sleep(time.Minute)
		gone()
		synctest.Wait()
		n := read(t, on, "1h", "").Nodes
		if len(n) != 2 || !n[0].Active || n[0].Sockets != 7 || *n[0].StoreUsage != usage || n[0].BusAge >= 0 || n[0].Stopped {
			t.Errorf("%+v", n)
		}
		if n[1].Active || !n[1].Stopped || n[1].StoreUsage != nil {
			t.Errorf("%+v", n[1])
		}
		on.failing.Store(true)
		time.Sleep(stats.ActiveWithin)
		if n = read(t, on, "1h", "").Nodes; n[0].Active || n[0].Stopped {
			t.Errorf("a node that does not report: %+v", n)
		}
		time.Sleep(stats.NodesWithin)
		if n = read(t, on, "1h", "").Nodes; len(n) != 0 {
			t.Errorf("after 15 minutes: %+v", n)
		}
		cancel()
		synctest.Wait()
	})
}

func TestInvalidReportsAreIgnored(t *testing.T) {
	on := kv.NewMemory()
	r := newRecorder(on, "a")
	story(r, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Run(ctx, load(0))
	minute := time.Now().Unix() / 60
	for m := minute - 1; m <= minute; m++ {
		for field, text := range map[string]string{"x": "nonsense", "y": `{"events":{"made":-5}}`, "z": `{"toScan":[1,2]}`} {
			if err := on.Put(t.Context(), fmt.Sprintf("stats:%d", m), field, text, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if h := read(t, on, "1h", ""); h.Events["made"] != 1 {
		t.Errorf("%v", h.Events)
	}
}

func TestPercentiles(t *testing.T) {
	if m, ok := (stats.Durations{}).Percentile(0.5); ok {
		t.Errorf("%v", m)
	}
	var long stats.Durations
	long[len(long)-1] = 3
	if m, ok := long.Percentile(0.5); !ok || m != 10*time.Minute {
		t.Errorf("%v", m)
	}
	spread := stats.Durations{3: 90, 7: 10} // from 2 to 3 s, and from 13 to 21 s
	for p, want := range map[float64]time.Duration{0.5: 2555 * time.Millisecond, 0.9: 3 * time.Second, 0.95: 17 * time.Second} {
		if got, _ := spread.Percentile(p); got.Round(time.Millisecond) != want.Round(time.Millisecond) && (got-want).Abs() > time.Millisecond {
			t.Errorf("p%v: %v, want %v", 100*p, got, want)
		}
	}
}
