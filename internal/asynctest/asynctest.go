// Package asynctest has what tests of goroutines and processes share: a buffer that may be
// read while it is written, and waiting for a condition. A wait always ends.
package asynctest

import (
	"bytes"
	"sync"
	"testing"
	"time"
)

// Buffer is a buffer that several goroutines may write and read. Its zero value is empty.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns everything that was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// patience is how long Eventually waits. What it waits for takes milliseconds on an idle
// machine.
const patience = 2 * time.Minute

// Eventually waits until ok returns true, and fails the test if that takes two minutes. what
// names the condition.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	Within(t, patience, what, ok)
}

// Within is Eventually with a limit of the test's own.
func Within(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
