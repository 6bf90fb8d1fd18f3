package minheap

import (
	"runtime"
	"testing"
	"time"
)

func TestPercentLetsASmallHeapGrowToTheMinimum(t *testing.T) {
	const mb = 1 << 20
	h := &heap{percent: 50, minimum: 32 * mb}
	for live, want := range map[uint64]int{
		0: 800, 1: 799, 2 * mb: 750, 4 * mb: 700, 8 * mb: 300, 16 * mb: 100, 20 * mb: 60, 22 * mb: 50, 32 * mb: 50, 1000 * mb: 50,
	} {
		if got := h.percentFor(live); got != want {
			t.Errorf("%d bytes: %d %%, want %d %%", live, got, want)
		}
	}
}

// sink keeps allocations from being removed by the compiler.
var sink []byte

// collections returns how many collections 256 MB of garbage cause, at the rate of a busy server.
func collections() uint32 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 256 {
		for range 1 << 10 {
			sink = make([]byte, 1<<10)
		}
		time.Sleep(time.Millisecond)
	}
	runtime.ReadMemStats(&after)
	return after.NumGC - before.NumGC
}

// TestASmallHeapIsCollectedAtTheMinimum measures several times, because each collection
// adjusts. With the percentage alone there are more than a hundred collections.
func TestASmallHeapIsCollectedAtTheMinimum(t *testing.T) {
	t.Setenv("GOGC", "")
	Set(50, 32<<20)
	for range 3 {
		if n := collections(); n < 2 || n > 40 {
			t.Errorf("%d collections for 8 times the minimum", n)
		}
	}
}

// TestALargeHeapIsCollectedAtThePercentage after one that grew.
func TestALargeHeapIsCollectedAtThePercentage(t *testing.T) {
	t.Setenv("GOGC", "")
	Set(50, 32<<20)
	kept := make([]byte, 128<<20)
	var after runtime.MemStats
	for range 10_000 { // the adjustment follows a collection in another goroutine
		runtime.GC()
		if runtime.ReadMemStats(&after); after.NextGC < 220<<20 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if after.NextGC < 180<<20 || after.NextGC > 220<<20 {
		t.Errorf("%d MB are collected at %d MB", after.HeapAlloc>>20, after.NextGC>>20)
	}
	runtime.KeepAlive(kept)
}

// TestGOGCTakesPrecedence has the operator decide.
func TestGOGCTakesPrecedence(t *testing.T) {
	t.Setenv("GOGC", "75")
	Set(50, 1<<40)
	if n := collections(); n == 0 {
		t.Error("no collection")
	}
}
