package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// usage is the most that a process had of each.
type usage struct {
	mu       sync.Mutex
	resident int // KiB
	files    int
}

// sample looks five times a second until ctx ends.
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

// cpuOf is the CPU time of a process in seconds; 100 ticks are one.
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

// isWarning reports whether a line of the log is at WARN or above.
func isWarning(line string) bool {
	return strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`)
}

// logLines is how many lines a node has logged, and how many of them are warnings.
func (n *node) logLines() (all, warnings int) {
	text, _ := os.ReadFile(n.log)
	for line := range strings.Lines(string(text)) {
		all++
		if isWarning(line) {
			warnings++
		}
	}
	return all, warnings
}

// warnings are the first warning of each message that a node has logged.
func (n *node) warnings() (first []string) {
	text, _ := os.ReadFile(n.log)
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

// askRedis makes one call whose answer is a line or a bulk of text.
func (w *world) askRedis(ctx context.Context, words ...string) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", w.redisPort))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	var call strings.Builder
	fmt.Fprintf(&call, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&call, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(conn, call.String()); err != nil {
		return "", err
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	line = strings.TrimSpace(line)
	switch {
	case err != nil:
		return "", err
	case strings.HasPrefix(line, "-"):
		return "", errors.New(line[1:])
	case !strings.HasPrefix(line, "$"):
		return line[1:], nil
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(r, text)
	return string(text), err
}

// redisMemory is the part of Redis' maxmemory that is used, in percent.
func (w *world) redisMemory(ctx context.Context) float64 {
	text, err := w.askRedis(ctx, "INFO", "memory")
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
