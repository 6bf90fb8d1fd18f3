package redisstore_test

import (
	"context"
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

// benchmarkCallers is the number of concurrent callers of BenchmarkStep.
const benchmarkCallers = 32

// way is a way to create codes and to apply a step to one that was not loaded.
type way struct {
	create func(testing.TB, *redisstore.Store) session.Session
	step   func(context.Context, *redisstore.Store, session.ID, session.Action) error
}

var loadAndSwap = way{createPrevious, func(ctx context.Context, st *redisstore.Store, id session.ID, a session.Action) error {
	code, err := st.LoadPrevious(ctx, id)
	if err == nil {
		_, err = sessiontest.ApplyPrevious(ctx, st, code, by(a, code))
	}
	return err
}}

var applyOnly = way{createWithoutMatch, func(ctx context.Context, st *redisstore.Store, id session.ID, a session.Action) error {
	_, err := sessiontest.Step(ctx, st, session.Session{ID: id}, by(a, session.Session{Pool: "pool"}))
	return err
}}

func createWithoutMatch(t testing.TB, st *redisstore.Store) session.Session {
	code := newCode(st)
	code.Match = session.MatchNone
	made, err := st.Create(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// BenchmarkStep compares steps by Apply with those of the previous release, which loads and swaps.
// It also reports the CPU time of the main thread of Redis, and of this process, per step.
func BenchmarkStep(b *testing.B) {
	for _, action := range []session.Action{session.Scan, session.Confirm} {
		b.Run(string(action)+"/LoadAndSwap", func(b *testing.B) { benchmarkStep(b, loadAndSwap, action) })
		b.Run(string(action)+"/Apply", func(b *testing.B) { benchmarkStep(b, applyOnly, action) })
	}
}

func benchmarkStep(b *testing.B, w way, action session.Action) {
	server := redistest.Start(b)
	st := open(b, server.URL())
	ids := make([]session.ID, b.N)
	for i := range ids {
		ids[i] = w.create(b, st).ID
		if action == session.Confirm {
			if err := w.step(b.Context(), st, ids[i], session.Scan); err != nil {
				b.Fatal(err)
			}
		}
	}
	redis, own := redisCPU(b, server), ownCPU(b)
	var next atomic.Int64
	b.SetParallelism(benchmarkCallers / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := w.step(b.Context(), st, ids[next.Add(1)-1], action); err != nil {
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
