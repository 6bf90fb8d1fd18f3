package redisstore_test

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// benchmarkCallers is the number of concurrent callers of BenchmarkScan.
const benchmarkCallers = 32

// BenchmarkScan compares a scan by Apply with one of the previous release, which loads and swaps.
// It reports the time that scripts take Redis as redis-ns/op.
func BenchmarkScan(b *testing.B) {
	b.Run("LoadAndSwap", func(b *testing.B) {
		benchmarkScan(b, func(b *testing.B, st *redisstore.Store) session.Session { return createPrevious(b, st) },
			func(b *testing.B, st *redisstore.Store, id session.ID) error {
				code, err := st.LoadPrevious(b.Context(), id)
				if err == nil {
					_, err = session.Apply(b.Context(), st, code, by(session.Scan, code))
				}
				return err
			})
	})
	b.Run("Apply", func(b *testing.B) {
		benchmarkScan(b, func(b *testing.B, st *redisstore.Store) session.Session { return create(b, st) },
			func(b *testing.B, st *redisstore.Store, id session.ID) error {
				_, err := sessiontest.Step(b.Context(), st, session.Session{ID: id}, by(session.Scan, session.Session{}))
				return err
			})
	})
}

func benchmarkScan(b *testing.B, create func(*testing.B, *redisstore.Store) session.Session, scan func(*testing.B, *redisstore.Store, session.ID) error) {
	server := redistest.Start(b)
	st := open(b, server.URL())
	ids := make([]session.ID, b.N)
	for i := range ids {
		ids[i] = create(b, st).ID
	}
	server.Do("CONFIG", "RESETSTAT")
	var next atomic.Int64
	b.SetParallelism(benchmarkCallers / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := scan(b, st, ids[next.Add(1)-1]); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(scriptMicros(b, server)*1000/float64(b.N), "redis-ns/op")
}

var scriptTime = regexp.MustCompile(`cmdstat_evalsha:calls=\d+,usec=(\d+)`)

// scriptMicros returns the time that EVALSHA took, in µs.
func scriptMicros(b *testing.B, server *redistest.Server) float64 {
	found := scriptTime.FindStringSubmatch(fmt.Sprint(server.Do("INFO", "commandstats")))
	if found == nil {
		b.Fatal("INFO commandstats has no EVALSHA")
	}
	micros, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		b.Fatal(err)
	}
	return micros
}
