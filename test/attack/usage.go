package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// usage is the peak resource usage of a process.
type usage struct {
	mu       sync.Mutex
	resident int // KiB
	files    int // open file descriptors
}

// sample measures five times a second until ctx ends.
func (u *usage) sample(ctx context.Context, pid int) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		resident := residentOf(pid)
		u.mu.Lock()
		u.files, u.resident = max(u.files, len(files)), max(u.resident, resident)
		u.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func residentOf(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

// cpuOf returns the CPU time of a process in seconds. Linux counts 100 ticks per
// second.
func cpuOf(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := bytes.Cut(text, []byte(") "))
	fields := strings.Fields(string(rest))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}

// isWarning reports whether a log line has level WARN or ERROR.
func isWarning(line string) bool {
	return strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`)
}

// logLines counts the lines that a node has logged, and the warnings among them.
func (n *node) logLines() (all, warnings int) {
	text, _ := n.Output()
	for line := range strings.Lines(string(text)) {
		all++
		if isWarning(line) {
			warnings++
		}
	}
	return all, warnings
}

// warnings returns the first line of each distinct warning that a node has logged.
func (n *node) warnings() (first []string) {
	text, _ := n.Output()
	seen := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		_, message, _ := strings.Cut(line, `"msg":`)
		message, _, _ = strings.Cut(message, ",")
		if isWarning(line) && !seen[message] {
			seen[message] = true
			first = append(first, strings.TrimSpace(line))
		}
	}
	return first
}

// redisMemory returns the used share of Redis' maxmemory in percent.
func (env *environment) redisMemory(ctx context.Context) float64 {
	text, err := env.redis.Do(ctx, "INFO", "memory")
	if err != nil {
		return 0
	}
	var used, most float64
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			used, _ = strconv.ParseFloat(rest, 64)
		}
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory:"); ok {
			most, _ = strconv.ParseFloat(rest, 64)
		}
	}
	if most == 0 {
		return 0
	}
	return 100 * used / most
}
