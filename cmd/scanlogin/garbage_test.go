package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestGarbageIsBoundedByWhatIsInUse(t *testing.T) {
	for inUse, want := range map[uint64]int{0: 3200, 8 << 20: 400, 32 << 20: 100, 64 << 20: 50, 1 << 30: 50} {
		if got := percentFor(inUse); got != want {
			t.Errorf("%d MB in use: %d %%, want %d", inUse>>20, got, want)
		}
	}
}

// TestThePaceFollowsTheHeap fills the heap, and empties it.
func TestThePaceFollowsTheHeap(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "")
	boundGarbage()
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	eventually := func(what string, ok func(percent uint64) bool) {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			runtime.GC() // finalizers run soon after it
			metrics.Read(s)
			if ok(s[0].Value.Uint64()) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d %%", what, s[0].Value.Uint64())
			}
		}
	}
	full := make([]byte, 200<<20)
	eventually("full", func(percent uint64) bool { return percent == gcPercent })
	runtime.KeepAlive(full)
	eventually("empty", func(percent uint64) bool { return percent > gcPercent })
}
