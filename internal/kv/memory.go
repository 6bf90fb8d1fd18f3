package kv

import (
	"context"
	"crypto/rand"
	"maps"
	"sync"
	"time"
)

// Memory is a Shelf in the memory of one process.
type Memory struct {
	mu     sync.Mutex
	sheets map[string]sheet
	docs   map[string]Document
}

type sheet struct {
	fields map[string]string
	end    time.Time
}

// NewMemory makes an empty shelf.
func NewMemory() *Memory {
	return &Memory{sheets: make(map[string]sheet), docs: make(map[string]Document)}
}

// Now is the process's clock.
func (m *Memory) Now() time.Time { return time.Now() }

// Put implements Shelf. It throws out what has ended: sheets are few.
func (m *Memory) Put(ctx context.Context, name, field, value string, end time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.Now()
	maps.DeleteFunc(m.sheets, func(_ string, s sheet) bool { return !now.Before(s.end) })
	if !now.Before(end) {
		delete(m.sheets, name)
		return nil
	}
	s := m.sheets[name]
	if s.fields == nil {
		s.fields = make(map[string]string)
	}
	s.fields[field], s.end = value, end
	m.sheets[name] = s
	return nil
}

// Get implements Shelf.
func (m *Memory) Get(ctx context.Context, names ...string) ([]map[string]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]map[string]string, len(names))
	for i, name := range names {
		if s := m.sheets[name]; m.Now().Before(s.end) {
			all[i] = maps.Clone(s.fields)
		}
	}
	return all, nil
}

// Load implements Shelf.
func (m *Memory) Load(ctx context.Context, name string, _ Document) (Document, error) {
	if err := ctx.Err(); err != nil {
		return Document{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs[name], nil
}

// Swap implements Shelf. Whoever is in this process knows of the change by
// having made it, so nothing is announced.
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
