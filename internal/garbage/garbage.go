// Package garbage decides when the memory of a server is collected: rarely under load, and
// once when the load is over.
//
// Go collects when the heap has grown by a percentage since the last collection. A server
// that keeps 5 MB and allocates 50 MB per second collects ten times per second or more, which
// costs up to a quarter of its CPU time: so the heap may grow to a minimum first. A server
// with many waiting pages keeps, after a storm of connections, as much garbage as the
// percentage allows, for as long as it has nothing to do: so an idle server collects, and
// returns the memory to the operating system.
package garbage

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Policy says how much memory may be garbage.
type Policy struct {
	Percent int    // of the memory in use, as GOGC
	Minimum uint64 // size of the heap in bytes below which there is no collection
}

// smallest is the size at which Go collects the smallest heap with a percentage of 100; with
// another percentage it is as many times larger.
const smallest = 4 << 20

// idleCheck is how often Apply looks whether the server is idle.
const idleCheck = 5 * time.Second

// Apply puts a policy into effect until the process ends. If the environment has GOGC,
// nothing changes.
func Apply(p Policy) {
	if os.Getenv("GOGC") != "" {
		return
	}
	h := &heap{Policy: p}
	h.adjust()
	h.watch()
	go h.trimWhenIdle(idleCheck)
}

// heap is the heap of the process. Its methods are called by one goroutine at a time.
type heap struct {
	Policy
	current int // the percentage in effect
}

// watch adjusts after the next collection, and watches again.
func (h *heap) watch() {
	sentinel := &struct{ _ [64]byte }{} // nothing refers to it, so each collection finds it
	runtime.AddCleanup(sentinel, func(h *heap) {
		h.adjust()
		h.watch()
	}, h)
}

// adjust sets the percentage with which the next collection begins at the minimum. It spares
// small changes, because each interrupts all goroutines.
func (h *heap) adjust() {
	percent := h.percentFor(read().live)
	if change := percent - h.current; max(change, -change)*5 > h.current {
		h.current = percent
		debug.SetGCPercent(percent)
	}
}

// percentFor returns the percentage with which a heap that keeps live bytes grows to the minimum.
func (h *heap) percentFor(live uint64) int {
	if live >= h.Minimum {
		return h.Percent
	}
	growth := (h.Minimum - live) * 100 / max(live, smallest)
	return max(int(growth), h.Percent) // #nosec G115 -- at most minimum / 40,000
}

// trimWhenIdle looks regularly whether the server is idle, and then returns what is not in use.
func (h *heap) trimWhenIdle(every time.Duration) {
	before := read()
	for range time.Tick(every) {
		now := read()
		if h.isIdle(before, now) {
			debug.FreeOSMemory()
			now = read()
		}
		before = now
	}
}

// isIdle reports whether little was allocated between two measurements, and enough memory is
// not in use to be worth a collection: a fifth of the heap.
func (h *heap) isIdle(before, now usage) bool {
	allocated, unused := now.allocated-before.allocated, now.mapped-min(now.live, now.mapped)
	return now.mapped > h.Minimum && allocated < now.mapped/50 && unused > now.mapped/5
}

// usage is how the heap is used, in bytes.
type usage struct {
	allocated uint64 // ever
	live      uint64 // that the last collection kept; 0 before the first
	mapped    uint64 // not returned to the operating system
}

func read() usage {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	return usage{allocated: value(0), live: value(1), mapped: value(2) + value(3) + value(4)}
}
