// Package minheap delays garbage collections while the heap is small.
//
// Go collects when the heap has grown by a percentage since the last collection. A server
// that keeps 5 MB and allocates 50 MB per second collects ten times per second or more, which
// costs up to a quarter of its CPU time. With a minimum, the heap grows to it first. Where
// the percentage alone leads further than the minimum, nothing changes.
package minheap

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// smallest is the size at which Go collects the smallest heap with a percentage of 100; with
// another percentage it is as many times larger.
const smallest = 4 << 20

// heap is the heap of the process. Its methods are called by one goroutine at a time.
type heap struct {
	percent int    // of garbage, if that leads further than the minimum
	minimum uint64 // bytes
	current int    // the percentage in effect
}

// Set sets the percentage of garbage at which the heap is collected (as GOGC does), and the
// size in bytes that it may have before. They stay in effect until the process ends. If the
// environment has GOGC, nothing changes.
func Set(percent int, minimum uint64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	h := &heap{percent: percent, minimum: minimum}
	h.adjust()
	h.watch()
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
	percent := h.percentFor(liveBytes())
	if change := percent - h.current; max(change, -change)*5 > h.current {
		h.current = percent
		debug.SetGCPercent(percent)
	}
}

// percentFor returns the percentage with which a heap that keeps live bytes grows to the minimum.
func (h *heap) percentFor(live uint64) int {
	if live >= h.minimum {
		return h.percent
	}
	growth := (h.minimum - live) * 100 / max(live, smallest)
	return max(int(growth), h.percent) // #nosec G115 -- at most minimum / 40,000
}

// liveBytes returns what the last collection kept; 0 before the first.
func liveBytes() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
