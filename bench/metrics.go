package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// gauges are a node's metrics about its process.
type gauges struct {
	resident    float64 // bytes
	objects     float64 // bytes of heap objects, including dead ones that are not yet collected
	heap        float64 // bytes of the memory spans in use
	stacks      float64 // bytes
	goroutines  float64
	cpu         float64 // seconds, user and system
	sockets     float64
	collections float64 // garbage collections since the start
}

// measure reads the gauges of a scanlogin node.
func (n *node) measure(ctx context.Context) (g gauges, err error) {
	all, err := n.metrics(ctx)
	if err != nil {
		return g, fmt.Errorf("%w; --ops must name the node's ops_listen", err)
	}
	for name, into := range map[string]*float64{
		"process_resident_memory_bytes": &g.resident, "go_memstats_heap_alloc_bytes": &g.objects,
		"go_memstats_heap_inuse_bytes": &g.heap, "go_memstats_stack_inuse_bytes": &g.stacks,
		"go_goroutines": &g.goroutines, "process_cpu_seconds_total": &g.cpu, "scanlogin_sockets": &g.sockets, "go_gc_duration_seconds_count": &g.collections,
	} {
		value, ok := all[name]
		if !ok {
			return g, errors.New(n.ops + "/metrics has no " + name + ": it is not a scanlogin node, or its system does not report it")
		}
		*into = value
	}
	return g, nil
}

// metrics returns a node's metrics without labels.
func (n *node) metrics(ctx context.Context) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, n.ops+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	all := make(map[string]float64)
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			all[name] = value
		}
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return all, nil
}

// awaitCollection waits until the node has collected its garbage, and measures it
// then. It returns false if there was no collection in that time. An idle node
// collects every two minutes.
func (n *node) awaitCollection(ctx context.Context, limit time.Duration) (gauges, bool, error) {
	first, err := n.measure(ctx)
	if err != nil {
		return first, false, err
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if err := pause(ctx, min(time.Second, time.Until(deadline))); err != nil {
			return first, false, err
		}
		g, err := n.measure(ctx)
		if err != nil || g.collections > first.collections {
			return g, err == nil, err
		}
	}
	return first, false, nil
}
