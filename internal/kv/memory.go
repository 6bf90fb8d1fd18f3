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

// Put implements Store. It also deletes what has expired: there are few hashes.
func (m *Memory) Put(ctx context.Context, name, field, value string, expiry time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.Now()
	maps.DeleteFunc(m.hashes, func(_ string, h hash) bool { return !now.Before(h.expiry) })
	if !now.Before(expiry) {
		delete(m.hashes, name)
		return nil
	}
	h := m.hashes[name]
	if h.fields == nil {
		h.fields = make(map[string]string)
	}
	h.fields[field], h.expiry = value, expiry
	m.hashes[name] = h
	return nil
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
		if h := m.hashes[name]; m.Now().Before(h.expiry) {
			found[i] = maps.Clone(h.fields)
		}
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
