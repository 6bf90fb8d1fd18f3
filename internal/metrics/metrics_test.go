package metrics_test

import (
	"context"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/metrics"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
)

// scannedEvent returns an event of the kind with the most metrics.
func scannedEvent() session.Event {
	now := time.Now()
	return session.Event{Kind: session.EventScanned, Pool: "p1", Code: session.Session{CreatedAt: now.Add(-5 * time.Second), ScannedAt: now}}
}

// TestCountingAllocatesNothing covers the path that each step of each code takes.
func TestCountingAllocatesNothing(t *testing.T) {
	m, scanned := metrics.New("p1"), scannedEvent()
	refused := session.Event{Kind: session.EventRefused, Pool: "p1", Call: "confirm", Reason: "used"}
	m.Observe(refused) // creates the series
	if n := testing.AllocsPerRun(1000, func() {
		m.Observe(scanned)
		m.Observe(refused)
		m.Pushed("p1", time.Millisecond)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	m, e := metrics.New("p1"), scannedEvent()
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(e)
	}
}

func BenchmarkStore(b *testing.B) {
	for name, wrap := range map[string]func(session.Store) session.Store{
		"plain":    func(st session.Store) session.Store { return st },
		"measured": metrics.New().Store,
	} {
		b.Run(name, func(b *testing.B) {
			st := wrap(memstore.New())
			id := session.NewID()
			b.ReportAllocs()
			for b.Loop() {
				_, _ = st.Load(context.Background(), id)
			}
		})
	}
}
