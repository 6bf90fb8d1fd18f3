package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc.
const tick = 10 * time.Millisecond

// cpuOf returns the CPU time, user and system, of a process (Linux).
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before may contain spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("/proc/<pid>/stat has an unknown format")
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// residentOf returns the resident memory of a process in bytes (Linux).
func residentOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, errors.New("/proc/<pid>/statm has an unknown format")
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()), err
}

// cpuTime is the CPU time of a system's processes.
type cpuTime struct{ nodes, redis time.Duration }

// cpu returns the CPU time that the system has used: of the processes that this
// one started from /proc, of other nodes from their metrics, if --ops is given.
func (s *system) cpu(ctx context.Context) (c cpuTime, err error) {
	for _, n := range s.nodes {
		one, err := n.cpu(ctx)
		if err != nil {
			return c, err
		}
		c.nodes += one
	}
	if s.redis != nil {
		if c.redis, err = cpuOf(s.redis.PID()); errors.Is(err, os.ErrNotExist) { // not Linux
			err = nil
		}
	}
	return c, err
}

func (n *node) cpu(ctx context.Context) (time.Duration, error) {
	if n.process != nil {
		if used, err := cpuOf(n.process.PID()); !errors.Is(err, os.ErrNotExist) {
			return used, err
		}
	}
	if n.ops == "" {
		return 0, nil
	}
	g, err := n.measure(ctx)
	return time.Duration(g.cpu * float64(time.Second)), err
}

// cpuSince returns the CPU time used since before.
func (s *system) cpuSince(ctx context.Context, before cpuTime) (cpuTime, error) {
	now, err := s.cpu(ctx)
	return cpuTime{now.nodes - before.nodes, now.redis - before.redis}, err
}

// perItem returns the share of one of n in milliseconds.
func perItem(d time.Duration, n int) float64 { return d.Seconds() * 1000 / float64(max(1, n)) }
