package garbage

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

const mb = 1 << 20

func TestPercentLetsASmallHeapGrowToTheMinimum(t *testing.T) {
	h := &heap{Policy: Policy{Percent: 50, Minimum: 32 * mb}}
	for live, want := range map[uint64]int{
		0: 800, 1: 799, 2 * mb: 750, 4 * mb: 700, 8 * mb: 300, 16 * mb: 100, 20 * mb: 60, 22 * mb: 50, 32 * mb: 50, 1000 * mb: 50,
	} {
		if got := h.percentFor(live); got != want {
			t.Errorf("%d bytes: %d %%, want %d %%", live, got, want)
		}
	}
}

func TestAServerIsIdleIfItAllocatesLittleAndHasMuchGarbage(t *testing.T) {
	h := &heap{Policy: Policy{Percent: 100, Minimum: 32 * mb}}
	for name, test := range map[string]struct {
		allocated, live, mapped uint64
		want                    bool
	}{
		"idle, half garbage":  {mb, 50 * mb, 100 * mb, true},
		"busy":                {3 * mb, 50 * mb, 100 * mb, false},
		"little garbage":      {mb, 90 * mb, 100 * mb, false},
		"below the minimum":   {0, mb, 32 * mb, false},
		"never collected":     {mb, 0, 100 * mb, true},
		"a heap that shrinks": {mb, 110 * mb, 100 * mb, false},
	} {
		if got := h.isIdle(usage{allocated: 7 * mb}, usage{allocated: 7*mb + test.allocated, live: test.live, mapped: test.mapped}); got != test.want {
			t.Errorf("%s: %v", name, got)
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
	Apply(Policy{Percent: 50, Minimum: 32 * mb})
	for range 3 {
		if n := collections(); n < 2 || n > 40 {
			t.Errorf("%d collections for 8 times the minimum", n)
		}
	}
}

// TestALargeHeapIsCollectedAtThePercentage after one that grew.
func TestALargeHeapIsCollectedAtThePercentage(t *testing.T) {
	t.Setenv("GOGC", "")
	Apply(Policy{Percent: 50, Minimum: 32 * mb})
	kept := make([]byte, 128*mb)
	var after runtime.MemStats
	for range 10_000 { // the adjustment follows a collection in another goroutine
		runtime.GC()
		if runtime.ReadMemStats(&after); after.NextGC < 220*mb {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if after.NextGC < 180*mb || after.NextGC > 220*mb {
		t.Errorf("%d MB are collected at %d MB", after.HeapAlloc/mb, after.NextGC/mb)
	}
	runtime.KeepAlive(kept)
}

// TestAnIdleServerReturnsItsGarbage while nothing else collects it.
func TestAnIdleServerReturnsItsGarbage(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	for range 256 {
		sink = make([]byte, mb)
	}
	sink = nil
	before := read().mapped
	h := &heap{Policy: Policy{Percent: 100, Minimum: 32 * mb}}
	go h.trimWhenIdle(50 * time.Millisecond)
	for range 1000 {
		if read().mapped < before/4 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d MB before, %d MB after", before/mb, read().mapped/mb)
}

// TestGOGCTakesPrecedence has the operator decide.
func TestGOGCTakesPrecedence(t *testing.T) {
	t.Setenv("GOGC", "75")
	Apply(Policy{Percent: 50, Minimum: 1 << 40})
	if n := collections(); n == 0 {
		t.Error("no collection")
	}
}
