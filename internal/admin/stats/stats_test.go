package stats_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// story emits a login that was scanned after 4 s and confirmed 2 s later.
func story(r *stats.Recorder) {
	made := time.Now()
	code := session.Session{CreatedAt: made, ScannedAt: made.Add(4 * time.Second), ConfirmedAt: made.Add(6 * time.Second)}
	for _, kind := range []session.EventKind{session.EventMade, session.EventScanned, session.EventConfirmed} {
		r.Observe(session.Event{Kind: kind, Code: code})
	}
	r.Observe(session.Event{Kind: session.EventRefused, Reason: "no_code"})
	r.Observe(session.Event{Kind: session.EventExpired})
}

func TestTheHourIsTheSumOfAllNodesIncludingStoppedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := &breaking{Memory: kv.NewMemory()}
		a, b := newRecorder(on, "a"), newRecorder(on, "b")
		ctx, cancel := context.WithCancel(t.Context())
		goneCtx, gone := context.WithCancel(t.Context())
		go a.Run(ctx, func() int { return 7 })
		go b.Run(goneCtx, func() int { return 1 })
		for range 3 { // minutes
			story(a)
			story(b)
			time.Sleep(time.Minute)
		}
		story(b)
		gone() // publishes once more
		synctest.Wait()
		on.failing.Store(true)
		story(a)
		time.Sleep(5 * time.Minute)
		on.failing.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()

		h, err := stats.Read(ctx, on)
		if err != nil {
			t.Fatal(err)
		}
		for kind, want := range map[session.EventKind]int{session.EventMade: 8, session.EventConfirmed: 8, session.EventExpired: 8} {
			sum := 0
			for _, m := range h.Minutes {
				sum += m.Count(kind)
			}
			if sum != want || h.Events[string(kind)] != want {
				t.Errorf("%s: %d and %d, want %d", kind, sum, h.Events[string(kind)], want)
			}
		}
		if h.Refused["no_code"] != 8 || len(h.Nodes) != 1 || h.Nodes[0].Node != "a" || h.Nodes[0].Sockets != 7 || h.Nodes[0].BusAge >= 0 {
			t.Errorf("refused %v, nodes %+v", h.Refused, h.Nodes)
		}
		toScan, _ := h.ToScan.Median()
		toConfirm, ok := h.ToConfirm.Median()
		if toScan < 3*time.Second || toScan > 5*time.Second || toConfirm < time.Second || toConfirm > 2*time.Second || !ok {
			t.Errorf("medians %v, %v", toScan, toConfirm)
		}
		time.Sleep(61 * time.Minute)
		if h, err = stats.Read(ctx, on); err != nil || len(h.Events) != 0 {
			t.Errorf("an hour later: %v, %v", h.Events, err)
		}
		cancel()
		synctest.Wait()
	})
}

func TestInvalidReportsAreIgnored(t *testing.T) {
	on := kv.NewMemory()
	r := newRecorder(on, "a")
	story(r)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Run(ctx, func() int { return 0 })
	minute := time.Now().Unix() / 60
	for m := minute - 1; m <= minute; m++ {
		for field, text := range map[string]string{"x": "nonsense", "y": `{"events":{"made":-5}}`, "z": `{"toScan":[1,2]}`} {
			if err := on.Put(t.Context(), fmt.Sprintf("stats:%d", m), field, text, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	h, err := stats.Read(t.Context(), on)
	if err != nil || h.Events["made"] != 1 {
		t.Errorf("%v, %v", h.Events, err)
	}
}

func TestWithoutDurationsThereIsNoMedian(t *testing.T) {
	if m, ok := (stats.Durations{}).Median(); ok {
		t.Errorf("%v", m)
	}
	var long stats.Durations
	long[len(long)-1] = 3
	if m, ok := long.Median(); !ok || m != 10*time.Minute {
		t.Errorf("%v", m)
	}
}
