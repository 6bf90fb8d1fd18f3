package tally

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Memory is a Tally in the memory of one process, by the process's clock. It
// is bounded: beyond 200,000 keys those that were quiet longest are forgotten.
// Make it with NewMemory.
type Memory struct {
	mu       sync.Mutex
	now, old map[string]record // old is what was not touched since now was empty
}

// record is what is held under a key until end: of an allowance the instant at
// which all is back, which is the end, or a count.
type record struct {
	count int
	end   time.Time
}

// maxKeys bounds a generation: 12 MB, at the 120 bytes that a key costs.
const maxKeys = 100_000

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{now: make(map[string]record)} }

// Do implements Tally. The error is ctx's.
func (m *Memory) Do(ctx context.Context, ops ...Op) ([]Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	answers := make([]Answer, len(ops))
	for i, op := range ops {
		answers[i] = m.one(op, now)
	}
	return answers, nil
}

// one does op; m.mu is held.
func (m *Memory) one(op Op, now time.Time) Answer {
	r := m.get(op.Key, now)
	switch op.Kind {
	case Taking:
		whole := r.end
		if whole.Before(now) {
			whole = now
		}
		whole = whole.Add(op.Limit.Share())
		if wait := whole.Sub(now) - op.Limit.Over; wait > 0 {
			return Answer{Wait: wait}
		}
		if op.Limit.Share() > 0 {
			m.put(op.Key, record{end: whole}, now)
		}
		return Answer{}
	case Noting:
		r = record{count: r.count + 1, end: now.Add(op.Life)}
		m.put(op.Key, r, now)
	case Forgetting:
		delete(m.now, op.Key)
		delete(m.old, op.Key)
		return Answer{}
	}
	return Answer{Count: r.count}
}

func (m *Memory) get(key string, now time.Time) record {
	r, ok := m.now[key]
	if !ok {
		r = m.old[key]
	}
	if !now.Before(r.end) {
		return record{}
	}
	return r
}

// put keeps r. When a generation is full of what still counts, it becomes the
// old one.
func (m *Memory) put(key string, r record, now time.Time) {
	if len(m.now) >= maxKeys {
		maps.DeleteFunc(m.now, func(_ string, r record) bool { return !now.Before(r.end) })
		if len(m.now) >= maxKeys/2 {
			m.now, m.old = make(map[string]record), m.now
		}
	}
	m.now[key] = r
}
