package ratelimit

import (
	"context"
	"sync"
	"time"
)

// Memory is a Tally in the memory of one process, by the process's clock. It
// is bounded: beyond maxKeys a new key takes the place of one that is over, or
// that was quiet for long. A flood of new keys costs each of them the same, and does
// not make forgotten what is used meanwhile. Make it with NewMemory.
type Memory struct {
	mu      sync.Mutex
	records map[string]record
	ring    []string // the keys of records, by the places that they took
	hand    int      // the place in a full ring that is looked at next
}

// record is what is held under a key until end: of an allowance the instant at
// which all is back, which is the end, or a count.
type record struct {
	count int
	end   time.Time
	used  bool // since the hand passed
}

const (
	// maxKeys bounds what is held: 25 MB, at the 120 bytes that a key costs.
	maxKeys = 200_000
	// maxLooks bounds the search for a place, and so the time of each op. What was
	// used is skipped once, as in the clock algorithm for pages.
	maxLooks = 8
)

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{records: make(map[string]record)} }

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
			if !r.used && !r.end.IsZero() {
				m.put(op.Key, r, now) // who goes on is not forgotten
			}
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
		if _, ok := m.records[op.Key]; ok {
			m.records[op.Key] = record{} // its place is found by the hand
		}
		return Answer{}
	}
	return Answer{Count: r.count}
}

// exhaust makes the allowances that were refused elsewhere as exhausted here, so
// that what is left here is not given as well.
func (m *Memory) exhaust(ops []Op, answers []Answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for i, op := range ops {
		if op.Kind != Taking || op.Limit.Most <= 0 || answers[i].Wait <= 0 {
			continue
		}
		whole := now.Add(answers[i].Wait + op.Limit.Over - op.Limit.Share())
		if whole.After(m.get(op.Key, now).end) {
			m.put(op.Key, record{end: whole}, now)
		}
	}
}

func (m *Memory) get(key string, now time.Time) record {
	r := m.records[key]
	if !now.Before(r.end) {
		return record{}
	}
	return r
}

// put keeps r, in the place of another where all are taken.
func (m *Memory) put(key string, r record, now time.Time) {
	_, r.used = m.records[key]
	if !r.used {
		m.place(key, now)
	}
	m.records[key] = r
}

// place gives key a place in the ring: that of a key that is over, else of the
// first of maxLooks that was not used, else of the last.
func (m *Memory) place(key string, now time.Time) {
	if len(m.ring) < maxKeys {
		m.ring = append(m.ring, key)
		return
	}
	victim := -1
	for look := range maxLooks {
		at := (m.hand + look) % len(m.ring)
		r := m.records[m.ring[at]]
		if !now.Before(r.end) {
			victim = at
			break
		}
		switch {
		case victim >= 0: // only one that is over would be better
		case r.used && look < maxLooks-1:
			r.used = false
			m.records[m.ring[at]] = r
		default:
			victim = at
		}
	}
	delete(m.records, m.ring[victim])
	m.ring[victim] = key
	m.hand = (victim + 1) % len(m.ring)
}
