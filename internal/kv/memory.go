package kv

import (
	"context"
	"crypto/rand"
	"maps"
	"sync"
	"time"
)

// Memory is a Store in the memory of one process.
type Memory struct {
	mu     sync.Mutex
	hashes map[string]hash
	sweep  int // number of hashes from which a write deletes the expired ones
	docs   map[string]Document
}

type hash struct {
	fields map[string]string
	expiry time.Time
}

// NewMemory creates an empty Memory.
func NewMemory() *Memory {
	return &Memory{hashes: make(map[string]hash), docs: make(map[string]Document)}
}

// Now is the process's clock.
func (m *Memory) Now() time.Time { return time.Now() }

// Put implements Store.
func (m *Memory) Put(ctx context.Context, name, field, value string, expiry time.Time) error {
	_, _, err := m.Change(ctx, name, Change{Set: map[string]string{field: value}, Expiry: expiry})
	return err
}

// Change implements Store.
func (m *Memory) Change(ctx context.Context, name string, c Change) (map[string]string, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.Now()
	stored := m.fields(name, now)
	if !holds(stored, c.If) && !holds(stored, c.Set) {
		return stored, false, nil
	}
	m.deleteExpired(now)
	if !now.Before(c.Expiry) {
		delete(m.hashes, name)
		return nil, true, nil
	}
	if stored == nil {
		stored = make(map[string]string)
	}
	maps.Copy(stored, c.Set)
	m.hashes[name] = hash{stored, c.Expiry}
	return maps.Clone(stored), true, nil
}

// holds reports whether fields have the values.
func holds(fields, values map[string]string) bool {
	for field, value := range values {
		if fields[field] != value {
			return false
		}
	}
	return true
}

// fields returns a copy of the fields of a hash, nil if there is none.
func (m *Memory) fields(name string, now time.Time) map[string]string {
	if h := m.hashes[name]; now.Before(h.expiry) {
		return maps.Clone(h.fields)
	}
	return nil
}

// minSweep is the number of hashes below which expired ones stay: they take less than a megabyte.
const minSweep = 256

// deleteExpired deletes what has expired once the number of hashes has doubled, so that a
// write costs the same however many there are.
func (m *Memory) deleteExpired(now time.Time) {
	if len(m.hashes) < max(m.sweep, minSweep) {
		return
	}
	maps.DeleteFunc(m.hashes, func(_ string, h hash) bool { return !now.Before(h.expiry) })
	m.sweep = 2 * len(m.hashes)
}

// Get implements Store.
func (m *Memory) Get(ctx context.Context, names ...string) ([]map[string]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make([]map[string]string, len(names))
	for i, name := range names {
		found[i] = m.fields(name, m.Now())
	}
	return found, nil
}

// Load implements Store.
func (m *Memory) Load(ctx context.Context, name string, _ Document) (Document, error) {
	if err := ctx.Err(); err != nil {
		return Document{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs[name], nil
}

// Swap implements Store. It announces nothing: there are no other processes.
func (m *Memory) Swap(ctx context.Context, name string, version int64, text string) (Document, error) {
	if err := ctx.Err(); err != nil {
		return Document{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs[name].Version != version-1 {
		return Document{}, ErrStale
	}
	m.docs[name] = Document{Version: version, Op: rand.Text(), Text: text}
	return m.docs[name], nil
}
