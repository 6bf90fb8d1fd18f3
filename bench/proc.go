package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// callTime is how long any call may take.
const callTime = 10 * time.Second

// tick is the unit in which Linux tells a process's CPU time to all programs.
const tick = 10 * time.Millisecond

// cpuOf is the CPU time, user and system, that a process has used.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // after the name, which may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("/proc: a line of another form")
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// residentOf is how many bytes of memory a process has.
func residentOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, errors.New("/proc: a line of another form")
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()), err
}

// work is the CPU time of a subject's parts.
type work struct{ nodes, redis time.Duration }

func (s *subject) cpu() (w work, err error) {
	for _, n := range s.nodes {
		one, err := cpuOf(n.PID())
		if err != nil {
			return w, err
		}
		w.nodes += one
	}
	if s.redis != nil {
		w.redis, err = cpuOf(s.redis.PID())
	}
	return w, err
}

// since is the work done since before.
func (s *subject) since(before work) (work, error) {
	now, err := s.cpu()
	return work{now.nodes - before.nodes, now.redis - before.redis}, err
}

// memory is a node's, in bytes.
type memory struct{ resident, live float64 } // live: heap and stacks after a collection, 0 for what is not Go

// memory measures a node, a Go one after its garbage was collected.
func (n *node) memory(ctx context.Context) (m memory, err error) {
	if m.resident, err = residentOf(n.PID()); err != nil || n.ops == "" {
		return m, err
	}
	m.live, err = n.collected(ctx)
	return m, err
}

// swept is how long Go's runtime has to sweep after a collection.
const swept = 300 * time.Millisecond

// collected asks a Go node for its metrics until that garbage had it collect
// twice (once may have been under way), and returns what is then in use.
func (n *node) collected(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for first := -1.0; ; {
		g, err := n.gauges(ctx)
		if err != nil {
			return 0, err
		}
		if count := g["go_gc_duration_seconds_count"]; first < 0 {
			first = count
		} else if count >= first+2 {
			break
		}
	}
	if err := pause(ctx, swept); err != nil {
		return 0, err
	}
	g, err := n.gauges(ctx)
	return g["go_memstats_heap_inuse_bytes"] + g["go_memstats_stack_inuse_bytes"], err
}

// gauges are a node's metrics that have no labels.
func (n *node) gauges(ctx context.Context) (map[string]float64, error) {
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

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
