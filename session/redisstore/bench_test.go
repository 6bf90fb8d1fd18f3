package redisstore_test

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// benchmarkCallers is the number of concurrent callers of BenchmarkScan.
const benchmarkCallers = 32

// BenchmarkScan compares a scan by Apply with one of the previous release, which loads and swaps.
// It also reports the CPU time of the main thread of Redis, and of this process, per scan.
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
	redis, own := redisCPU(b, server), ownCPU(b)
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
	b.ReportMetric(float64(redisCPU(b, server)-redis)/float64(b.N), "redis-cpu-ns/op")
	b.ReportMetric(float64(ownCPU(b)-own)/float64(b.N), "own-cpu-ns/op")
}

var mainThread = regexp.MustCompile(`used_cpu_(?:sys|user)_main_thread:([0-9.]+)`)

// redisCPU returns the CPU time that the main thread of Redis has used.
func redisCPU(b *testing.B, server *redistest.Server) (used time.Duration) {
	found := mainThread.FindAllStringSubmatch(fmt.Sprint(server.Do("INFO", "cpu")), -1)
	if len(found) != 2 {
		b.Fatalf("INFO cpu has %v", found)
	}
	for _, match := range found {
		seconds, err := strconv.ParseFloat(match[1], 64)
		if err != nil {
			b.Fatal(err)
		}
		used += time.Duration(seconds * float64(time.Second))
	}
	return used
}

// ownCPU returns the CPU time that this process has used.
func ownCPU(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
