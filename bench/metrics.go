package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// gauges is what a node's /metrics says of its process.
type gauges struct {
	resident   float64 // bytes
	objects    float64 // bytes of live objects, and of dead ones that are not collected
	heap       float64 // bytes of the pages that hold them
	stacks     float64 // bytes
	goroutines float64
	cpu        float64 // seconds, user and system
	sockets    float64
	collected  float64 // how often the garbage was
}

func (n node) measure(ctx context.Context) (gauges, error) {
	var g gauges
	wanted := map[string]*float64{
		"process_resident_memory_bytes": &g.resident, "go_memstats_heap_alloc_bytes": &g.objects,
		"go_memstats_heap_inuse_bytes": &g.heap, "go_memstats_stack_inuse_bytes": &g.stacks,
		"go_goroutines": &g.goroutines, "process_cpu_seconds_total": &g.cpu, "scanlogin_sockets": &g.sockets, "go_gc_duration_seconds_count": &g.collected,
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, n.ops+"/metrics", nil)
	if err != nil {
		return g, err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return g, fmt.Errorf("%w; --ops must name the node's ops_listen", err)
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if into := wanted[name]; into != nil {
			if *into, err = strconv.ParseFloat(text, 64); err != nil {
				return g, fmt.Errorf("%s: %w", name, err)
			}
			delete(wanted, name)
		}
	}
	for name := range wanted {
		return g, errors.New(n.ops + "/metrics has no " + name + ": is it scanlogin's, on a system that tells?")
	}
	return g, nil
}

// collect waits until the node has collected its garbage and measures it then;
// false if it did not in that time. An idle node collects every two minutes.
func (n node) collect(ctx context.Context, within time.Duration) (gauges, bool, error) {
	first, err := n.measure(ctx)
	if err != nil {
		return first, false, err
	}
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		if err := pause(ctx, min(time.Second, time.Until(deadline))); err != nil {
			return first, false, err
		}
		g, err := n.measure(ctx)
		if err != nil || g.collected > first.collected {
			return g, err == nil, err
		}
	}
	return first, false, nil
}

// cpu is the CPU time of all nodes whose metrics are known, 0 if none are.
func (t *target) cpu(ctx context.Context) (seconds float64, err error) {
	for _, n := range t.nodes {
		if n.ops == "" {
			continue
		}
		g, err := n.measure(ctx)
		if err != nil {
			return 0, err
		}
		seconds += g.cpu
	}
	return seconds, nil
}
