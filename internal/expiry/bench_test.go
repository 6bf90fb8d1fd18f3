package expiry

import (
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
)

// BenchmarkReporter reports what it takes to look after as many open
// codes, which were made over two minutes.
func BenchmarkReporter(b *testing.B) {
	const codes = 100_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		e := New(memstore.New(), nil, slog.New(slog.DiscardHandler))
		began := time.Now()
		for i := range codes {
			end := began.Add(time.Duration(i) * 2 * time.Minute / codes)
			e.Observe(session.Event{Kind: session.EventMade, Pool: "p1", Code: session.Session{ID: session.NewID(), ExpiresAt: end}})
		}
		b.ReportMetric(float64(heap()-before)/codes, "B/code")
		if e.Len() != codes {
			b.Fatal(e.Len())
		}
	}
}
