package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Garbage is collected when there is half as much of it as there are things in
// use (gcPercent), but no less than leastGarbage. Go knows a percentage alone: of
// the few megabytes of a node that is busy with calls it would be collected 50
// times a second. Two pairs of `bench run --only saturation`: with the least, a scan
// costs 12 and 20 % less CPU.
const (
	// gcPercent instead of Go's 100: measured with 4,000 pages that answered
	// pings for a minute, three pairs of runs, it is 14 % less resident memory
	// (10.8 KB a page instead of 12.5) for 6 % more CPU to connect one and 9 %
	// more to let them wait.
	gcPercent    = 50
	leastGarbage = 32 << 20 // bytes
)

// boundGarbage keeps to that from now on; who sets GOGC knows better.
func boundGarbage() {
	if os.Getenv("GOGC") == "" {
		(&pacer{inUse: []metrics.Sample{
			{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
		}}).collected()
	}
}

// pacer is told of each collection, by being garbage itself.
type pacer struct {
	inUse   []metrics.Sample // bytes after the last collection, of which the percentage is taken
	percent int
}

func (c *pacer) collected() {
	metrics.Read(c.inUse)
	var inUse uint64
	for _, part := range c.inUse {
		inUse += part.Value.Uint64()
	}
	if p := percentFor(inUse); p != c.percent {
		c.percent = p
		debug.SetGCPercent(p)
	}
	runtime.SetFinalizer(c, (*pacer).collected)
}

// percentFor is the percentage for so many bytes in use.
func percentFor(inUse uint64) int {
	return max(gcPercent, int(leastGarbage*100/max(inUse, 1<<20))) // #nosec G115 -- at most 3200
}
